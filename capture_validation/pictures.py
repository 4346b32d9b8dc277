"""A decoded picture that is converted only when somebody looks at it."""

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import Type as SideData
from av.video.frame import VideoFrame as Picture
from av.video.reformatter import Interpolation, VideoReformatter

Pixels = npt.NDArray[np.uint8]
FORGOTTEN = "A picture can be looked at only until the next one is read."


class Colour(NamedTuple):
    """How numbers become light: range, matrix, primaries and curve, as ITU-T H.273 counts them."""

    range: int
    matrix: int
    primaries: int
    curve: int

    def onto(self, target: Any) -> None:
        """Say it of another picture, or of an encoder."""
        target.color_range, target.colorspace = self.range, self.matrix
        target.color_primaries, target.color_trc = self.primaries, self.curve


class VideoFrame:
    """One picture of a recording, upright as a player shows it.

    `at_s` and `duration_s` are seconds of the recording, `width` x `height` pixels as shown. `is_corrupt` is the
    decoder's own word that parts were guessed. Pixels are converted on request, so a frame that no check looks at
    costs its decoding and nothing more; the last conversion of each kind is kept. It can be looked at until the next
    part of the recording is asked for; then its memory goes back to the decoder, and only the facts remain.
    """

    __slots__ = (
        "_converted", "_picture", "_rotation", "_scaler",
        "at_s", "duration_s", "height", "interlaced", "is_corrupt", "is_key", "width",
    )  # fmt: skip

    def __init__(
        self,
        picture: Picture,
        at_s: float,
        duration_s: float,
        rotation_deg: int,
        pixel_aspect: float,
        scaler: VideoReformatter,
    ) -> None:
        self.at_s = at_s
        self.duration_s = duration_s
        self.is_key = bool(picture.key_frame)
        self.is_corrupt = bool(picture.is_corrupt)
        self.interlaced = bool(picture.interlaced_frame)
        self.width, self.height = shown_size(picture.width, picture.height, rotation_deg, pixel_aspect)
        self._picture: Picture | None = picture
        self._rotation = rotation_deg
        self._scaler = scaler
        self._converted: dict[str, tuple[int, Pixels]] = {}

    @property
    def duration(self) -> float:
        """Seconds this picture is shown, the same as `duration_s`."""
        return self.duration_s

    @property
    def messages(self) -> list[bytes]:
        """What the encoder wrote into the stream beside this picture: an identifier of 16 bytes and anything else."""
        if self._picture is None:
            raise RuntimeError(FORGOTTEN)
        # PyAV calls its collection a mapping, and it iterates over what it holds.
        beside: list[Any] = list(self._picture.side_data)
        return [bytes(data) for data in beside if data.type is SideData.SEI_UNREGISTERED]

    @property
    def colour(self) -> Colour:
        """How the numbers of `planes` become light."""
        if self._picture is None:
            raise RuntimeError(FORGOTTEN)
        seen = self._picture
        return Colour(int(seen.color_range), int(seen.colorspace), int(seen.color_primaries), int(seen.color_trc))

    def planes(self, width: int, height: int) -> tuple[Pixels, Pixels, Pixels]:
        """The picture for an encoder, upright: brightness (height, width) and two colours of half the size, uint8.

        `width` and `height` are even. Range and curve stay what they were; ten bits become eight.
        """
        if self._picture is None:
            raise RuntimeError(FORGOTTEN)
        lying = (height, width) if self._rotation in (90, 270) else (width, height)
        range_ = int(self._picture.color_range) or None
        whole = self._scaler.reformat(
            self._picture, *lying, "yuv420p", src_color_range=range_, dst_color_range=range_, threads=1
        )
        rows = whole.to_ndarray()
        stored = lying[1]
        half = (2, stored // 2, lying[0] // 2)
        bright, tints = rows[:stored], rows[stored:].reshape(half)
        turned = [np.array(np.rot90(plane, -self._rotation // 90), np.uint8) for plane in (bright, *tints)]
        return turned[0], turned[1], turned[2]

    def luma(self, long_side: int = 640) -> Pixels:
        """Brightness as uint8 (height, width), 0 black to 255 white, whatever range the video is stored in.

        `long_side` is the longest side in pixels; smaller pictures are not enlarged.
        """
        return self._convert("gray", long_side)

    def rgb(self, long_side: int | None = None) -> Pixels:
        """Colours as uint8 (height, width, 3), 0..255; full size unless `long_side` (pixels) is given."""
        return self._convert("rgb24", long_side or max(self.width, self.height))

    def forget(self) -> None:
        """Give the picture's memory back; it cannot be looked at any more."""
        self._picture = None
        self._converted.clear()

    def _convert(self, pixel_format: Literal["gray", "rgb24"], long_side: int) -> Pixels:
        kept = self._converted.get(pixel_format)
        if kept and kept[0] == long_side:
            return kept[1]
        if self._picture is None:
            raise RuntimeError(FORGOTTEN)
        scale = min(1.0, long_side / max(self.width, self.height))
        width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        if self._rotation in (90, 270):
            width, height = height, width
        small = self._scaler.reformat(
            self._picture, width, height, pixel_format, interpolation=Interpolation.AREA, threads=1
        )
        # NumPy turns counter-clockwise, the display matrix is kept clockwise.
        pixels: Pixels = np.ascontiguousarray(np.rot90(small.to_ndarray(), -self._rotation // 90), np.uint8)
        self._converted[pixel_format] = long_side, pixels
        return pixels


def shown_size(width: int, height: int, rotation_deg: int, pixel_aspect: float) -> tuple[int, int]:
    """Width and height in pixels after stretching pixels to squares and turning the picture upright."""
    # Stretching always enlarges, so no stored detail is lost.
    width = round(width * pixel_aspect) if pixel_aspect > 1 else width
    height = round(height / pixel_aspect) if pixel_aspect < 1 else height
    return (height, width) if rotation_deg in (90, 270) else (width, height)
