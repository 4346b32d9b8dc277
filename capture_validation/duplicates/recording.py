"""All that identifies one recording: the hash of its content and the fingerprints of its tracks."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO

from msgspec import Struct

from capture_validation.capacity import CAPACITY, Capacity
from capture_validation.duplicates import audio, video
from capture_validation.duplicates.audio import AudioFingerprint, AudioFingerprinter
from capture_validation.duplicates.content import content_hash
from capture_validation.duplicates.video import VideoFingerprint, VideoFingerprinter

if TYPE_CHECKING:
    # The worker compares fingerprints and must never load a decoder.
    from capture_validation.decode import OpenRecording
    from capture_validation.pictures import VideoFrame
    from capture_validation.samples import AudioBlock

#: The version of both tracks as one number: what is stored under another one is not compared.
VERSION = 100 * audio.VERSION + video.VERSION


class Fingerprints(Struct, frozen=True):
    """What a recording is compared by; `audio` and `video` are None without such a track."""

    content: str
    audio: AudioFingerprint | None
    video: VideoFingerprint | None

    @property
    def seconds(self) -> float:
        """Length of the longer track."""
        return max((track.seconds for track in (self.audio, self.video) if track is not None), default=0.0)

    @property
    def enough(self) -> bool:
        """Whether at least one track has enough content to tell this recording from another."""
        return any(track is not None and track.enough for track in (self.audio, self.video))


def fingerprints(file: BinaryIO, capacity: Capacity = CAPACITY) -> Fingerprints:
    """Decode a recording once and fingerprint it. Raises Unreadable for a file that is none."""
    from capture_validation.decode import open_recording

    with open_recording(file, capacity) as recording:
        listener = Fingerprinter()
        listener.start(recording)
        for part in recording.read():
            listener.feed(part)
        return listener.finish()


class Fingerprinter:
    """Takes the parts of a recording as they are decoded, beside whatever else looks at them."""

    def start(self, recording: OpenRecording) -> None:
        """Begin with a recording of which nothing was read yet."""
        from capture_validation.samples import AudioBlock

        self._recording, self._sound = recording, AudioBlock
        track = recording.audio
        self._audio = AudioFingerprinter(track.sample_rate, track.channels) if track else None
        self._video = VideoFingerprinter() if recording.video else None

    def feed(self, part: AudioBlock | VideoFrame) -> None:
        """Take the next block of sound or the next picture."""
        if isinstance(part, self._sound):
            if self._audio:
                self._audio.feed(part.samples)
        elif self._video:
            self._video.feed(part)

    def finish(self) -> Fingerprints:
        """The fingerprints, once the recording's `read` is exhausted."""
        return Fingerprints(
            content_hash(self._recording.audio_end, self._recording.video_end),
            self._audio.finish() if self._audio else None,
            self._video.finish() if self._video else None,
        )
