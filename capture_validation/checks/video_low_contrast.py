"""Low contrast: everything has nearly the same brightness."""

from capture_validation.check import Measurement, VideoCheck, at_least
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings


class VideoLowContrast(VideoCheck):
    """Distance in brightness from the darkest to the brightest places of the picture, in the flattest quarter.

    A greasy or fogged lens, or the sun just outside the picture, lays a veil over everything: nothing is black and
    nothing is white any more. Hardly a scene is without a shadow and a light somewhere, so the darkest and the
    brightest five hundredth tell a veil from a scene of few tones, such as a white table, which twentieths do not.

    Result: 0 … 100 % of the way from black to white. Clean clips have 51 and more, 40 % of their range at most 40.
    """

    name = "video.low_contrast"
    version = 3
    title = "Contrast"
    unit = "%"
    profiles = {"video": at_least(43.0)}
    sentences = {
        "too-low": "The picture looks flat: {value} % contrast, at least {minimum} % is wanted.",
        "too-high": "The picture has more contrast ({value} %) than the {maximum} % that are wanted here.",
    }
    fix = "Wipe the lens, and keep the sun and lamps behind you."
    false_alarms = "Bare walls, fog, and dark scenes (see video.too_dark)."
    source = "Range from the 0.2nd to the 99.8th percentile of luma, where FFmpeg's signalstats has the 10th and 90th."
    uncertainty = 1.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, 100 * pixels.contrast)

    def measure(self) -> Measurement:
        return self.readings.measurement()
