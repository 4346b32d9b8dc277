"""Size changes: the picture changes its size or turns in the middle of a take."""

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Pixels
from capture_validation.spans import Spans


class VideoSizeChanges(VideoCheck):
    """How often the size of the picture as shown changes.

    Browsers that record and video calls change the size with the network or when the phone is turned; most editing and
    training tools keep the first size and squeeze the rest.

    Result: a count, 0 … the number of frames.
    """

    name = "video.size_changes"
    title = "Changes of picture size"
    unit = "changes"
    profiles = {"video": at_most(0.0)}
    sentences = {
        "too-high": "The picture changes its size {value} times; it should stay the same.",
    }
    fix = "Do not turn the phone while you record, and use the camera app instead of a browser or a call."
    false_alarms = "None known."
    source = "Size of each decoded frame after rotation."
    frames_per_second = 0.0

    def start(self, track: VideoTrack) -> None:
        self.size: tuple[int, int] | None = None
        self.changes = 0
        self.spans = Spans()

    def feed(self, pixels: Pixels) -> None:
        size = (pixels.width, pixels.height)
        if self.size not in (None, size):
            self.changes += 1
            self.spans.add(pixels.at_s, pixels.at_s)
        self.size = size

    def measure(self) -> Measurement:
        return Measurement(None if self.size is None else float(self.changes), self.spans.spans())
