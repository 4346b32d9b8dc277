"""The clips: recordings of speech, music and other sound, and from whom each one is."""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import scipy
from numpy.typing import NDArray

from benchmarks.accuracy.origins import Kind, collection_of, kind_of, reported, source_of

Signal = NDArray[np.float32]

SHORTEST_S, LONGEST_S, CUT_S = 2.0, 60.0, 8.0
#: Clips of one source, so that no single speaker decides.
MOST = 12
#: Whose first and last moments are judged, and which is taken whole.
SPOKEN = {"speech", "conversation"}
#: A bare G.722 stream carries no header that says so.
BARE = {".g722": "g722"}
#: Takes are compared at this rate; what correlates by so much at some lag is one take, in whatever container it comes.
THIN_HZ, SAME = 4000, 0.9


@dataclass(frozen=True)
class Clip:
    """A recording as float32 (samples, channels), its kind, and whose it is."""

    name: str
    kind: Kind
    source: str
    samples: Signal
    rate: int
    #: Whether it is in the half that limits may be chosen by.
    chosen: bool
    #: How many of its collection came before it.
    before: int
    #: The file that it is all of, which is examined as it is; None where it is a part, or has no container.
    file: Path | None = None


def clips(folders: Sequence[Path], wanted: Callable[[Path], bool] = lambda file: True) -> Iterator[Clip]:
    """Every usable recording below some folders, each take once, in the order of a hash, a few of a source at most."""
    found = (file for folder in folders for file in folder.rglob("*.*") if wanted(file))
    files = [(file, kind) for file in found if (kind := kind_of(file))]
    taken: defaultdict[str, list[Signal]] = defaultdict(list)
    counts: Counter[str] = Counter()
    for file, kind in sorted(files, key=lambda found: hashlib.sha256(found[0].name.encode()).digest()):
        source = source_of(file)
        held, collection = taken[source], collection_of(source)
        if len(held) < MOST and (read := decoded(file, kind)) is not None:
            take = thinned(*read)
            if not any(same(take, other) for other in held):
                whole = file if is_whole(file, kind, *read) else None
                yield Clip(file.name, kind, source, *read, not reported(file), counts[collection], whole)
                held.append(take)
                counts[collection] += 1


def is_whole(file: Path, kind: Kind, samples: Signal, rate: int) -> bool:
    """Whether samples are all of a file that says what it holds."""
    return file.suffix not in BARE and (kind in SPOKEN or len(samples) < round(CUT_S * rate))


def thinned(samples: Signal, rate: int) -> Signal:
    """The mean of the channels at a low rate, of unit energy: what two copies of one take have in common."""
    mono = samples.mean(axis=1, dtype=np.float64)
    thin = scipy.signal.resample_poly(mono - mono.mean(), THIN_HZ, rate)
    return np.asarray(thin / (np.linalg.norm(thin) + 1e-9), np.float32)


def same(one: Signal, other: Signal) -> bool:
    """Whether two thinned takes are one recording, at another rate, in another container, or with its ends cut."""
    return bool(np.abs(scipy.signal.fftconvolve(one, other[::-1])).max() >= SAME)


def decoded(file: Path, kind: Kind) -> tuple[Signal, int] | None:
    """The samples and rate of a file; None when it cannot be read or is too short or long for its kind.

    Speech is taken whole, because its first and last moments are judged; the rest is cut from the middle.
    """
    form = BARE.get(file.suffix)
    try:
        with av.open(str(file), format=form, metadata_errors="ignore") as media:
            length_s = (media.duration or 0) / av.time_base
            if media.duration is not None and length_s < SHORTEST_S:
                return None
            if kind not in SPOKEN and length_s > CUT_S:
                media.seek(round((length_s - CUT_S) / 2 * av.time_base))
            parts = [frame.to_ndarray() for frame in converted(media, LONGEST_S if kind in SPOKEN else CUT_S)]
            rate = media.streams.audio[0].rate
    except (av.FFmpegError, IndexError, UnicodeDecodeError):
        return None
    if not parts:
        return None
    samples = np.ascontiguousarray(np.concatenate(parts, axis=1).T)
    seconds = len(samples) / rate
    if seconds < SHORTEST_S or (kind in SPOKEN and seconds > LONGEST_S):
        return None
    return samples if kind in SPOKEN else samples[: round(CUT_S * rate)], rate


def converted(media: av.container.InputContainer, longest_s: float) -> Iterator[av.AudioFrame]:
    """The frames of the first track as planar floats at their own rate, until a little more than so long is there."""
    resampler, heard_s = av.AudioResampler(format="fltp"), 0.0
    for frame in media.decode(media.streams.audio[0]):
        yield from resampler.resample(frame)
        heard_s += frame.samples / frame.sample_rate
        if heard_s > longest_s:
            break
    yield from resampler.resample(None)
