"""Geometry: how the picture of one recording lies in the picture of another.

A crop, a scale, a turn and a shift together are a similarity with four numbers; a mirror image is turned back first.
"""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.features import Bytes, Floats, distances

#: Two descriptors are the same point when at most so many of 256 bits differ.
SAME_POINT = 84
#: Points must land within this part of the long side; twice that while the best guess is being looked for.
TOLERANCE = 0.02
#: No copy is more than four times larger or smaller.
LARGEST_SCALE = 4.0
FEWEST = 4
#: Inliers count once per cell of this size, because a corner found in five octaves is one corner.
CELL = 0.02


class Similarity(Struct, frozen=True):
    """Held picture → new picture: x′ = a·x − b·y + dx, y′ = b·x + a·y + dy, in units of the long sides.

    `mirrored`: the new picture was flipped left to right before. `inliers`: matching points at distinct places.
    """

    a: float
    b: float
    dx: float
    dy: float
    mirrored: bool
    inliers: int

    @property
    def scale(self) -> float:
        """How much larger things are in the new picture."""
        return float(np.hypot(self.a, self.b))

    @property
    def rotation_deg(self) -> float:
        """How far the new picture is turned, −180…180 degrees."""
        return float(np.degrees(np.arctan2(self.b, self.a)))


def moved(numbers: Floats, points: Floats) -> Floats:
    """Points (n, 2) of the held picture at their places in the new one; `numbers` are (a, b, dx, dy).

    With many similarities at once, `numbers` (4, m, 1), the result is (m, n, 2).
    """
    a, b, dx, dy = numbers
    x, y = points[:, 0], points[:, 1]
    return np.stack((a * x - b * y + dx, b * x + a * y + dy), axis=-1)


def mutual(held: Bytes, new: Bytes) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Indices of points that are each other's nearest and near enough, as (held, new)."""
    if min(len(held), len(new)) < FEWEST:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    apart = distances(new, held)
    nearest = apart.argmin(axis=1)
    index = np.arange(len(new))
    same = (apart[index, nearest] < SAME_POINT) & (apart.argmin(axis=0)[nearest] == index)
    return nearest[same], index[same]


def similarity(held: Floats, new: Floats, *, mirrored: bool) -> Similarity | None:
    """The similarity that most matching points agree on, or None.

    `held`, `new`: float64 (n, 4), rows that match. Every match proposes one from its own scale and angle; the best is
    fitted to its inliers by least squares (Umeyama, IEEE PAMI 13, 1991), three times.
    """
    if len(held) < FEWEST:
        return None
    guesses = _guesses(held, new)
    if not len(guesses):
        return None
    reach = _errors(guesses.T[:, :, None], held, new) < 2 * TOLERANCE
    inside = reach[int(reach.sum(axis=1).argmax())]
    for _ in range(3):
        if inside.sum() < 3:
            return None
        best = _fitted(held[inside, :2], new[inside, :2])
        inside = _errors(best, held, new) < TOLERANCE
    places = {tuple(place) for place in (held[inside, :2] / CELL).astype(int).tolist()}
    a, b, dx, dy = (float(number) for number in best)
    return Similarity(a, b, dx, dy, mirrored, len(places))


def _guesses(held: Floats, new: Floats) -> Floats:
    scale, turn = new[:, 2] / held[:, 2], new[:, 3] - held[:, 3]
    a, b = scale * np.cos(turn), scale * np.sin(turn)
    dx = new[:, 0] - a * held[:, 0] + b * held[:, 1]
    dy = new[:, 1] - b * held[:, 0] - a * held[:, 1]
    return np.stack((a, b, dx, dy), axis=1)[(scale > 1 / LARGEST_SCALE) & (scale < LARGEST_SCALE)]


def _errors(numbers: Floats, held: Floats, new: Floats) -> Floats:
    off = moved(numbers, held) - new[:, :2]
    return np.hypot(off[..., 0], off[..., 1])


def _fitted(held: Floats, new: Floats) -> Floats:
    middle_held, middle_new = held.mean(axis=0), new.mean(axis=0)
    p, q = held - middle_held, new - middle_new
    size = (p**2).sum() + 1e-9
    a, b = (p * q).sum() / size, (p[:, 0] * q[:, 1] - p[:, 1] * q[:, 0]).sum() / size
    (x, y), (u, v) = middle_held, middle_new
    return np.array([a, b, u - a * x + b * y, v - b * x - a * y])
