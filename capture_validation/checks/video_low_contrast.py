"""Low contrast: everything has nearly the same brightness."""

from capture_validation.check import Measurement, VideoCheck, at_least
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings


class VideoLowContrast(VideoCheck):
    """Distance in brightness from the darkest to the brightest twentieth of the picture, in its flattest quarter.

    A greasy or fogged lens, or the sun just outside the picture, lays a veil over everything.

    Result: 0 … 100 % of the way from black to white.
    """

    name = "video.low_contrast"
    title = "Contrast"
    unit = "%"
    profiles = {"video": at_least(15.0)}
    sentences = {
        "too-low": "The picture looks flat: {value} % contrast, at least {minimum} % is wanted.",
        "too-high": "The picture has more contrast ({value} %) than the {maximum} % that are wanted here.",
    }
    fix = "Wipe the lens, and keep the sun and lamps behind you."
    false_alarms = "Bare walls, fog, and dark scenes (see video.too_dark)."
    source = "Range from the 5th to the 95th percentile of luma, as YLOW and YHIGH are used in FFmpeg's signalstats."
    uncertainty = 1.0

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, 100 * pixels.contrast)

    def measure(self) -> Measurement:
        return self.readings.measurement()
