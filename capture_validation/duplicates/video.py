"""The fingerprint of a picture track: key frames to find the place again, a motion signature to know the recording.

It is computed from the same frames as the checks, in the same decode and in bounded memory. Two phones at the same
event see the same place and move differently: that is not a duplicate.
"""

from __future__ import annotations

import struct
import zlib
from typing import TYPE_CHECKING

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.audio import bounded
from capture_validation.duplicates.errors import NotAFingerprint
from capture_validation.duplicates.features import Features, Floats, features

if TYPE_CHECKING:
    from capture_validation.pictures import VideoFrame

VERSION = 1
#: Motion is the mean brightness of 16 × 16 cells, four times a second, of at most eight frames a second.
GRID, HZ, FRAMES_HZ = 16, 4, 8
#: A key frame a second while the recording is new, where the checks look as well; every second one is kept, with a
#: quarter of its points. Points of a picture cost more than all else of a fingerprint.
KEY_S, KEPT_STEP, KEPT_POINTS = 1.0, 2, 50
#: Steps per level of brightness: leaves in the wind move a cell by a quarter of a level, which whole levels hide.
STEPS = 2
LONG_SIDE = 640
#: No recording that is accepted is longer than this.
LONGEST_S = 3600.0


class KeyFrame(Struct, frozen=True):
    """Local features of one picture and when it is shown, seconds."""

    at_s: float
    features: Features


class VideoFingerprint(Struct, frozen=True):
    """What is kept of a picture track.

    `seconds`: its length. `width`, `height`: of the picture, the long side is 1. `motion`: int16 (times, 16, 16), four
    times a second, brightness in half levels of 255. `keys`: key frames in order of time.
    """

    seconds: float
    width: float
    height: float
    motion: NDArray[np.int16]
    keys: tuple[KeyFrame, ...]

    @property
    def size(self) -> Floats:
        """Width and height in units of the long side, float64 (2,)."""
        return np.array([self.width, self.height])

    @property
    def enough(self) -> bool:
        """Whether there are features and time enough to tell this recording from another."""
        return len(self.motion) >= 8 and any(len(key.features.points) >= 8 for key in self.keys)

    def stored(self) -> VideoFingerprint:
        """What has to be kept to recognise a later copy: fewer key frames, fewer points, nothing mirrored."""
        nothing = np.zeros((0, 32), np.uint8)
        kept = [
            KeyFrame(key.at_s, Features(key.features.points[:KEPT_POINTS], key.features.bits[:KEPT_POINTS], nothing))
            for key in self.keys[::KEPT_STEP]
        ]
        return VideoFingerprint(self.seconds, self.width, self.height, self.motion, tuple(kept))

    def to_bytes(self) -> bytes:
        """The binary form, version first; below 110 kB a minute when stored. Coordinates are kept to 1/255."""
        steps = np.diff(self.motion, axis=0, prepend=np.zeros((1, GRID, GRID), np.int16)).astype("<i2")
        # Low bytes first, then high bytes: those are nearly all 0 or 255 and cost next to nothing.
        packed = zlib.compress(steps.view(np.uint8).reshape(-1, 2).T.tobytes(), 9)
        head = struct.pack("<4sBdffIII", b"cvvd", VERSION, self.seconds, self.width, self.height,
                           len(self.motion), len(packed), len(self.keys))  # fmt: skip
        return head + packed + b"".join(_key_bytes(key) for key in self.keys)

    @classmethod
    def from_bytes(cls, data: bytes) -> VideoFingerprint:
        """Read the binary form. Raises NotAFingerprint."""
        try:
            magic, version, seconds, width, height, times, size, keys = struct.unpack_from("<4sBdffIII", data)
            if magic != b"cvvd" or version != VERSION or times > LONGEST_S * HZ:
                raise NotAFingerprint
            begin = struct.calcsize("<4sBdffIII")
            planes = np.frombuffer(bounded(data[begin : begin + size], 2 * times * GRID * GRID), np.uint8)
            found, end = _keys_from(data, begin + size, keys)
        except (struct.error, zlib.error, ValueError) as cause:
            raise NotAFingerprint from cause
        if end != len(data):
            raise NotAFingerprint
        steps = np.ascontiguousarray(planes.reshape(2, -1).T).view("<i2").reshape(-1, GRID, GRID)
        motion = np.cumsum(steps, axis=0, dtype=np.int16)
        return cls(seconds, width, height, motion, found)


