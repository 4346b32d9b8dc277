"""Duration of the picture."""

from capture_validation.check import Measurement, VideoCheck, at_least
from capture_validation.decode import TrackEnd


class VideoDuration(VideoCheck):
    """How long the picture lasts, from the first frame shown to the end of the last one.

    A buyer pays for a scene that develops; one second shows a still. Counted on decoded frames, not on what the file
    claims, because phones that died mid-take leave wrong claims.

    Result: seconds, 0 … 600 (the longest that is taken, see `capacity`).
    """

    name = "video.duration"
    title = "Length of the video"
    unit = "s"
    profiles = {"video": at_least(3.0, reject=1.0, requirement="required")}
    sentences = {
        "too-low": "Your video is only {value} s long; at least {minimum} s are needed.",
        "too-high": "Your video is {value} s long; at most {maximum} s are wanted.",
    }
    fix = "Start recording before the action, and keep the phone running a few seconds after it."
    false_alarms = "None known."
    source = "Sum of the presentation times of decoded frames (ISO/IEC 14496-12, 8.6.1)."
    uncertainty = 0.04
    frames_per_second = 0.0

    duration_s = 0.0

    def end(self, end: TrackEnd) -> None:
        self.duration_s = end.decoded_duration_s

    def measure(self) -> Measurement:
        return Measurement(self.duration_s)
