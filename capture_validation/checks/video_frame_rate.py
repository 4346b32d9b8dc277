"""Frame rate: how many pictures a second the phone really kept."""

from capture_validation.check import Measurement, Rule, VideoCheck
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.report import Limit
from capture_validation.timing import Timing


class VideoFrameRate(VideoCheck):
    """One over the median time between decoded frames.

    Below about 24 a second motion falls apart, and hands and faces smear. Read off the frames themselves: headers
    carry what the phone planned, and a nominal 90,000 is common.

    Result: frames per second, 0.1 … 240.
    """

    name = "video.frame_rate"
    title = "Frame rate"
    unit = "fps"
    profiles = {"video": Rule(Limit(minimum=23.5, reject_minimum=9.0), "required")}
    sentences = {
        "too-low": "Your video shows only {value} pictures a second; at least {minimum} are wanted.",
        "too-high": "Your video shows {value} pictures a second; at most {maximum} are wanted.",
    }
    fix = "Set the camera to 30 pictures a second, add light, and switch off time-lapse and night mode."
    false_alarms = "A time-lapse taken on purpose."
    source = "Median of presentation time steps (ISO/IEC 14496-12, 8.6.1)."
    uncertainty = 0.05
    frames_per_second = 0.0
    times_only = True

    def start(self, track: VideoTrack) -> None:
        self.timing = Timing()

    def feed(self, pixels: Pixels) -> None:
        self.timing.add(pixels.at_s)

    def measure(self) -> Measurement:
        step_s = self.timing.typical_step_s
        return Measurement(None if step_s is None else 1 / step_s)
