"""Orientation: the shape of the picture as a viewer sees it."""

from capture_validation.check import Measurement, VideoCheck, between
from capture_validation.decode import VideoTrack


class VideoOrientation(VideoCheck):
    """Width over height of the picture as shown, after rotation and pixel aspect.

    Phones store every take the same way up and note the rotation beside it; what counts is what a viewer sees. A
    campaign that wants landscape sets a minimum of 1, one that wants portrait a maximum of 1.

    Result: a ratio, about 0.45 (tall phone held upright), 1 (square) or 2.2 (held sideways).
    """

    name = "video.orientation"
    title = "Landscape or portrait"
    unit = "width ÷ height"
    profiles = {"video": between(0.4, 2.5)}
    sentences = {
        "passed": "Your video is {width} × {height} pixels as shown.",
        "too-low": "Your video is {width} × {height} pixels, taller than this campaign can use.",
        "too-high": "Your video is {width} × {height} pixels, wider than this campaign can use.",
    }
    fix = "Turn the phone before you start; the campaign says whether it wants landscape or portrait."
    false_alarms = "A phone that lies flat guesses its orientation, and may note the wrong one."
    source = "Transformation matrix of the track header (ISO/IEC 14496-12, 8.3.2)."
    frames_per_second = 0.0

    def start(self, track: VideoTrack) -> None:
        self.width, self.height = track.width, track.height

    def measure(self) -> Measurement:
        size: dict[str, str | float] = {"width": self.width, "height": self.height}
        return Measurement(self.width / self.height if self.height else None, parameters=size)
