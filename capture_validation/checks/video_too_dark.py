"""Too dark: the picture lies near black."""

from capture_validation.check import Measurement, VideoCheck, at_least
from capture_validation.curves import GrowingCurve
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.readings import Readings
from capture_validation.report import Curve


class VideoTooDark(VideoCheck):
    """How bright the brightest twentieth of the picture is at least, in the darkest quarter of the recording.

    In the dark a phone makes noise instead of detail, and brightening later only shows the noise. The light parts tell
    it better than the mean: somebody in a black coat before a dark door is not too dark, as long as the face is light.

    Result: 0 (black) … 100 (white) percent, in display light: HDR recordings are mapped first, because their ordinary
    white has a low code. Clean clips have 49 and more, a quarter of their light leaves at most 25.
    """

    name = "video.too_dark"
    version = 2
    title = "Brightness"
    unit = "%"
    profiles = {"video": at_least(36.0, reject=18.0, requirement="required")}
    sentences = {
        "too-low": "The picture is too dark: {value} % bright, at least {minimum} % is needed.",
        "too-high": "The picture is brighter ({value} %) than the {maximum} % that are wanted here.",
    }
    fix = "Switch on a lamp or move to a brighter place, and tap on your subject so that the camera sets its light."
    false_alarms = "Night scenes with few lamps, stages, and dark-themed screens, which may be what is wanted."
    source = "95th percentile of luma; HDR by SMPTE ST 2084, ITU-R BT.2100-2 and BT.2408-7."
    uncertainty = 0.5

    def start(self, track: VideoTrack) -> None:
        self.readings = Readings(self.rule.limit)
        self.curve = GrowingCurve("brightness", "%", 1 / self.frames_per_second)

    def feed(self, pixels: Pixels) -> None:
        self.readings.add(pixels.at_s, 100 * pixels.reached(0.95))
        self.curve.add(pixels.at_s, 100 * pixels.brightness)

    def measure(self) -> Measurement:
        return self.readings.measurement()

    def curves(self) -> tuple[Curve, ...]:
        return (self.curve.curve(),)
