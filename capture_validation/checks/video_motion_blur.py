"""Motion blur: the picture is smeared along one direction."""

import cv2
import numpy as np

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings


class VideoMotionBlur(VideoCheck):
    """How much more the picture is blurred in its worst direction than in its best, in the worst quarter.

    A shaken or panned phone smears the picture along its movement, a missed focus in all directions alike. Telling
    them apart matters, because one is mended with light and a steady hand and the other with a tap on the subject.

    Result: difference of two Crete measures, 0 … 100 %, over four directions. Clean clips have 2 … 18.
    """

    name = "video.motion_blur"
    title = "Motion blur"
    unit = "%"
    profiles = {"video": at_most(22.0)}
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
    """Largest less smallest Crete blur over 0°, 45°, 90° and 135°, 0 … 100 %."""
    height, width = luma.shape
    half = cv2.resize(luma, (max(1, width // 2), max(1, height // 2)), interpolation=cv2.INTER_AREA)
    blurs = [crete(picture) for picture in (half, half.T, turned(half), turned(half).T)]
    return 100 * (max(blurs) - min(blurs))


def turned(luma: Gray) -> Gray:
    """The inner square of a picture, turned by 45°: its corners stay inside the picture."""
    height, width = luma.shape
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 45, 1.0)
    side = max(2, int(min(height, width) / 1.5))
    matrix[:, 2] -= (width - side) / 2, (height - side) / 2
    result: Gray = cv2.warpAffine(luma, matrix, (side, side))
    return result


def crete(luma: Gray) -> float:
    """Crete's blur along rows: how little of the change between neighbours a further blur takes away, 0 … 1."""
    if luma.shape[1] < 2:
        return 0.0
    picture = np.ascontiguousarray(luma)
    blurred = cv2.blur(picture, (9, 1))
    change = cv2.absdiff(picture[:, 1:], picture[:, :-1])
    left = cv2.absdiff(blurred[:, 1:], blurred[:, :-1])
    total = float(change.sum(dtype=np.int64))
    return (total - float(cv2.subtract(change, left).sum(dtype=np.int64))) / total if total else 0.0
