"""The clips: recordings of speech, music and other sound, and from whom each one is."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import numpy as np
from numpy.typing import NDArray

Kind = Literal["speech", "ambient", "music"]
Signal = NDArray[np.float32]

SHORTEST_S, LONGEST_S, CUT_S = 2.0, 20.0, 8.0
#: Clips of one source, so that no single speaker decides.
MOST = {"speech": 6, "ambient": 6, "music": 8}
#: What a path says about the kind of its recordings; the first that fits counts, and what fits nothing is left out.
KINDS: tuple[tuple[str, Kind | None], ...] = (
    (r"shared/media/speech_voicememo", None),  # Nobody speaks in it.
    (r"shared/media/speech_", "speech"),
    (r"shared/media/ambient_", "ambient"),
    (r"shared/media/music_", "music"),
    (r"asterisk/.*/silence/", None),
    (r"asterisk.*\.g722$", "speech"),
    (r"ktuberling/sounds/", "speech"),
    (r"klettres/", "speech"),
    (r"stamps/.*_desc_", "speech"),
    (r"stamps/", "ambient"),
    (r"sounds/freedesktop/", None),
    (r"(lincity-ng|pathological|pingus|tumiki).*/musics?/|/bgm", "music"),
    (r"lincity-ng.*/sounds/", "ambient"),
)


@dataclass(frozen=True)
class Clip:
    """A recording as float32 (samples, channels), its kind, and whose it is."""

    name: str
    kind: Kind
    source: str
    samples: Signal
    rate: int

    @property
    def chosen(self) -> bool:
        """Whether it is in the half that limits may be chosen by."""
        return bool(hashlib.sha256(self.source.encode()).digest()[0] & 1)


def clips(folders: Sequence[Path]) -> Iterator[Clip]:
    """Every usable recording below some folders, in the order of a hash, at most a few of one source."""
    files = [(file, kind) for folder in folders for file in folder.rglob("*.*") if (kind := kind_of(file))]
    taken: Counter[str] = Counter()
    for file, kind in sorted(files, key=lambda found: hashlib.sha256(found[0].name.encode()).digest()):
        source = source_of(file)
        if taken[source] < MOST[kind] and (read := decoded(file, kind)) is not None:
            taken[source] += 1
            yield Clip(file.name, kind, source, *read)


def kind_of(file: Path) -> Kind | None:
    """What kind of recording a file is, by its path."""
    return next((kind for pattern, kind in KINDS if re.search(pattern, file.as_posix())), None)


def source_of(file: Path) -> str:
    """Whose recording it is: the speaker of a language in a collection, or the collection."""
    if spoken := re.search(r"_desc_([a-zA-Z_]+)\.\w+$", file.name):
        return f"stamps {spoken[1]}"
    if file.parent.name == "media":
        return "_".join(file.stem.split("_")[:2])
    place = re.search(r"(asterisk-core-sounds-\w\w|klettres/\w+|sounds/[\w@]+$|stamps/\w+/\w+)", file.parent.as_posix())
    return place[1] if place else file.parent.as_posix().rsplit("/usr/", 1)[-1]


def decoded(file: Path, kind: Kind) -> tuple[Signal, int] | None:
    """The samples and rate of a file; None when it cannot be read or is too short or long for its kind.

    Speech is taken whole, because its first and last moments are judged; the rest is cut from the middle.
    """
    # A bare G.722 stream carries no header that says so.
    form = "g722" if file.suffix == ".g722" else None
    try:
        with av.open(str(file), format=form, metadata_errors="ignore") as media:
            parts = [frame.to_ndarray() for frame in converted(media)]
            rate = media.streams.audio[0].rate
    except (av.FFmpegError, IndexError, UnicodeDecodeError):
        return None
    if not parts:
        return None
    samples = np.ascontiguousarray(np.concatenate(parts, axis=1).T)
    seconds = len(samples) / rate
    if seconds < SHORTEST_S or (kind == "speech" and seconds > LONGEST_S):
        return None
    if kind != "speech" and seconds > CUT_S:
        first = (len(samples) - round(CUT_S * rate)) // 2
        samples = samples[first : first + round(CUT_S * rate)]
    return samples, rate


def converted(media: av.container.InputContainer) -> Iterator[av.AudioFrame]:
    """The frames of the first track as planar floats at their own rate."""
    resampler = av.AudioResampler(format="fltp")
    for frame in media.decode(media.streams.audio[0]):
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
