"""The fingerprint of a sound track: landmarks to look up, texture to compare.

It is computed from the same blocks as the checks, in the same decode and in bounded memory. It identifies a recording
and not a voice: another take of the same words by the same person shares neither landmarks nor texture.
"""

import struct
import zlib

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.errors import NotAFingerprint
from capture_validation.duplicates.landmarks import CONTEXT, LOW, SECOND, Landmarks, landmarks
from capture_validation.duplicates.narrow_spectra import BINS, HOP, NarrowSpectra, Powers
from capture_validation.duplicates.narrowband import RATE
from capture_validation.duplicates.texture import Words, texture

#: Fingerprints of one version compare with each other only; a new version lives beside the old one until all moved.
VERSION = 2
FRAME_S = HOP / RATE
#: Seconds worked on at once; a multiple of one second of frames, so that a recording gives one answer however it came.
CHUNK = 8 * SECOND
#: A frame more than 30 dB (7 in natural logarithm of power) below the loud ones within 12 s carries no texture.
QUIET, LOUD_SHARE, LOUD_SPAN = 7.0, 0.98, 4 * SECOND
#: Below −100 dBFS there is only what a converter made up.
DIGITAL_SILENCE = -13.3
BIN_STEPS = FRAME_STEPS = 8
#: Less than this proves nothing: a click, a breath, a tone.
FIRM_BITS, ENOUGH_S, ENOUGH_PEAKS = 8, 0.35, 10


class AudioFingerprint(Struct, frozen=True):
    """What is kept of a sound track while it is new.

    `seconds`: its length. `peaks`: its landmarks. `bits`: uint64 (frames,), the texture. `firm`: uint64 (frames,), the
    bits that may be trusted; 0 where the frame is quiet. Frames are 16 ms apart.
    """

    seconds: float
    peaks: Landmarks
    bits: Words
    firm: Words

    @property
    def content_s(self) -> float:
        """Seconds in which something firm happens; silence and a steady tone have none."""
        return float(np.count_nonzero(np.bitwise_count(self.firm) >= FIRM_BITS)) * FRAME_S

    @property
    def enough(self) -> bool:
        """Whether there is enough content to tell this recording from another."""
        return self.content_s >= ENOUGH_S and len(self.peaks.frame) >= ENOUGH_PEAKS

    def stored(self) -> "StoredAudio":
        """What has to be kept to recognise a later copy: every second frame, and one flag for loudness."""
        return StoredAudio(self.seconds, self.bits[::2].copy(), self.firm[::2] > 0)

    def to_bytes(self) -> bytes:
        """The binary form, version first; about 3.6 MB an hour. Times are deltas, so that silence costs little."""
        order = np.argsort(self.peaks.frame, kind="stable")
        frames = np.rint((self.peaks.frame[order] + 1) * FRAME_STEPS).astype(np.int64)
        steps = np.diff(frames, prepend=0).astype("<u4")
        places = np.rint((self.peaks.bin[order] - LOW + 1) * BIN_STEPS).astype("<u2")
        parts = steps.tobytes() + places.tobytes()
        head = struct.pack("<4sBdII", b"cvaq", VERSION, self.seconds, len(steps), len(self.bits))
        body = self.bits.astype("<u8").tobytes() + self.firm.astype("<u8").tobytes()
        return head + struct.pack("<I", len(packed := zlib.compress(parts, 6))) + packed + body

    @classmethod
    def from_bytes(cls, data: bytes) -> "AudioFingerprint":
        """Read the binary form. Raises NotAFingerprint."""
        try:
            magic, version, seconds, count, frames = struct.unpack_from("<4sBdII", data)
            (packed,) = struct.unpack_from("<I", data, 21)
            if magic != b"cvaq" or version != VERSION or len(data) != 25 + packed + 16 * frames:
                raise NotAFingerprint
            parts = bounded(data[25 : 25 + packed], 6 * count)
        except (struct.error, zlib.error) as cause:
            raise NotAFingerprint from cause
        steps = np.frombuffer(parts, "<u4", count).astype(np.int64)
        places = np.frombuffer(parts, "<u2", count, 4 * count)
        words = np.frombuffer(data, "<u8", 2 * frames, 25 + packed).astype(np.uint64)
        peaks = Landmarks(np.cumsum(steps) / FRAME_STEPS - 1, places / BIN_STEPS + LOW - 1)
        return cls(seconds, peaks, words[:frames], words[frames:])


