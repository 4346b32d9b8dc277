"""Resolution: how many pixels the picture really carries on its short side."""

from capture_validation.check import Measurement, VideoCheck, at_least
from capture_validation.decode import VideoTrack


class VideoResolution(VideoCheck):
    """Short side of the picture as shown, after rotation and pixel aspect.

    The short side says the same about a portrait and a landscape take. Below 720 faces across a street have no eyes;
    messengers shrink videos to 480 or less when they pass them on.

    Result: pixels, 1 … 2304.
    """

    name = "video.resolution"
    title = "Resolution"
    unit = "px"
    profiles = {"video": at_least(720.0, reject=240.0, requirement="required")}
    sentences = {
        "passed": "Your video is {width} × {height} pixels.",
        "too-low": "Your video is {width} × {height} pixels; the short side should have at least {minimum}.",
        "too-high": "Your video is {width} × {height} pixels; the short side should have at most {maximum}.",
    }
    fix = "Choose 1080p in the camera's settings, and send the original file, not a copy from a messenger."
    false_alarms = "None: but a copy that was blown up counts its pixels too (see video.upscaled)."
    source = "Track header, rotated and scaled by the pixel aspect (ISO/IEC 14496-12, 8.5.2 and 12.1.4)."
    frames_per_second = 0.0

    def start(self, track: VideoTrack) -> None:
        self.width, self.height = track.width, track.height

    def measure(self) -> Measurement:
        size: dict[str, str | float] = {"width": self.width, "height": self.height}
        return Measurement(float(min(self.width, self.height)), parameters=size)
