"""Motion blur: the picture is smeared along one direction."""

import math

import cv2
import numpy as np

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings

#: Pixels that Crete's further blur averages.
REACH = 9


class VideoMotionBlur(VideoCheck):
    """How much more the picture is blurred along one direction than across it, in the worst quarter.

    A shaken or panned phone smears the picture along its movement, a missed focus in all directions alike. Telling
    them apart matters, because one is mended with light and a steady hand and the other with a tap on the subject.
    Only perpendicular directions are compared: what blurs both alike, as turning the picture by 45° does, cancels.

    Result: difference of Crete measures, 0 … 141 %, at a long side of 640 pixels. Clean clips have 2 … 15, a movement
    of 9 pixels reads 17 … 35.
    """

    name = "video.motion_blur"
    version = 3
    title = "Motion blur"
    unit = "%"
    profiles = {"video": at_most(16.0)}
    sentences = {
        "too-high": "The picture is smeared by motion: {value} %, at most {maximum} % is wanted.",
    }
    fix = "Hold the phone with both hands, move slowly, and add light so that the exposure gets shorter."
    false_alarms = "Scenes of parallel lines only, such as blinds; fast subjects before a plain ground."
    source = (
        "Crete et al. 2007, The blur effect: perception and estimation with a new no-reference metric, equations 1–6."
    )
    uncertainty = 2.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, smear(pixels.luma) if pixels.shows_detail else None)

    def measure(self) -> Measurement:
        return self.readings.measurement()


def smear(luma: Gray) -> float:
    """The smear at full or half size, whichever is larger: a short one shows at full size, a long one at half."""
    height, width = luma.shape
    half = cv2.resize(luma, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    return max(one_way(luma, 4), one_way(half, 2))


def one_way(luma: Gray, every: int) -> float:
    """Crete blur along the smear less that across it, 0 … 141 %.

    Blur that depends on the angle turns twice in a whole turn, so two differences of perpendicular directions are the
    two sides of one triangle. It is measured along lines, of which some stand for all: `every` so many, and every
    second as many of the smaller turned square.
    """
    diagonal = turned(luma)
    level, upright = across(luma[::every]), down(luma[:, ::every])
    rising, falling = across(diagonal[:: every // 2]), down(diagonal[:, :: every // 2])
    return 100 * math.hypot(level - upright, rising - falling)


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
    return crete(cv2.absdiff(luma[:, 5:-4], luma[:, 4:-5]), cv2.absdiff(luma[:, REACH:], luma[:, :-REACH]))


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
