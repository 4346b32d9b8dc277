"""Local features of a picture: points that are found again after a crop, a turn or a re-encoding, 256 bits each.

Features say that two pictures show the same place or thing. They cannot say that they are the same recording: a fixed
camera sees the same place all day.
"""

from typing import Any

import cv2
import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

# One recording is examined by one process; OpenCV's own threads would only fight with the next process.
cv2.setNumThreads(1)

Floats = NDArray[np.float64]
Bytes = NDArray[np.uint8]

#: Long side in pixels that features are looked for at, how many are kept, and out of how many.
SIDE, MOST, FOUND = 256, 200, 600
#: Describing a point costs 0.03 ms, and making the picture ready for it a second time 5 ms. Where more points than this
#: are expected, they are found first and those that are kept described then; the result is the same.
MANY = 400
#: A cell of a 4 × 4 grid gives each further point this much less weight, so that a title cannot take all places.
CROWDED = 0.85
#: Mean of a RootSIFT component; subtracted so that signs of projections are balanced.
MEAN = 0.08
BITS = 256
#: What a descriptor becomes when its picture is mirrored: cells in reverse, angles negated.
_MIRROR = np.arange(128).reshape(4, 4, 8)[::-1][:, :, -np.arange(8) % 8].ravel()
_PROJECTION = np.random.default_rng(1).standard_normal((128, BITS)).astype(np.float32)


class Features(Struct, frozen=True):
    """Points of one picture: `points` float64 (n, 4) as x, y, size in units of the long side, and angle in radians.

    `bits` and `mirrored`: uint8 (n, 32), the descriptor as it is and as it would be in a mirrored picture.
    """

    points: Floats
    bits: Bytes
    mirrored: Bytes


def features(gray: Bytes, expected: int = 0) -> tuple[Features, int]:
    """The strongest points of a picture, uint8 (height, width), spread over it, and out of how many.

    `expected` is how many the picture before had. SIFT (Lowe, IJCV 60, 2004) with RootSIFT (Arandjelović and Zisserman,
    CVPR 2012), kept as the signs of a random projection (Charikar, STOC 2002).
    """
    opencv: Any = cv2  # Its type hints leave SIFT out.
    sift = opencv.SIFT_create(nfeatures=FOUND, contrastThreshold=0.02, edgeThreshold=12)
    small = _shrunk(gray)
    found, described = (sift.detect(small, None), None) if expected > MANY else sift.detectAndCompute(small, None)
    if not found:
        return Features(np.zeros((0, 4)), np.zeros((0, 32), np.uint8), np.zeros((0, 32), np.uint8)), 0
    order = _spread(found, small.shape)[:MOST]
    kept = [found[i] for i in order]
    described = sift.compute(small, kept)[1] if described is None else described[order]
    side = max(small.shape)
    points = np.array([(p.pt[0] / side, p.pt[1] / side, p.size / side, np.deg2rad(p.angle)) for p in kept])
    root = np.sqrt(described / (described.sum(axis=1, keepdims=True) + 1e-6)) - np.float32(MEAN)
    return Features(points, _signs(root), _signs(root[:, _MIRROR])), len(found)


def _shrunk(gray: Bytes) -> Bytes:
    scale = min(1.0, SIDE / max(gray.shape))
    size = max(16, round(gray.shape[1] * scale)), max(16, round(gray.shape[0] * scale))
    return np.asarray(cv2.resize(gray, size, interpolation=cv2.INTER_AREA), np.uint8)


def _spread(found: Any, shape: tuple[int, ...]) -> NDArray[np.int64]:
    """Order of points by strength, each further one of a cell damped."""
    strength = np.array([point.response for point in found])
    place = np.array([point.pt for point in found]) * 4 // np.array(shape[::-1])
    cell = (place @ np.array([1, 4])).astype(np.int64)
    order = np.lexsort((-strength, cell))
    ranked = cell[order]
    rank = np.arange(len(order)) - np.searchsorted(ranked, ranked)
    strength[order] *= CROWDED**rank
    return np.argsort(-strength, kind="stable")


def _signs(root: NDArray[np.float32]) -> Bytes:
    return np.packbits(root @ _PROJECTION > 0, axis=1)


def distances(one: Bytes, two: Bytes) -> NDArray[np.int64]:
    """Number of different bits of every pair, int64 (n, m), 0 … 256: through one product of ±1, the fastest way."""
    a, b = (np.unpackbits(bits, axis=1).astype(np.float32) * 2 - 1 for bits in (one, two))
    return np.rint((BITS - a @ b.T) / 2).astype(np.int64)
