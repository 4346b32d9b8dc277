"""What people do to a video file, done with PyAV and OpenCV on brightness alone.

Each transform takes frames uint8 (height, width) with their times and gives what a copy would look like. Every copy is
compressed once more, because every copy is.
"""

import io
from collections.abc import Callable

import av
import cv2
import numpy as np
from numpy.typing import NDArray

from capture_validation.pictures import GLANCED_LINES, glanced

Picture = NDArray[np.uint8]
Clip = list[tuple[float, Picture]]
Transform = Callable[[Clip, np.random.Generator], Clip]


class Shown:
    """A frame as the fingerprint reads it."""

    def __init__(self, at_s: float, picture: Picture, duration_s: float = 1 / 30) -> None:
        self.at_s, self.duration_s, self._picture = at_s, duration_s, picture
        self.height, self.width = picture.shape

    def luma(self, long_side: int = 640) -> Picture:
        """The picture, never enlarged."""
        scale = min(1.0, long_side / max(self._picture.shape))
        if scale == 1.0:
            return self._picture
        return np.asarray(cv2.resize(self._picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))

    def glance(self, long_side: int = 160) -> Picture:
        """The picture as a decoder's frame gives it at a glance."""
        height, width = (max(1, round(side * min(1.0, long_side / max(self._picture.shape)))) for side in
                         self._picture.shape)  # fmt: skip
        if len(self._picture) < 2 * GLANCED_LINES * height:
            return self.luma(long_side)
        return np.asarray(glanced(self._picture, width, height), np.uint8)


def each(change: Callable[[Picture], Picture]) -> Transform:
    """A transform that does the same to every frame, then compresses it."""
    return lambda clip, rng: [(at, pressed(change(picture))) for at, picture in clip]


def pressed(picture: Picture, quality: int = 55) -> Picture:
    """Compress and expand one picture."""
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 0))


def encoded(clip: Clip, crf: int) -> Clip:
    """Encode and decode with H.264."""
    height, width = (side // 2 * 2 for side in clip[0][1].shape)
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream = out.add_stream("libx264", rate=30, options={"crf": str(crf), "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for _, picture in clip:
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="gray")
            out.mux(stream.encode(frame.reformat(format="yuv420p")))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as back:
        pictures = [frame.to_ndarray(format="gray") for frame in back.decode(video=0)]
    return [(at, picture) for (at, _), picture in zip(clip, pictures, strict=False)]


def part(x: float, y: float, width: float, height: float) -> Callable[[Picture], Picture]:
    """Cut out a part; all numbers are shares of the picture."""

    def cut(picture: Picture) -> Picture:
        rows, columns = picture.shape
        top, left = int(y * rows), int(x * columns)
        return np.ascontiguousarray(picture[top : top + int(height * rows), left : left + int(width * columns)])

    return cut


def scaled(picture: Picture, scale: float) -> Picture:
    """Resize."""
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))


def letterboxed(picture: Picture) -> Picture:
    """Black bars of an eighth above and below."""
    return np.pad(picture, ((picture.shape[0] // 8,) * 2, (0, 0)))


def titled(picture: Picture) -> Picture:
    """Two lines of text over the picture."""
    out = picture.copy()
    size = picture.shape[1] / 500
    for line, text in enumerate(("SUBSCRIBE NOW", "best moments 2026")):
        cv2.putText(out, text, (10, int((0.3 + 0.4 * line) * len(out))), 0, size, 255, max(1, int(2 * size)))
    return out


def inset(picture: Picture) -> Picture:
    """The picture at 60 % in a corner of a busy background."""
    background = cv2.GaussianBlur(np.random.default_rng(4).integers(0, 256, picture.shape, np.uint8), (0, 0), 5)
    small = scaled(picture, 0.6)
    out = np.asarray(cv2.normalize(background, None, 0, 255, cv2.NORM_MINMAX))
    out[20 : 20 + len(small), 30 : 30 + small.shape[1]] = small[: len(out) - 20, : out.shape[1] - 30]
    return out


def filmed(clip: Clip, rng: np.random.Generator) -> Clip:
    """Recorded from a screen by a hand that is not still: perspective, blur, moiré, noise, another frame grid."""
    out = []
    for at, picture in clip:
        height, width = picture.shape
        corner = np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float32)
        shake = 1.5 * np.array([np.sin(at * 5), np.cos(at * 4)])
        target = corner * 0.86 + np.array([width * 0.07, height * 0.07]) + shake
        target += np.array([(3, 5), (-6, 2), (-2, -4), (5, 3)]) * width / 320
        seen = cv2.warpPerspective(
            picture, cv2.getPerspectiveTransform(corner, target.astype(np.float32)), (width, height)
        )
        seen = cv2.GaussianBlur(seen, (0, 0), 0.8) * 0.8 + 25 + 6 * np.sin(np.arange(width) * 1.9)
        seen = seen + rng.normal(0, 5, picture.shape)
        out.append((at, pressed(np.clip(seen, 0, 255).astype(np.uint8))))
    return out


def thinned(clip: Clip, every: int) -> Clip:
    """Fewer frames a second."""
    return clip[::every]


def excerpt(clip: Clip, seconds: float) -> Clip:
    """A piece out of the middle, its times beginning at 0."""
    start = max(0.0, (clip[-1][0] - seconds) / 2 - 0.17)
    return [(at - start, picture) for at, picture in clip if start <= at < start + seconds]


def transforms() -> dict[str, Transform]:
    """Every transform by name; the last four are crops off the centre."""
    return {
        "as it is": lambda clip, rng: clip,
        "H.264 crf 35": lambda clip, rng: encoded(clip, 35),
        "180 lines": each(lambda p: scaled(p, 180 / min(p.shape))),
        "letterbox": each(letterboxed),
        "darker": each(lambda p: (p * 0.6 + 10).astype(np.uint8)),
        "half the frames": lambda clip, rng: thinned(clip, 2),
        "mirrored": each(lambda p: np.ascontiguousarray(p[:, ::-1])),
        "turned by 90°": each(lambda p: np.ascontiguousarray(np.rot90(p))),
        "centre without 10 %": each(part(0.05, 0.05, 0.9, 0.9)),
        "centre without 25 %": each(part(0.125, 0.125, 0.75, 0.75)),
        "text": each(titled),
        "1.1 times faster": lambda clip, rng: [(at / 1.1, picture) for at, picture in clip],
        "4 s": lambda clip, rng: excerpt(clip, 4),
        "filmed from a screen": filmed,
        "picture in picture": each(inset),
        "corner of 70 %": each(part(0, 0, 0.7, 0.7)),
        "side of 60 %": each(part(0.4, 0, 0.6, 1)),
        "another corner of 70 %": each(part(0.3, 0.3, 0.7, 0.7)),
        "80 x 85 % off the centre": each(part(0.17, 0.02, 0.8, 0.85)),
    }


#: The crops that methods which look at the whole frame cannot follow.
OFF_CENTRE = ("corner of 70 %", "side of 60 %", "another corner of 70 %", "80 x 85 % off the centre")
