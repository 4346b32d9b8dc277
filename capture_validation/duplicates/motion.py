"""Motion: whether two recordings of one place move the same way at the same time.

Both signatures are read at the same points of the scene, through the geometry that features found, and their changes
over time are correlated at every offset and several speeds. A fixed camera sees the same place in another minute, and
another phone sees it from elsewhere; neither moves the same way.
"""

import cv2
import numpy as np
import scipy.fft
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.features import Floats
from capture_validation.duplicates.geometry import Similarity, moved
from capture_validation.duplicates.video import GRID, STEPS, VideoFingerprint

Singles = NDArray[np.float32]

#: Paces that are tried: quarter seconds of the new recording per quarter second of the held one.
PACES = (1.0, 1 / 1.1, 1.1, 0.8, 1.25, 2 / 3, 1.5)
#: A change of pace is one of many that were tried: a hand that sets down bottles reaches .52 at another one.
CHANGED = 0.7
#: Shortest overlap, quarter seconds; and part of the shorter recording that has to overlap.
SHORTEST, PART = 12, 0.5
#: Points of the shared region that are compared, per side.
POINTS = 12
#: Large changes count less than proportionally, so that one flash or one cut does not decide.
COMPRESS = 0.7
#: Offsets that far from the best one share its motion. Correlations elsewhere are no smaller than this for long.
BESIDE, LEAST_LUCK = 2, 0.02


class Moves(Struct, frozen=True):
    """The best agreement of two motions.

    `correlation`: −1…1. `offset`: quarter seconds of the held recording at which the new one begins, which may be
    negative. `pace`: quarter seconds of the new one per quarter second of the held one. `overlap`: quarter seconds.
    `above_luck`: how many times larger the correlation is than at other offsets of this very pair (root mean square).
    `activity`: mean change of brightness per quarter second, levels of 255; below 0.25 a picture is too still to tell.
    `next_best`: the largest correlation at another offset, None where there is none; what repeats itself has one that
    is nearly as large. `moments`: the number of quarter seconds that the agreement comes from, in effect: 1 where a
    single one holds all of it.
    """

    correlation: float
    offset: float
    pace: float
    overlap: int
    activity: float
    above_luck: float
    next_best: float | None = None
    moments: float = np.inf


class Slid(Struct, frozen=True):
    """Where two series correlate most; `offset` and `overlap` are steps of the held series.

    `elsewhere`: the mean square of their correlation at other offsets, None where there are none; `next_best`: the
    largest one there.
    """

    correlation: float
    offset: int
    overlap: int
    elsewhere: float | None
    next_best: float | None = None


class Shared(Struct, frozen=True):
    """Both motions at the same points of the scene, float32 (times, points), and the share of the held picture."""

    held: Singles
    new: Singles
    shown: float


def shared(held: VideoFingerprint, new: VideoFingerprint, geometry: Similarity) -> Shared | None:
    """Read both motions where both pictures show the same; None when that is too little of either."""
    numbers = np.array([geometry.a, geometry.b, geometry.dx, geometry.dy])
    inside, _ = _points(new.size, numbers, (np.zeros(2), held.size), 24)
    if len(inside) < 20:
        return None
    at, there = _points(new.size, numbers, (inside.min(axis=0), inside.max(axis=0)), POINTS)
    if len(at) < 15:
        return None
    if geometry.mirrored:
        there[:, 0] = new.width - there[:, 0]
    cell_held, cell_new = held.size / GRID, new.size / GRID / geometry.scale
    turned = -1 if abs(geometry.b) > abs(geometry.a) else 1
    return Shared(
        _read(_soften(held.motion, cell_held, cell_new[::turned]), held.size, at),
        _read(_soften(new.motion, cell_new, cell_held[::turned]), new.size, there),
        len(inside) / 24**2,
    )


def _points(other: Floats, numbers: Floats, corners: tuple[Floats, Floats], count: int) -> tuple[Floats, Floats]:
    """A grid of points of the held picture that the new one shows too, and their places there."""
    low, high = corners
    sides = [low[d] + (np.arange(count) + 0.5) / count * (high[d] - low[d]) for d in (0, 1)]
    points = np.stack(np.meshgrid(*sides), axis=-1).reshape(-1, 2)
    there = moved(numbers, points)
    seen = ((there > 0) & (there < other)).all(axis=1)
    return points[seen], there[seen]


def _read(motion: Singles, size: Floats, points: Floats) -> Singles:
    """Bilinear values at points: float32 (times, points)."""
    place = np.clip(points / size * GRID - 0.5, 0, GRID - 1.001)
    (x, y), (u, v) = place.astype(int).T, (place - place.astype(int)).T.astype(np.float32)
    upper = motion[:, y, x] * (1 - u) + motion[:, y, x + 1] * u
    lower = motion[:, y + 1, x] * (1 - u) + motion[:, y + 1, x + 1] * u
    return np.asarray(upper * (1 - v) + lower * v, np.float32)