def _key_bytes(key: KeyFrame) -> bytes:
    points = key.features.points
    angle = np.mod(points[:, 3] / (2 * np.pi), 1) * 256
    size = 24 * np.log2(np.maximum(points[:, 2], 1e-4) / 1e-3) + 40
    small = np.stack((points[:, 0] * 255, points[:, 1] * 255, size, angle), axis=1)
    mirrored = len(key.features.mirrored)
    head = struct.pack("<fHB", key.at_s, len(points), mirrored > 0)
    bytes_ = (np.rint(small).astype(np.int64) % 256).astype(np.uint8) if len(small) else small.astype(np.uint8)
    return head + bytes_.tobytes() + key.features.bits.tobytes() + key.features.mirrored.tobytes()


def _keys_from(data: bytes, at: int, count: int) -> tuple[tuple[KeyFrame, ...], int]:
    keys = []
    for _ in range(count):
        at_s, points, both = struct.unpack_from("<fHB", data, at)
        small = np.frombuffer(data, np.uint8, 4 * points, at + 7).reshape(-1, 4).astype(np.float64)
        bits = np.frombuffer(data, np.uint8, 32 * points, at + 7 + 4 * points).reshape(-1, 32)
        at += 7 + 36 * points
        mirrored = np.frombuffer(data, np.uint8, 32 * points * both, at).reshape(-1, 32)
        at += 32 * points * both
        size = 1e-3 * 2 ** ((small[:, 2] - 40) / 24)
        places = np.stack((small[:, 0] / 255, small[:, 1] / 255, size, small[:, 3] / 256 * 2 * np.pi), axis=1)
        keys.append(KeyFrame(at_s, Features(places, bits, mirrored)))
    return tuple(keys), at


class VideoFingerprinter:
    """Looks at a recording frame by frame and gives its fingerprint at the end.

    Asks for a glance at eight frames a second at most, and for the picture of key frames: both as the checks do anyway.
    """

    def __init__(self) -> None:
        self._motion: list[NDArray[np.int16]] = []
        self._keys: list[KeyFrame] = []
        self._total = np.zeros((GRID, GRID), np.float32)
        self._count = self._found = 0
        self._due_s = 0.0
        self._key_due_s = 0.0
        self._end_s = 0.0
        self._size = (1.0, 1.0)

    def feed(self, frame: VideoFrame) -> None:
        """Take the next decoded frame."""
        at = min(frame.at_s, LONGEST_S)
        self._end_s = max(self._end_s, at + min(frame.duration_s, 1 / HZ))
        if at < self._due_s - 1e-3:
            return
        self._due_s = (np.floor(at * FRAMES_HZ + 1e-3) + 1) / FRAMES_HZ
        self._fill(int(at * HZ + 1e-6))
        self._total += cells(frame.glance())
        self._count += 1
        if at >= self._key_due_s - 1e-3:
            self._key_due_s = (np.floor(at / KEY_S + 1e-3) + 1) * KEY_S
            luma = frame.luma(LONG_SIDE)
            seen, self._found = features(luma, self._found)
            self._keys.append(KeyFrame(at, seen))
            side = max(luma.shape)
            self._size = luma.shape[1] / side, luma.shape[0] / side

    def finish(self) -> VideoFingerprint:
        """The fingerprint of everything seen."""
        self._fill(len(self._motion) + 1 if self._count else len(self._motion))
        motion = np.array(self._motion, np.int16).reshape(-1, GRID, GRID)
        return VideoFingerprint(self._end_s, *self._size, motion, tuple(self._keys))

    def _fill(self, time: int) -> None:
        """Close the quarter seconds before `time`; one without a frame shows what was there before."""
        while len(self._motion) < time:
            if self._count:
                self._motion.append(np.rint(STEPS * self._total / self._count).astype(np.int16))
                self._total[:], self._count = 0, 0
            else:
                self._motion.append(self._motion[-1] if self._motion else np.zeros((GRID, GRID), np.int16))


def cells(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Mean brightness of 16 × 16 cells of a picture, float32: whole levels would hide what moves little."""
    return np.asarray(cv2.resize(luma.astype(np.float32), (GRID, GRID), interpolation=cv2.INTER_AREA), np.float32)
