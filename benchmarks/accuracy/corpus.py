"""The clips: recordings of speech, music and other sound, and from whom each one is."""

import hashlib
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import av
import numpy as np
import scipy
from numpy.typing import NDArray

Kind = Literal["speech", "ambient", "music"]
Signal = NDArray[np.float32]

SHORTEST_S, LONGEST_S, CUT_S = 2.0, 20.0, 8.0
#: Clips of one source, so that no single speaker decides.
MOST = {"speech": 12, "ambient": 12, "music": 12}
#: Takes are compared at this rate; what correlates by so much at some lag is one take, in whatever container it comes.
THIN_HZ, SAME = 4000, 0.9
#: What a path says about the kind of its recordings; the first that fits counts, and what fits nothing is left out.
KINDS: tuple[tuple[str, Kind | None], ...] = (
    (r"shared/media/speech_voicememo", None),  # Nobody speaks in it.
    (r"shared/media/speech_", "speech"),
    (r"shared/media/ambient_", "ambient"),
    (r"shared/media/music_", "music"),
    (r"asterisk/sounds/\w+/[\w-]+\.g722$", "speech"),  # The folders below hold silence, tones and single letters.
    (r"ktuberling/sounds/.*/(say|tux)-(zzz|laugh)\.", None),  # Snoring and laughter.
    (r"ktuberling/sounds/", "speech"),
    (r"stamps/.*_desc_", "speech"),
    (r"stamps/", "ambient"),
    (r"fillets-ng/sound/.*/[a-z]+-[mv]-[^/]*$", "speech"),
    (r"unknown-horizons/.*/voice/", "speech"),
    (r"(lincity-ng|pathological|asc|singularity|hyperrogue|unknown-horizons|fillets-ng|widelands)/.*music/", "music"),
    (r"(asc|singularity|hyperrogue|fillets-ng|widelands)/music/", "music"),
    (r"lomiri/ringtones/", "music"),
    (r"lincity-ng.*/sounds/|unknown-horizons/.*/sounds/", "ambient"),
)


@dataclass(frozen=True)
class Clip:
    """A recording as float32 (samples, channels), its kind, and whose it is."""

    name: str
    kind: Kind
    source: str
    samples: Signal
    rate: int
    #: How many of its source came before it.
    before: int

    @property
    def chosen(self) -> bool:
        """Whether it is in the half that limits may be chosen by."""
        return bool(hashlib.sha256(self.source.encode()).digest()[0] & 1)


def clips(folders: Sequence[Path]) -> Iterator[Clip]:
    """Every usable recording below some folders, each take once, in the order of a hash, a few of a source at most."""
    files = [(file, kind) for folder in folders for file in folder.rglob("*.*") if (kind := kind_of(file))]
    taken: defaultdict[str, list[Signal]] = defaultdict(list)
    for file, kind in sorted(files, key=lambda found: hashlib.sha256(found[0].name.encode()).digest()):
        held = taken[source_of(file)]
        if len(held) < MOST[kind] and (read := decoded(file, kind)) is not None:
            take = thinned(*read)
            if not any(same(take, other) for other in held):
                yield Clip(file.name, kind, source_of(file), *read, len(held))
                held.append(take)


def thinned(samples: Signal, rate: int) -> Signal:
    """The mean of the channels at a low rate, of unit energy: what two copies of one take have in common."""
    mono = samples.mean(axis=1, dtype=np.float64)
    thin = scipy.signal.resample_poly(mono - mono.mean(), THIN_HZ, rate)
    return np.asarray(thin / (np.linalg.norm(thin) + 1e-9), np.float32)


def same(one: Signal, other: Signal) -> bool:
    """Whether two thinned takes are one recording, at another rate, in another container, or with its ends cut."""
    return bool(np.abs(scipy.signal.fftconvolve(one, other[::-1])).max() >= SAME)


def kind_of(file: Path) -> Kind | None:
    """What kind of recording a file is, by its path."""
    return next((kind for pattern, kind in KINDS if re.search(pattern, file.as_posix())), None)


def source_of(file: Path) -> str:
    """Whose recording it is: the speaker of a language in a collection, or the collection."""
    if spoken := re.search(r"_desc_([a-zA-Z_]+)\.\w+$", file.name):
        return f"stamps {spoken[1]}"
    if file.parent.name == "media":
        return "_".join(file.stem.split("_")[:2])
    if acted := re.search(r"fillets-ng/sound/.*/(\w\w)/[a-z]+-([mv])-", file.as_posix()):
        # Each language has one actor for the small fish and one for the big one.
        return f"fillets {acted[1]} {acted[2]}"
    place = re.search(r"(sounds/[\w@]+$|stamps/\w+/\w+|voice/\w\w)", file.parent.as_posix())
    return place[1] if place else file.parent.as_posix().rsplit("/usr/", 1)[-1]


def decoded(file: Path, kind: Kind) -> tuple[Signal, int] | None:
    """The samples and rate of a file; None when it cannot be read or is too short or long for its kind.

    Speech is taken whole, because its first and last moments are judged; the rest is cut from the middle.
    """
    # A bare G.722 stream carries no header that says so.
    form = "g722" if file.suffix == ".g722" else None
    try:
        with av.open(str(file), format=form, metadata_errors="ignore") as media:
            length_s = (media.duration or 0) / av.time_base
            if media.duration is not None and length_s < SHORTEST_S:
                return None
            if kind != "speech" and length_s > CUT_S:
                media.seek(round((length_s - CUT_S) / 2 * av.time_base))
            parts = [frame.to_ndarray() for frame in converted(media, LONGEST_S if kind == "speech" else CUT_S)]
            rate = media.streams.audio[0].rate
    except (av.FFmpegError, IndexError, UnicodeDecodeError):
        return None
    if not parts:
        return None
    samples = np.ascontiguousarray(np.concatenate(parts, axis=1).T)
    seconds = len(samples) / rate
    if seconds < SHORTEST_S or (kind == "speech" and seconds > LONGEST_S):
        return None
    return samples if kind == "speech" else samples[: round(CUT_S * rate)], rate


def converted(media: av.container.InputContainer, longest_s: float) -> Iterator[av.AudioFrame]:
    """The frames of the first track as planar floats at their own rate, until a little more than so long is there."""
    resampler, heard_s = av.AudioResampler(format="fltp"), 0.0
    for frame in media.decode(media.streams.audio[0]):
        yield from resampler.resample(frame)
        heard_s += frame.samples / frame.sample_rate
        if heard_s > longest_s:
            break
    yield from resampler.resample(None)
