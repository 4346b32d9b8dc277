"""Comparing recordings without a database: the same scoring, with everything in memory."""

from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from capture_validation.duplicates.audio import StoredAudio
from capture_validation.duplicates.audio_match import match_audio
from capture_validation.duplicates.audio_words import triples, words
from capture_validation.duplicates.evidence import Aligned, Kind, Match, Transformation
from capture_validation.duplicates.memory import MemoryIndex
from capture_validation.duplicates.recording import Fingerprints
from capture_validation.duplicates.video import VideoFingerprint
from capture_validation.duplicates.video_match import match_video
from capture_validation.duplicates.visual_words import posted
from capture_validation.report import Span


class Known(Struct):
    """A recording that others are compared with: its hashes and what is stored of its tracks."""

    sha256: str
    content: str
    seconds: float
    audio: StoredAudio | None
    video: VideoFingerprint | None


class Collection:
    """Recordings by number, in the order in which they were added."""

    def __init__(self) -> None:
        self.known: list[Known] = []
        self.sound = MemoryIndex()
        self.pictures = MemoryIndex()

    def add(self, sha256: str, prints: Fingerprints) -> int:
        """Post a recording and give its number."""
        number = len(self.known)
        audio = prints.audio.stored() if prints.audio else None
        video = prints.video.stored() if prints.video else None
        if prints.audio:
            self.sound.post(number, words(triples(prints.audio.peaks)))
        if video:
            self.pictures.post(number, posted(video))
        self.known.append(Known(sha256, prints.content, prints.seconds, audio, video))
        return number

    def match(self, sha256: str, prints: Fingerprints) -> list[Match]:
        """What a new recording shares with those already here; an exact match makes a closer look unnecessary."""
        exact = list(self._exact(sha256, prints))
        same = {found.recording for found in exact}
        return exact + [found for found in self._perceived(prints) if found.recording not in same]

    def _exact(self, sha256: str, prints: Fingerprints) -> Iterator[Match]:
        for number, known in enumerate(self.known):
            if known.sha256 == sha256 or known.content == prints.content:
                whole = Aligned(Span(0.0, prints.seconds), Span(0.0, known.seconds))
                kind: Kind = "file" if known.sha256 == sha256 else "content"
                yield Match(number, kind, "duplicate", 1.0, 1.0, 1.0, (whole,), Transformation(), 1)

    def _perceived(self, prints: Fingerprints) -> Iterator[Match]:
        if prints.audio:
            yield from match_audio(prints.audio, self.sound.find, self._audio)
        if prints.video:
            yield from match_video(prints.video, self.pictures.find, self._video)

    def _audio(self, numbers: Iterable[int]) -> Mapping[int, StoredAudio]:
        return {number: stored for number in numbers if (stored := self.known[number].audio) is not None}

    def _video(self, number: int) -> VideoFingerprint:
        stored = self.known[number].video
        assert stored is not None  # noqa: S101  Only recordings with pictures have postings of pictures.
        return stored
