"""Motion blur: the picture is smeared along one direction."""

import math
from typing import NamedTuple

import cv2
import numpy as np

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings, breaks

#: Pixels that Crete's further blur averages.
REACH = 9
#: Pixels of a glance between which contrast is read, and how much more of it may lie along a smear than across, as a
#: share of all. A smear takes contrast: takes that were smeared have .5 at most in the middle, walls of lines .9 on.
APART, LINED = 8, 0.85
#: The share of changes along a smear that are its strongest edges, and how soft those are at least: a step has .11, a
#: movement of 9 pixels .20 and more in 99 of 100 pictures. Boards, water and fences are soft along their lines but for
#: what stands before them, which a movement would have smeared as well.
STRONGEST, SOFT = 0.005, 0.2


class Way(NamedTuple):
    """A difference of perpendicular directions: level less upright, and rising less falling."""

    level: float
    rising: float


class VideoMotionBlur(VideoCheck):
    """How much more the picture is blurred along one direction than across it, in the worst quarter.

    A shaken or panned phone smears the picture along its movement, a missed focus in all directions alike. Telling
    them apart matters, because one is mended with light and a steady hand and the other with a tap on the subject.
    Only perpendicular directions are compared: what blurs both alike, as turning the picture by 45° does, cancels. A
    picture that has contrast in one direction only, as a wall of even lines does, cannot be judged. Where the strongest
    edges along a smear are sharp, as a bird's are on water, it counts for less: a movement would have smeared them too.

    Result: difference of Crete measures, 0 … 141 %, at a long side of 640 pixels. Clean clips have 2 … 15, a movement
    of 9 pixels reads 17 … 35.
    """

    name = "video.motion_blur"
    version = 5
    title = "Motion blur"
    unit = "%"
    profiles = {"video": at_most(16.0)}
    sentences = {
        "too-high": "The picture is smeared by motion: {value} %, at most {maximum} % is wanted.",
    }
    fix = "Hold the phone with both hands, move slowly, and add light so that the exposure gets shorter."
    false_alarms = "Fences and boards that fill the picture, with nothing sharp before them; hair against the sun."
    source = (
        "Crete et al. 2007, The blur effect: perception and estimation with a new no-reference metric, equations 1–6."
    )
    uncertainty = 2.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, self._smear(pixels) if pixels.shows_detail else None)

    def _smear(self, pixels: Pixels) -> float | None:
        """How much one frame is smeared; None where its lines would say so, whether it is or not."""
        found = smear(pixels.luma)
        value = math.hypot(*found)
        if not breaks(self.rule.limit, value):
            return value
        return None if lined(pixels.small, found) else value * min(softness(pixels.luma, found) / SOFT, 1.0)

    def measure(self) -> Measurement:
        return self.readings.measurement()


def smear(luma: Gray) -> Way:
    """The smear at full or half size, whichever is larger: a short one shows at full size, a long one at half."""
    height, width = luma.shape
    half = cv2.resize(luma, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    return max(one_way(luma, 4), one_way(half, 2), key=lambda found: math.hypot(*found))


def one_way(luma: Gray, every: int) -> Way:
    """Crete blur along the smear less that across it, 0 … 141 %.

    Blur that depends on the angle turns twice in a whole turn, so two differences of perpendicular directions are the
    two sides of one triangle. It is measured along lines, of which some stand for all: `every` so many, and every
    second as many of the smaller turned square.
    """
    diagonal = turned(luma)
    level, upright = across(luma[::every]), down(luma[:, ::every])
    rising, falling = across(diagonal[:: every // 2]), down(diagonal[:, :: every // 2])
    return Way(100 * (level - upright), 100 * (rising - falling))


def lined(small: Gray, found: Way) -> bool:
    """Whether the picture has most of its contrast along what seems a smear: no smear leaves that."""
    slant = round(APART / math.sqrt(2))
    if min(small.shape) <= APART:
        return False
    pairs = (
        (small[:, APART:], small[:, :-APART]), (small[APART:], small[:-APART]),
        (small[slant:, slant:], small[:-slant, :-slant]), (small[slant:, :-slant], small[:-slant, slant:]),
    )  # fmt: skip
    level, upright, rising, falling = (cv2.norm(one, two, cv2.NORM_L1) / one.size for one, two in pairs)
    along = found.level * (level - upright) + found.rising * (rising - falling)
    return along > LINED * math.hypot(*found) * (level + upright + rising + falling) / 4


def softness(luma: Gray, found: Way) -> float:
    """How soft the strongest edges along a smear are, 0 … 1: Crete's measure of them alone."""
    level = abs(found.level) >= abs(found.rising)
    seen, lies = (luma, found.level > 0) if level else (turned(luma), found.rising > 0)
    near, far = changes(np.ascontiguousarray(seen if lies else seen.T))
    strong = near >= max(float(np.quantile(near, 1 - STRONGEST)), 1.0)
    return crete(near[strong], far[strong])


def turned(luma: Gray) -> Gray:
    """The inner square of a picture, turned by 45°: its corners stay inside the picture."""
    height, width = luma.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 45, 1.0)
    side = max(2, int(min(height, width) / 1.5))
    matrix[:, 2] -= (width - side) / 2, (height - side) / 2
    result: Gray = cv2.warpAffine(luma, matrix, (side, side))
    return result


def across(luma: Gray) -> float:
    """Crete's blur along rows, 0 … 1."""
    if luma.shape[1] <= REACH:
        return 0.0
    return crete(*changes(luma))


def changes(luma: Gray) -> tuple[Gray, Gray]:
    """Changes along rows between neighbours, and between the pixels four before and four behind them."""
    return cv2.absdiff(luma[:, 5:-4], luma[:, 4:-5]), cv2.absdiff(luma[:, REACH:], luma[:, :-REACH])


def down(luma: Gray) -> float:
    """Crete's blur along columns, 0 … 1."""
    if len(luma) <= REACH:
        return 0.0
    picture = np.ascontiguousarray(luma)
    return crete(cv2.absdiff(picture[5:-4], picture[4:-5]), cv2.absdiff(picture[REACH:], picture[:-REACH]))


def crete(near: Gray, far: Gray) -> float:
    """How little of the change between neighbours a further blur takes away, 0 … 1 (equations 2 to 6).

    `near`: changes between neighbours, `far`: those between the pixels four before and four behind them. What a mean of
    nine changes from one place to the next is a ninth of that, since eight of its pixels stay; so nothing is blurred.
    """
    total = cv2.norm(near, cv2.NORM_L1)
    # Nine times a change may exceed 255, which `far` never does, so that the lesser of both is right all the same.
    kept = cv2.norm(cv2.min(cv2.convertScaleAbs(near, alpha=REACH), far), cv2.NORM_L1) / REACH
    return kept / total if total else 0.0
