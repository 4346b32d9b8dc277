"""What can go wrong with a take on a phone, done to a good one, mildly and strongly."""

# ruff: noqa: ARG001 - every way to spoil takes the same arguments.

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from benchmarks.accuracy.takes import Picture

#: Takes one picture, its number and time in seconds, a strength, and a source of chance that is the same for each.
SpoilOne = Callable[[Picture, float, float, np.random.Generator], Picture]
#: Takes all pictures and times; gives those of the spoilt take.
Shots = list[tuple[float, Picture]]
SpoilAll = Callable[[Shots, float, np.random.Generator], Shots]


@dataclass(frozen=True)
class Defect:
    """One way to spoil a take and the check that must notice it.

    `one` changes single pictures, `all` the order and times of them. `peer` names the value of FFmpeg's blurdetect
    where that claims to see the same.
    """

    name: str
    check: str
    mild: float
    strong: float
    unit: str
    one: SpoilOne | None = None
    all: SpoilAll | None = None
    peer: bool = False
    #: Takes that are shorter than this, in seconds, have no room for the defect.
    least_s: float = 0.0


def clip(picture: np.ndarray) -> Picture:
    """Rounded and kept between black and white."""
    return np.clip(np.round(picture), 0, 255).astype(np.uint8)


def length(picture: Picture, at_640: float) -> float:
    """A length in pixels of the picture that the checks see, which has a long side of at most 640."""
    return at_640 * max(1.0, max(picture.shape) / 640)


def blurred(picture: Picture, at_s: float, sigma: float, random: np.random.Generator) -> Picture:
    """Out of focus."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), length(picture, sigma)), np.uint8)


def smeared(picture: Picture, at_s: float, pixels: float, random: np.random.Generator) -> Picture:
    """Moved during the exposure, in one direction."""
    size = max(3, round(length(picture, pixels))) | 1
    angle = random.uniform(0, np.pi)
    line = np.zeros((size, size), np.float32)
    half = size // 2
    reach = half * np.cos(angle), half * np.sin(angle)
    ends = [(round(half + sign * reach[0]), round(half + sign * reach[1])) for sign in (-1, 1)]
    cv2.line(line, ends[0], ends[1], 1.0)
    return np.asarray(cv2.filter2D(picture, -1, line / line.sum()), np.uint8)


def brightened(picture: Picture, at_s: float, gain: float, random: np.random.Generator) -> Picture:
    """All light multiplied."""
    return clip(picture * gain)


def flattened(picture: Picture, at_s: float, share: float, random: np.random.Generator) -> Picture:
    """The range of brightness squeezed around its mean."""
    return clip(picture.mean() + (picture - picture.mean()) * share)


def grained(picture: Picture, at_s: float, sigma: float, random: np.random.Generator) -> Picture:
    """Noise of a small sensor; `sigma` is in levels at a long side of 640, where scaling leaves that much."""
    scale = max(1.0, max(picture.shape) / 640)
    return clip(picture + random.normal(0, sigma * scale, picture.shape))


def squeezed(picture: Picture, at_s: float, quality: float, random: np.random.Generator) -> Picture:
    """Through JPEG."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, int(quality)])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_GRAYSCALE), np.uint8)


