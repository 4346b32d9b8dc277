"""Decoded sound in blocks of one size.

Decoders hand out frames of 160 to 65,536 samples depending on codec and version. A check that saw those would
give another number for the same sound in another file, so everything is cut anew into blocks of two seconds: long
enough that what NumPy costs per call hardly counts, short enough to keep in memory.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from msgspec import Struct

from capture_validation.errors import Unreadable

BLOCK_S = 2.0
#: Sample values in a block at most, over all channels: 3 MB, which is half a second of 8 channels at 192 kHz.
BLOCK_VALUES = 768_000
# Rounding of timestamps (Matroska: 1 ms) and encoder delays stay below this; a lost packet is at least this long.
GAP_S = 0.02
#: Planes that FFmpeg's frames hold in themselves (AV_NUM_DATA_POINTERS).
PLANES = 8
# What a sample is multiplied with after its offset, by FFmpeg's packed format name. Powers of two: exact.
SCALES = {"u8": (-128, 2.0**-7), "s16": (0, 2.0**-15), "s32": (0, 2.0**-31), "flt": (0, 1.0), "dbl": (0, 1.0)}
#: Formats that have room for what is no number.
FLOATS = ("flt", "dbl")


class AudioBlock(Struct, frozen=True):
    """A stretch of sound: `samples` float32 (n, channels), full scale -1..1, beginning at `at_s` of the recording.

    Lossy decoders overshoot full scale a little; that is kept, because it is what a listener's device will clip.
    `jumps` are where its timestamps leave some time out: the first sample behind, and when that belongs.
    """

    samples: npt.NDArray[np.float32]
    at_s: float
    sample_rate: int
    jumps: tuple[tuple[int, float], ...] = ()

    def pieces(self) -> Iterator["AudioBlock"]:
        """The block cut at its jumps, so that every sample of a piece is where it belongs."""
        begins = [(0, self.at_s), *self.jumps]
        ends = [*(begin for begin, _ in self.jumps), len(self.samples)]
        for (begin, at_s), end in zip(begins, ends, strict=True):
            yield AudioBlock(self.samples[begin:end], at_s, self.sample_rate)


class Blocks:
    """Cuts frames of any length into blocks of `BLOCK_S` seconds, or less of very many samples; keeps their place."""

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate = sample_rate
        self.channels = channels
        self.samples = 0
        self._begun_at_s = 0.0
        self._samples_since = 0
        self._size = min(round(sample_rate * BLOCK_S), BLOCK_VALUES // channels)
        self._filled = 0
        self._block_at_s = 0.0
        self._block = self._empty()
        self._jumps: list[tuple[int, float]] = []

    @property
    def next_at_s(self) -> float:
        """Where the next sample belongs, in seconds; counted in samples, so that rounding does not add up."""
        return self._begun_at_s + self._samples_since / self.sample_rate

    def begin(self, at_s: float) -> None:
        """Say that the next sample belongs to this time."""
        self._begun_at_s, self._samples_since = at_s, 0
        if self._filled:
            self._jumps.append((self._filled, at_s))

    def jump(self, at_s: float, limit_s: float) -> tuple[float, float] | None:
        """Follow the timestamp of the next frame; a gap is returned as (start, length) in seconds.

        A step back, or one longer than any recording, is a broken timestamp and not a gap.
        """
        length = at_s - self.next_at_s
        if not GAP_S < length < limit_s:
            return None
        start = self.next_at_s
        self.begin(at_s)
        return start, length

    def put(self, frame: AudioFrame) -> Iterator[AudioBlock]:
        """Add a decoded frame; every block that became full comes out. Raises Unreadable "not-finite"."""
        samples = scaled(frame, self.channels)
        if frame.format.name.startswith(FLOATS) and not (finite := np.isfinite(samples)).all():
            # A frame may be as long as the recording, so where it begins says little.
            before = int(np.argmin(finite.all(axis=1)))
            raise Unreadable("not-finite", at_s=self.next_at_s + before / self.sample_rate)
        done = 0
        while done < len(samples):
            if not self._filled:
                self._block_at_s = self.next_at_s
            taken = min(len(samples) - done, self._size - self._filled)
            self._block[self._filled : self._filled + taken] = samples[done : done + taken]
            self._filled += taken
            done += taken
            self.samples += taken
            self._samples_since += taken
            if self._filled == self._size:
                yield from self.rest()

    def rest(self) -> Iterator[AudioBlock]:
        """What is left over, as a last shorter block."""
        if self._filled:
            # The array goes out as it is and a new one takes its place: nobody else may write into a block.
            whole = self._block[: self._filled]
            yield AudioBlock(whole, self._block_at_s, self.sample_rate, tuple(self._jumps))
            self._block = self._empty()
            self._filled = 0
            self._jumps.clear()

    def _empty(self) -> npt.NDArray[np.float32]:
        return np.empty((self._size, self.channels), np.float32)


def scaled(frame: AudioFrame, channels: int) -> npt.NDArray[np.float32]:
    """The samples of a frame as float32 (n, channels), full scale -1..1; integers are scaled exactly.

    Raises Unreadable "codec-unsupported" for a sample format no allowed decoder delivers.
    """
    name = frame.format.name.removesuffix("p")
    if name not in SCALES:
        raise Unreadable("codec-unsupported", codec=frame.format.name)
    # PyAV looks for the end of the planes one place behind the eighth and reads on until it dies: packed, all are one.
    frame = packed(frame) if frame.format.is_planar and channels >= PLANES else frame
    data = frame.to_ndarray()
    # Planar formats come as (channels, n), packed ones as (1, n * channels).
    samples = data.T if frame.format.is_planar else data.reshape(-1, channels)
    offset, scale = SCALES[name]
    # 32-bit integers and doubles hold more than float32 shows; rounding once is the exact nearest value.
    wide = np.float64 if name in ("s32", "dbl") else np.float32
    with np.errstate(over="ignore", invalid="ignore"):
        centred = np.add(samples, offset, dtype=wide) if offset else samples
        return np.multiply(centred, scale, dtype=wide).astype(np.float32, copy=False)


def packed(frame: AudioFrame) -> AudioFrame:
    """The same samples, those of all channels side by side in one plane."""
    same = AudioResampler(format=frame.format.name.removesuffix("p"), layout=frame.layout, rate=frame.sample_rate)
    [whole] = same.resample(frame)
    return whole
