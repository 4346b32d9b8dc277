"""Frozen: the picture stands still although frames go on."""

from typing import NamedTuple

import cv2

from capture_validation.check import Measurement, VideoCheck, at_most
from capture_validation.curves import GrowingCurve
from capture_validation.decode import VideoTrack
from capture_validation.pixels import Gray, Pixels
from capture_validation.report import Curve, Limit
from capture_validation.spans import Spans

#: Mean change, levels of 255, below which two frames a quarter of a second apart are the same picture. A camera on a
#: tripod in a still room keeps 0.18 and more, because its sensor is never silent; a repeated frame keeps under 0.05.
STILL = 0.1
#: A change of any one pixel at a glance, levels of 255, that a repeated picture hardly ever has: its compression is
#: refined once a group. Flies that sit still in the dark have one in every step, so has what is left of noise.
SPOT, ALIVE = 2, 0.4


class Stretch(NamedTuple):
    """How long the picture stood still, in seconds, and whether a camera may have seen it."""

    lasted_s: float
    seen: bool

    def value(self, limit: Limit) -> float:
        """What counts of it: nothing that may have been seen is beyond what is refused."""
        bound = limit.maximum if limit.reject_maximum is None else limit.reject_maximum
        return min(self.lasted_s, bound) if self.seen and bound is not None else self.lasted_s


class VideoFrozen(VideoCheck):
    """The longest stretch in which the picture does not change at all.

    A camera always shows a little noise, so a picture that does not move at all was not seen by a camera: the app hung,
    or a still was filled in. In the dark, and under strong compression, little is left of the noise. So where any spot
    of the picture changes in two of five steps it may have been seen, and is nothing that is refused.

    Result: seconds, 0 … the length of the recording, at four frames a second; no more than the refused bound where a
    spot changes.
    """

    name = "video.frozen"
    version = 4
    title = "Frozen picture"
    unit = "s"
    profiles = {"video": at_most(1.0, reject=3.0, requirement="required")}
    sentences = {
        "too-high": "The picture is frozen for {value} s; at most {maximum} s may be.",
        "hardly-moves": "Hardly anything moves in the picture for {still_s} s; at most {maximum} s of that are wanted.",
    }
    fix = "Close other apps, restart the camera and record again; do not fill gaps with stills."
    false_alarms = "Titles and stills of edited films; black stretches; screens on which nothing happens."
    source = "Mean absolute difference as in FFmpeg's freezedetect, on 160 pixels so that compression does not count."
    full_tier_only = True
    uncertainty = 0.25

    def start(self, track: VideoTrack) -> None:
        self.before: Gray | None = None
        self.before_s = self.since_s = 0.0
        self.steps = self.alive = 0
        self.longest = Stretch(0.0, seen=False)
        self.spans = Spans()
        self.motion = GrowingCurve("motion", "%", 1 / self.frames_per_second)

    def feed(self, pixels: Pixels) -> None:
        change = self._change(pixels.small)
        if change is None or change >= STILL:
            self._close()
            self.since_s = pixels.at_s
        else:
            self.steps += 1
            self.alive += cv2.norm(self.before, pixels.small, cv2.NORM_INF) >= SPOT
        self.motion.add(pixels.at_s, min(100.0, (change or 0.0) / 2.55))
        self.before, self.before_s = pixels.small, pixels.at_s

    def _change(self, picture: Gray) -> float | None:
        """Mean change in levels of 255 since the picture before, None where the two cannot be compared."""
        if self.before is None or self.before.shape != picture.shape:
            return None
        return float(cv2.norm(self.before, picture, cv2.NORM_L1)) / picture.size

    def _close(self) -> None:
        """End the current stretch at the last frame that belonged to it."""
        limit = self.rule.limit
        stretch = Stretch(self.before_s - self.since_s, seen=self.alive > ALIVE * self.steps)
        self.longest = max(self.longest, stretch, key=lambda one: one.value(limit))
        if limit.maximum is not None and stretch.lasted_s > limit.maximum:
            self.spans.add(self.since_s, self.before_s)
        self.steps = self.alive = 0

    def measure(self) -> Measurement:
        if self.before is None:
            return Measurement(None)
        self._close()
        still: dict[str, str | float] = {"still_s": round(self.longest.lasted_s, 1)}
        code = "hardly-moves" if self.longest.seen else None
        return Measurement(self.longest.value(self.rule.limit), self.spans.spans(), still, code)

    def curves(self) -> tuple[Curve, ...]:
        return (self.motion.curve(),)