def enlarged(picture: Picture, at_s: float, times: float, random: np.random.Generator) -> Picture:
    """Fewer pixels, blown up again."""
    height, width = picture.shape
    small = cv2.resize(picture, (round(width / times), round(height / times)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def barred(picture: Picture, at_s: float, percent: float, random: np.random.Generator) -> Picture:
    """Black bars above and below."""
    high = round(len(picture) * percent / 200)
    spoilt = picture.copy()
    spoilt[:high] = spoilt[len(picture) - high :] = 0
    return spoilt


def pumping(picture: Picture, at_s: float, percent: float, random: np.random.Generator) -> Picture:
    """Brighter and darker once a second."""
    return clip(picture * (1 + percent / 100 * np.sin(2 * np.pi * at_s)))


def flickering(picture: Picture, at_s: float, percent: float, random: np.random.Generator) -> Picture:
    """Lamps of 50 Hz that beat with the camera, 10 times a second."""
    return clip(picture * (1 + percent / 100 * np.sin(2 * np.pi * 10 * at_s + 0.7)))


def jerked(picture: Picture, at_s: float, percent: float, random: np.random.Generator) -> Picture:
    """Moved by a random step in each picture."""
    reach = max(picture.shape) * percent / 100
    towards = random.normal(0, reach / 2, 2)
    matrix = np.array([[1, 0, towards[0]], [0, 1, towards[1]]], np.float32)
    size = picture.shape[::-1]
    return np.asarray(cv2.warpAffine(picture, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def filmed(picture: Picture, at_s: float, pixels: float, random: np.random.Generator) -> Picture:
    """Shown on a screen whose pixels are so many camera pixels wide, filmed slightly turned.

    The lens spreads a point over 0.45 pixels (one sigma), which takes most of the grid's contrast where it is fine.
    """
    height, width = picture.shape
    turned = random.uniform(1, 6)
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), turned, 1 / pixels)
    matrix[:, 2] += np.array([width, height]) * (1 / pixels - 1) / 2
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    on_screen = (matrix[0, 0] * x + matrix[0, 1] * y, matrix[1, 0] * x + matrix[1, 1] * y)
    # The gaps between pixels take a third of the light, at the phase where each camera pixel happens to look.
    gaps = (0.5 + 0.5 * np.cos(2 * np.pi * on_screen[0])) * (0.5 + 0.5 * np.cos(2 * np.pi * on_screen[1]))
    left = 0.35 * np.exp(-2 * (np.pi * 0.45 / pixels) ** 2)
    shown = cv2.GaussianBlur(picture, (0, 0), max(0.5, pixels / 3)).astype(np.float32)
    return clip(shown * (1 - left * gaps) + random.normal(0, 1.5, picture.shape))


def blackened(shots: Shots, percent: float, random: np.random.Generator) -> Shots:
    """A finger on the lens for some of the time."""
    until = shots[-1][0] * percent / 100
    return [(at_s, np.full_like(one, 4) if at_s < until else one) for at_s, one in shots]


def stuck(shots: Shots, seconds: float, random: np.random.Generator) -> Shots:
    """The same picture again for a while."""
    held: Picture | None = None
    out = []
    for at_s, one in shots:
        held = one if held is None or at_s > seconds else held
        out.append((at_s, held))
    return out


def doubled(shots: Shots, every: float, random: np.random.Generator) -> Shots:
    """Every second (or third) picture replaced by the one before."""
    return [(at_s, shots[i - 1][1] if i and i % every == 0 else one) for i, (at_s, one) in enumerate(shots)]


def woven(shots: Shots, apart: float, random: np.random.Generator) -> Shots:
    """Odd lines of a later picture between even lines of this one."""
    later = [shots[min(i + int(apart), len(shots) - 1)][1] for i in range(len(shots))]
    lines = [np.arange(len(one)) % 2 for _, one in shots]
    return [(at_s, np.where(odd[:, None] > 0, next_one, one)) for (at_s, one), next_one, odd in
            zip(shots, later, lines, strict=True)]  # fmt: skip


def cut(shots: Shots, cuts: float, random: np.random.Generator) -> Shots:
    """Parts of the take shown mirrored and upside down, as another shot would be."""
    places = np.linspace(0, shots[-1][0], int(cuts) + 2)[1:-1]
    return [(at_s, one[::-1, ::-1].copy() if np.searchsorted(places, at_s) % 2 else one) for at_s, one in shots]


def skipping(shots: Shots, percent: float, random: np.random.Generator) -> Shots:
    """Pictures missing here and there."""
    return [shot for i, shot in enumerate(shots) if i in (0, len(shots) - 1) or random.uniform(0, 100) > percent]


def wandering(shots: Shots, percent: float, random: np.random.Generator) -> Shots:
    """Times that are off by a random share of a step."""
    step = (shots[-1][0] - shots[0][0]) / (len(shots) - 1)
    return [(at_s + step * float(random.uniform(-1, 1)) * percent / 100, one) for at_s, one in shots]


def paused(shots: Shots, seconds: float, random: np.random.Generator) -> Shots:
    """A call in the middle."""
    return [(at_s + (seconds if i > len(shots) // 2 else 0), one) for i, (at_s, one) in enumerate(shots)]


def slowed(shots: Shots, rate: float, random: np.random.Generator) -> Shots:
    """Fewer pictures a second."""
    return [(i / rate, one) for i, (_, one) in enumerate(shots[: int(3 * rate)])]


DEFECTS: Sequence[Defect] = (
    Defect("blur", "video.sharpness", 1.5, 3, "px", blurred, peer=True),
    Defect("motion blur", "video.motion_blur", 9, 19, "px", smeared, peer=True),
    Defect("dark", "video.too_dark", 0.25, 0.12, "× light", brightened),
    Defect("over-exposed", "video.overexposed", 2.5, 3.5, "× light", brightened),
    Defect("low contrast", "video.low_contrast", 0.4, 0.2, "of range", flattened),
    Defect("noise", "video.noise", 10, 25, "levels", grained),
    Defect("JPEG squares", "video.blocking", 10, 5, "quality", squeezed),
    Defect("enlarged", "video.upscaled", 2, 3, "times", enlarged),
    Defect("bars", "video.bars", 10, 25, "%", barred),
    Defect("exposure pumping", "video.exposure_pumping", 15, 30, "%", pumping),
    Defect("flicker", "video.flicker", 2, 5, "%", flickering),
    Defect("shake", "video.shake", 2, 5, "%", jerked),
    Defect("filmed screen", "video.recaptured", 1.6, 3, "px a pixel", filmed),
    Defect("black", "video.black", 10, 50, "% of time", all=blackened),
    Defect("frozen", "video.frozen", 1.5, 2.5, "s", all=stuck, least_s=2.7),
    Defect("repeated frames", "video.repeated_frames", 3, 2, "every", all=doubled),
    Defect("interlaced", "video.interlaced", 1, 2, "frames", all=woven),
    Defect("cuts", "video.scene_cuts", 1, 2, "cuts", all=cut),
    Defect("dropped frames", "video.dropped_frames", 5, 20, "%", all=skipping),
    Defect("uneven times", "video.uneven_frames", 40, 80, "% of a step", all=wandering),
    Defect("pause", "video.pauses", 1, 3, "s", all=paused),
    Defect("slow", "video.frame_rate", 15, 8, "fps", all=slowed),
)
