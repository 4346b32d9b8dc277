"""Frozen: the picture stands still although frames go on."""

import cv2

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.curves import GrowingCurve
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.report import Curve
from capture_validation.spans import Spans

#: Mean change, levels of 255, below which two frames a quarter of a second apart are the same picture. A camera on a
#: tripod in a still room keeps 0.18 and more, because its sensor is never silent; a repeated frame keeps under 0.05.
STILL = 0.1


class VideoFrozen(VideoCheck):
    """The longest stretch in which the picture does not change at all.

    A camera always shows a little noise, so a picture that does not move at all was not seen by a camera: the app hung,
    or a still was filled in.

    Result: seconds, 0 … the length of the recording, at four frames a second.
    """

    name = "video.frozen"
    version = 3
    title = "Frozen picture"
    unit = "s"
    profiles = {"video": at_most(1.0, reject=3.0, requirement="required")}
    sentences = {
        "too-high": "The picture is frozen for {value} s; at most {maximum} s may be.",
    }
    fix = "Close other apps, restart the camera and record again; do not fill gaps with stills."
    false_alarms = "Titles and stills of edited films; black stretches; a still room under very strong compression."
    source = "Mean absolute difference as in FFmpeg's freezedetect, on 160 pixels so that compression does not count."
    full_tier_only = True
    uncertainty = 0.25

    def start(self, track: VideoTrack) -> None:
        self.before: Gray | None = None
        self.before_s = self.since_s = 0.0
        self.longest_s = 0.0
        self.spans = Spans()
        self.motion = GrowingCurve("motion", "%", 1 / self.frames_per_second)

    def feed(self, pixels: Pixels) -> None:
        change = self._change(pixels.small)
        if change is None or change >= STILL:
            self._close()
            self.since_s = pixels.at_s
        self.motion.add(pixels.at_s, min(100.0, (change or 0.0) / 2.55))
        self.before, self.before_s = pixels.small, pixels.at_s

    def _change(self, picture: Gray) -> float | None:
        """Mean change in levels of 255 since the picture before, None where the two cannot be compared."""
        if self.before is None or self.before.shape != picture.shape:
            return None
        return float(cv2.norm(self.before, picture, cv2.NORM_L1)) / picture.size

    def _close(self) -> None:
        """End the current stretch at the last frame that belonged to it."""
        lasted_s = self.before_s - self.since_s
        self.longest_s = max(self.longest_s, lasted_s)
        if self.rule.limit.maximum is not None and lasted_s > self.rule.limit.maximum:
            self.spans.add(self.since_s, self.before_s)

    def measure(self) -> Measurement:
        if self.before is None:
            return Measurement(None)
        self._close()
        return Measurement(self.longest_s, self.spans.spans())

    def curves(self) -> tuple[Curve, ...]:
        return (self.motion.curve(),)