def _soften(motion: NDArray[np.int16], cell: Floats, other: Floats) -> Singles:
    """Blur a motion to the cells of the other one where those are coarser."""
    sx, sy = 0.45 * np.sqrt(np.maximum(0, (other / cell) ** 2 - 1))
    frames = motion.astype(np.float32) / np.float32(STEPS)
    if max(sx, sy) < 0.25:
        return frames
    return np.stack([cv2.GaussianBlur(f, (0, 0), sigmaX=max(sx, 0.01), sigmaY=max(sy, 0.01)) for f in frames])


def change(series: Singles) -> Singles:
    """Change over time, without what all points have in common: exposure and fades are no evidence."""
    steps = np.diff(series, axis=0)
    steps = steps - steps.mean(axis=1, keepdims=True)
    return np.asarray(np.sign(steps) * np.abs(steps) ** COMPRESS, np.float32)


def agreement(pair: Shared) -> Moves:
    """The best correlation over all offsets and speeds."""
    held = change(pair.held)
    need = max(SHORTEST, int(PART * min(len(pair.held), len(pair.new))))
    best, own_pace, own_phase, own = Slid(-1.0, 0, 0, None), 1.0, 0.0, held[:0]
    luck = []
    for pace in PACES:
        for phase in (0.0, 0.5):
            new = change(paced(pair.new, pace, phase))
            found = _slide(held, new, min(need, int(0.9 * min(len(held), len(new)))))
            luck += [found.elsewhere] if found and found.elsewhere is not None else []
            if found and found.correlation * doubt(pace) > best.correlation * doubt(own_pace):
                best, own_pace, own_phase, own = found, pace, phase, new
    start = max(0, best.offset)
    steps = np.diff(pair.held[start : start + best.overlap + 1], axis=0)
    activity = float(np.abs(steps).mean()) if len(steps) else 0.0
    above = best.correlation / max(LEAST_LUCK, float(np.sqrt(np.mean(luck)))) if luck else 0.0
    where = best.offset - own_phase, own_pace, best.overlap
    return Moves(best.correlation, *where, activity, above, best.next_best, _moments(held, own, best))


def _moments(held: Singles, new: Singles, best: Slid) -> float:
    """In effect how many steps hold the agreement at the best offset: the participation ratio of their products."""
    start = max(0, best.offset)
    there = new[start - best.offset :][: best.overlap]
    return participation((held[start:][: len(there)] * there).sum(axis=1, dtype=np.float64))


def participation(products: NDArray[np.float64]) -> float:
    """In effect how many of many numbers hold their sum: 1 where a single one does, all where they are equal."""
    shares = np.abs(products)
    return float(shares.sum() ** 2 / max((shares**2).sum(), np.finfo(np.float64).tiny))


def doubt(pace: float) -> float:
    """How much a correlation counts: one at the pace of the held recording fully."""
    return 1.0 if pace == 1.0 else CHANGED


def paced(series: Singles, pace: float, phase: float) -> Singles:
    """A motion at the pace of the held recording, beginning `phase` of a step later."""
    at = (np.arange(int(len(series) / pace) + 2) + phase) * pace
    at = at[at <= len(series) - 1]
    left = np.minimum(at.astype(int), max(len(series) - 2, 0))
    rest = (at - left)[:, None].astype(np.float32)
    return np.asarray(series[left] + rest * (series[np.minimum(left + 1, len(series) - 1)] - series[left]), np.float32)


def _slide(held: Singles, new: Singles, least: int) -> Slid | None:
    """The largest correlation of two series over all offsets.

    All offsets at once through the Fourier transform; the norms of the overlaps come from running sums.
    """
    if min(len(held), len(new)) < max(least, 2):
        return None
    size = scipy.fft.next_fast_len(len(held) + len(new))
    # In double precision: beside a stretch in which nothing moves, the error of single precision looks like agreement.
    held, new = held.astype(np.float64), new.astype(np.float64)
    product = scipy.fft.rfft(held, size, axis=0) * np.conj(scipy.fft.rfft(new, size, axis=0))
    cross = scipy.fft.irfft(product.sum(axis=1), size)
    offset = np.arange(least - len(new), len(held) - least + 1)
    low, high = np.maximum(0, offset), np.minimum(len(held), len(new) + offset)
    power_held = np.concatenate(([0.0], np.cumsum((held**2).sum(axis=1))))
    power_new = np.concatenate(([0.0], np.cumsum((new**2).sum(axis=1))))
    energy = (power_held[high] - power_held[low]) * (power_new[high - offset] - power_new[low - offset])
    value = cross[offset] / (np.sqrt(np.maximum(energy, 0)) + 1e-6)
    best = int(value.argmax())
    far = np.abs(offset - offset[best]) > BESIDE
    where = int(offset[best]), int(high[best] - low[best])
    if not far.any():
        return Slid(float(value[best]), *where, None)
    return Slid(float(value[best]), *where, float(np.mean(value[far] ** 2)), float(value[far].max()))
