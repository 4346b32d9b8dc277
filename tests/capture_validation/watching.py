"""How tests let a check watch: real frames in, spoilt as the test wants, the verdict of the video profile out."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation import checks
from capture_validation.analysis import Watching
from capture_validation.capacity import CAPACITY
from capture_validation.check import VideoCheck
from capture_validation.decode import TrackEnd, VideoFrame, VideoTrack, open_recording
from capture_validation.profile import Profile, profile
from capture_validation.report import CheckResult
from tests.media import media

Picture = NDArray[np.uint8]


class Drawn:
    """A frame made of an array: what the decoder gives, without a file."""

    def __init__(self, picture: Picture, at_s: float, duration_s: float = 1 / 30, *, is_corrupt: bool = False) -> None:
        self.picture = picture
        self.at_s = at_s
        self.duration_s = duration_s
        self.is_key = True
        self.is_corrupt = is_corrupt
        self.height, self.width = picture.shape

    def luma(self, long_side: int = 640) -> Picture:
        scale = min(1.0, long_side / max(self.picture.shape))
        size = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        return self.picture if scale == 1 else cv2.resize(self.picture, size, interpolation=cv2.INTER_AREA)

    def glance(self, long_side: int = 160) -> Picture:
        return self.luma(long_side)

    def middle(self, side: int) -> Picture:
        top, left = (max(0, (length - side) // 2) for length in self.picture.shape)
        return np.ascontiguousarray(self.picture[top : top + side, left : left + side])


@cache
def clip(name: str, long_side: int = 4096) -> tuple[Drawn, ...]:
    """All frames of a real recording, upright."""
    with media(name).open("rb") as file, open_recording(file, CAPACITY) as recording:
        return tuple(
            Drawn(frame.luma(long_side), frame.at_s, frame.duration_s)
            for frame in recording.read()
            if isinstance(frame, VideoFrame)
        )


def spoilt(
    frames: Iterable[Drawn],
    defect: Callable[[Picture], NDArray[Any]],
    from_s: float = 0.0,
    until_s: float = float("inf"),
) -> list[Drawn]:
    """The frames with a defect in a stretch of time."""
    return [
        Drawn(
            np.ascontiguousarray(np.clip(defect(frame.picture), 0, 255).astype(np.uint8)), frame.at_s, frame.duration_s
        )
        if from_s <= frame.at_s < until_s
        else frame
        for frame in frames
    ]


def retimed(frames: Sequence[Drawn], times: Iterable[float]) -> list[Drawn]:
    """The same pictures at other times, in seconds."""
    return [Drawn(frame.picture, at_s, frame.duration_s) for frame, at_s in zip(frames, times, strict=False)]


def still(count: int, fps: float = 30.0, size: tuple[int, int] = (48, 64), level: int = 128) -> list[Drawn]:
    """Frames that show nothing, for checks that read only times and sizes; `size` is height, width."""
    picture = np.full(size, level, np.uint8)
    return [Drawn(picture, index / fps, 1 / fps) for index in range(count)]


def track(frames: Sequence[Drawn], **facts: Any) -> VideoTrack:
    """The track that such frames would come from."""
    width, height = (frames[0].width, frames[0].height) if frames else (64, 48)
    known = {
        "codec": "h264",
        "width": width,
        "height": height,
        "coded_width": width,
        "coded_height": height,
        "rotation_deg": 0,
        "pixel_aspect": 1.0,
        "frame_rate_avg": 30.0,
        "claimed_duration_s": None,
        "bit_rate": None,
        "pixel_format": "yuv420p",
        "color_transfer": "bt709",
        "interlaced": False,
    }
    return VideoTrack(**(known | facts))


def seen(name: str, frames: Sequence[Drawn], *, errors: int = 0, **facts: Any) -> CheckResult:
    """What the check of that name says about the frames, by the video profile."""
    assert issubclass(checks.published()[name], VideoCheck)
    only = Profile("video", 1, "video", {name: profile("video").rules[name]})
    watching = Watching(track(frames, **facts), only)
    for frame in frames:
        watching.take(frame)  # type: ignore[arg-type]
    last = frames[-1].at_s + frames[-1].duration_s - frames[0].at_s if frames else 0.0
    end = TrackEnd(decoded_duration_s=last, packets=len(frames) + errors, decode_errors=errors, gaps=[])
    return watching.results(end)[0]


def covers(result: CheckResult, start_s: float, end_s: float, within_s: float = 0.26) -> bool:
    """Whether the spans begin and end where the defect does, to a quarter of a second (one analysed frame)."""
    assert result.spans, "no spans"
    return abs(result.spans[0].start_s - start_s) <= within_s and abs(result.spans[-1].end_s - end_s) <= within_s
