"""Sharpness: how much fine detail the picture holds."""

import cv2

from capture_validation.check import Measurement, VideoCheck, at_least
from capture_validation.curves import GrowingCurve
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.readings import Readings
from capture_validation.report import Curve

#: Lines of a band in which detail is looked for; as many are left out before the next one. The first and last lines
#: of it do not count: what the blur and the Laplacian take for their other side is a mirror, which has kinks.
BAND, EDGE = 36, 5


class VideoSharpness(VideoCheck):
    """Share of the fine detail that a slight blur would destroy, in the softest quarter of the recording.

    A sharp picture loses nearly all of its finest detail to a slight blur; a picture out of focus has none to lose.
    The measure is the variance of the Laplacian before and after a blur of 1.5 pixels. Their quotient does not depend
    on light and contrast, as the plain variance does: over 29 clips blurred by 1.5 pixels its AUC is .992 (1.000
    where focus can be judged) against .967 for the variance.

    Result: 0 … 100 %, at a long side of 640 pixels. Sharp clips have 84 … 99, a blur of 1.5 pixels leaves
    37 … 74, one of 3 pixels at most 23. Bare walls, black and burnt-out frames cannot be judged and do not count.
    """

    name = "video.sharpness"
    version = 2
    title = "Sharpness"
    unit = "%"
    profiles = {"video": at_least(78.0, reject=50.0, requirement="required")}
    sentences = {
        "too-low": "The picture is blurred: {value} % of its fine detail is there, at least {minimum} % is needed.",
        "too-high": "The picture is sharper ({value} %) than the {maximum} % that are wanted here.",
    }
    fix = "Wipe the lens, tap on your subject to focus, and keep at least 20 cm away."
    false_alarms = "Soft subjects such as clouds and skin that fill the picture; noise passes for detail."
    source = (
        "Laplacian variance (Pech-Pacheco et al. 2000, Diatom autofocusing in brightfield microscopy), referred to a "
        "blurred copy as in Crete et al. 2007, The blur effect, section 3."
    )
    uncertainty = 3.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)
        self.curve = GrowingCurve("sharpness", "%", 1 / self.frames_per_second)

    def feed(self, pixels: Pixels) -> None:
        value = fine_detail(pixels.luma) if pixels.shows_detail else None
        self.readings.add(pixels.at_s, value)
        if value is not None:
            self.curve.add(pixels.at_s, value)

    def measure(self) -> Measurement:
        return self.readings.measurement()

    def curves(self) -> tuple[Curve, ...]:
        return (self.curve.curve(),)


def fine_detail(luma: Gray) -> float:
    """Percent of the variance of the Laplacian that a Gaussian blur of 1.5 pixels removes, 0 … 100.

    Every second band of lines stands for all, at half the cost.
    """
    bands = [luma[top : top + BAND] for top in range(0, max(len(luma) - BAND, 0) + 1, 2 * BAND)]
    before = sum(_detail(band) for band in bands)
    after = sum(_detail(cv2.GaussianBlur(band, (0, 0), 1.5)) for band in bands)
    return 100 * (1 - min(1.0, after / before)) if before else 0.0


def _detail(luma: Gray) -> float:
    """Variance of the Laplacian times the number of pixels, away from where a band was cut out."""
    second = cv2.Laplacian(luma, cv2.CV_16S, ksize=1)
    second = second[EDGE:-EDGE] if len(second) > 2 * EDGE else second
    # Mean of squares less square of mean: a fifth of the cost of asking OpenCV for the deviation.
    power: float = cv2.norm(second, cv2.NORM_L2SQR) - second.size * float(cv2.mean(second)[0]) ** 2
    return power