class StoredAudio(Struct, frozen=True):
    """What is kept of a sound track that others are compared with: 0.9 MB an hour.

    `bits`: uint64 (half frames,), the texture every 32 ms. `loud`: bool (half frames,), where it means anything.
    """

    seconds: float
    bits: Words
    loud: NDArray[np.bool_]

    def to_bytes(self) -> bytes:
        """The binary form, version first. Quiet frames are left out, so that silence costs a bit per frame."""
        head = struct.pack("<4sBdI", b"cvas", VERSION, self.seconds, len(self.bits))
        return head + np.packbits(self.loud).tobytes() + self.bits[self.loud].astype("<u8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "StoredAudio":
        """Read the binary form. Raises NotAFingerprint."""
        try:
            magic, version, seconds, frames = struct.unpack_from("<4sBdI", data)
        except struct.error as cause:
            raise NotAFingerprint from cause
        flags = -(-frames // 8)
        if magic != b"cvas" or version != VERSION or len(data) < 17 + flags:
            raise NotAFingerprint
        loud = np.unpackbits(np.frombuffer(data, np.uint8, flags, 17), count=frames).astype(bool)
        if len(data) != 17 + flags + 8 * np.count_nonzero(loud):
            raise NotAFingerprint
        bits = np.zeros(frames, np.uint64)
        bits[loud] = np.frombuffer(data, "<u8", offset=17 + flags)
        return cls(seconds, bits, loud)


def bounded(packed: bytes, size: int) -> bytes:
    """Unpack exactly `size` bytes; a small file that claims more, or hides more, is none of ours."""
    unpacked = zlib.decompressobj().decompress(packed, size + 1)
    if len(unpacked) != size:
        raise NotAFingerprint
    return unpacked


class AudioFingerprinter:
    """Listens to a recording block by block and gives its fingerprint at the end.

    Keeps less than 13 s of spectra and the 20 bytes a frame that the fingerprint itself is made of, whatever the
    length of the recording.
    """

    def __init__(self, sample_rate: int, channels: int) -> None:
        self.sample_rate = sample_rate
        self.samples = 0
        self._spectra = NarrowSpectra(sample_rate, channels)
        self._rows: Powers = np.zeros((0, BINS), np.float32)
        self._before = 0
        self._done = 0
        self._peaks: list[Landmarks] = []
        self._texture: list[tuple[Words, Words, NDArray[np.float32]]] = []

    def feed(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples, float32 (n, channels), −1…1, at the recording's own rate."""
        self.samples += len(samples)
        self._add(self._spectra.take(samples))

    def finish(self) -> AudioFingerprint:
        """The fingerprint of everything heard."""
        self._add(self._spectra.rest())
        ready = len(self._rows) - self._before
        if ready:
            self._begin()
            after = np.pad(self._rows, ((0, CONTEXT), (0, 0)), mode="symmetric")
            self._work(after, ready)
        return self._whole()

    def _add(self, powers: Powers) -> None:
        self._rows = np.concatenate((self._rows, powers)) if len(self._rows) else powers
        while len(self._rows) - self._before >= CHUNK + CONTEXT:
            self._begin()
            self._work(self._rows, CHUNK)
            self._rows, self._before = self._rows[CHUNK:], CONTEXT

    def _begin(self) -> None:
        """Put a mirror image before the first frame, so that a beginning has a background like any other place."""
        if not self._done and not self._before:
            self._rows = np.pad(self._rows, ((CONTEXT, 0), (0, 0)), mode="symmetric")
            self._before = CONTEXT

    def _work(self, rows: Powers, count: int) -> None:
        seen = rows[: CONTEXT + count + CONTEXT]
        # Row 0 lies CONTEXT frames before the chunk; the seconds that peaks are counted in start with the chunk.
        found = landmarks(seen, CONTEXT, CONTEXT + count)
        self._peaks.append(Landmarks(found.frame - CONTEXT + self._done, found.bin))
        self._texture.append(tuple(part[CONTEXT : CONTEXT + count] for part in texture(seen)))  # type: ignore[arg-type]
        self._done += count

    def _whole(self) -> AudioFingerprint:
        seconds = self.samples / self.sample_rate
        nothing = np.zeros(0, np.uint64)
        if not self._done:
            return AudioFingerprint(seconds, Landmarks(np.zeros(0), np.zeros(0)), nothing, nothing)
        frame = np.concatenate([peaks.frame for peaks in self._peaks])
        places = np.concatenate([peaks.bin for peaks in self._peaks])
        bits, firm, level = (np.concatenate(parts) for parts in zip(*self._texture, strict=True))
        return AudioFingerprint(seconds, Landmarks(frame, places), bits, firm * loud(level))


def loud(level: NDArray[np.float32]) -> NDArray[np.uint64]:
    """1 where a frame is within 30 dB of the loud frames around it, else 0.

    Loud is the 98th percentile of 12 s: one click decides nothing, and a quiet speaker after a loud one still counts.
    """
    blocks = -(-len(level) // LOUD_SPAN)
    threshold = np.empty(blocks)
    for block in range(blocks):
        around = level[max(0, (block - 1) * LOUD_SPAN) : (block + 2) * LOUD_SPAN]
        threshold[block] = max(float(np.quantile(around, LOUD_SHARE)) - QUIET, DIGITAL_SILENCE)
    return (level > np.repeat(threshold, LOUD_SPAN)[: len(level)]).astype(np.uint64)
