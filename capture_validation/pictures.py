"""A decoded picture that is converted only when somebody looks at it."""

from functools import cache
from typing import Any, Literal, NamedTuple

import cv2
import numpy as np
import numpy.typing as npt
from av.sidedata.sidedata import SideDataContainer
from av.sidedata.sidedata import Type as SideData
from av.video.frame import VideoFrame as Picture
from av.video.reformatter import Interpolation, VideoReformatter

Pixels = npt.NDArray[np.uint8]
FORGOTTEN = "A picture can be looked at only until the next one is read."
#: How many bits the brightness has in formats that keep it apart from the colours, in a plane of its own.
BITS = {
    "yuv420p": 8, "yuvj420p": 8, "yuv422p": 8, "yuvj422p": 8, "yuv444p": 8, "yuvj444p": 8, "nv12": 8,
    "yuv420p10le": 10, "yuv422p10le": 10, "yuv444p10le": 10, "yuv420p12le": 12, "yuv422p12le": 12,
}  # fmt: skip
#: Lines that a glance reads for every line that it gives.
GLANCED_LINES = 2
#: Sizes and formats that one recording is asked for at the most, and room for another size of its own.
MOST_CONTEXTS = 8
#: AV_FRAME_DATA_EXIF, which PyAV has no name for.
EXIF = 31
#: AVCOL_RANGE_JPEG: black is 0 and white the highest number, not 16 and 235 of 255.
FULL_RANGE = 2
#: Matrix coefficients of ITU-T H.273: red, green and blue as they are, and those that FFmpeg's scaler mixes them by.
NOT_MIXED, MIXED = 0, 6


def _unnamed(kind: type[SideData], number: object) -> SideData:
    """A kind of data beside a picture that FFmpeg knows and PyAV does not, such as the second eye of a spatial video.

    PyAV asks its enumeration for a name for everything that lies beside a picture, and would fail for all of it.
    """
    unnamed: SideData = object.__new__(kind)
    unnamed._name_, unnamed._value_ = f"UNNAMED_{number}", number  # type: ignore[assignment]
    return unnamed


SideData._missing_ = classmethod(_unnamed)  # type: ignore[assignment]


def beside(picture: Picture) -> list[Any]:
    """What lies beside a picture: rotation, messages and more.

    Asked for it, a picture and its collection hold each other, and a place of the decoder's, until garbage is
    collected. PyAV calls the collection a mapping, and it iterates over what it holds.
    """
    collection: Any = SideDataContainer
    return list(collection(picture))


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


class Scaler:
    """Scales pictures, with a context of FFmpeg's for every kind of result.

    One context for all would be set up anew each time that another size or format is asked for, which costs as much as
    scaling itself.
    """

    def __init__(self) -> None:
        self._contexts: dict[tuple[int, int, str], VideoReformatter] = {}

    def reformat(self, picture: Picture, width: int, height: int, pixel_format: str, **how: Any) -> Picture:
        """A picture in another size and format; `how` is what PyAV's reformatter takes beside them."""
        kind = width, height, pixel_format
        if kind not in self._contexts and len(self._contexts) >= MOST_CONTEXTS:
            # Only a recording that changes its size again and again comes here.
            self._contexts.clear()
        context = self._contexts.setdefault(kind, VideoReformatter())
        return context.reformat(picture, width, height, pixel_format, threads=1, **how)


class VideoFrame:
    """One picture of a recording, upright as a player shows it.

    `at_s` and `duration_s` are seconds of the recording, `width` x `height` pixels as shown. `is_corrupt` is the
    decoder's own word that parts were guessed. Pixels are converted on request, so a frame that no check looks at
    costs its decoding and nothing more; the last conversion of each kind is kept. It can be looked at until the next
    part of the recording is asked for; then its memory goes back to the decoder, and only the facts remain.
    """

    __slots__ = (
        "_converted", "_mirrored", "_picture", "_rotation", "_scaler",
        "at_s", "duration_s", "height", "interlaced", "is_corrupt", "is_key", "width",
    )  # fmt: skip

    def __init__(
        self,
        picture: Picture,
        at_s: float,
        duration_s: float,
        rotation_deg: int,
        pixel_aspect: float,
        scaler: Scaler,
        *,
        mirrored: bool = False,
    ) -> None:
        self.at_s = at_s
        self.duration_s = duration_s
        self.is_key = bool(picture.key_frame)
        self.is_corrupt = bool(picture.is_corrupt)
        self.interlaced = bool(picture.interlaced_frame)
        self.width, self.height = shown_size(picture.width, picture.height, rotation_deg, pixel_aspect)
        self._picture: Picture | None = picture
        self._rotation, self._mirrored = rotation_deg, mirrored
        self._scaler = scaler
        self._converted: dict[tuple[str, int], Pixels] = {}

    @property
    def duration(self) -> float:
        """Seconds this picture is shown, the same as `duration_s`."""
        return self.duration_s

    @property
    def _seen(self) -> Picture:
        if self._picture is None:
            raise RuntimeError(FORGOTTEN)
        return self._picture

    @property
    def messages(self) -> list[bytes]:
        """What the encoder or the camera wrote into the stream beside this picture.

        Each is an identifier of 16 bytes and anything else, or the EXIF of a JPEG.
        """
        told = (SideData.SEI_UNREGISTERED.value, EXIF)
        return [bytes(data) for data in beside(self._seen) if data.type.value in told]

    @property
    def colour(self) -> Colour:
        """How the numbers of `planes` become light."""
        seen = self._seen
        matrix = MIXED if int(seen.colorspace) == NOT_MIXED else int(seen.colorspace)
        return Colour(int(seen.color_range), matrix, int(seen.color_primaries), int(seen.color_trc))

    def planes(self, width: int, height: int) -> tuple[Pixels, Pixels, Pixels]:
        """The picture for an encoder, upright: brightness (height, width) and two colours of half the size, uint8.

        `width` and `height` are even. Range and curve stay what they were; ten bits become eight.
        """
        lying = (height, width) if self._rotation in (90, 270) else (width, height)
        range_ = int(self._seen.color_range) or None
        whole = self._scaler.reformat(self._seen, *lying, "yuv420p", src_color_range=range_, dst_color_range=range_)
        rows = whole.to_ndarray()
        stored = lying[1]
        half = (2, stored // 2, lying[0] // 2)
        bright, tints = rows[:stored], rows[stored:].reshape(half)
        turned = [np.array(self._turned(plane), np.uint8) for plane in (bright, *tints)]
        return turned[0], turned[1], turned[2]

    def luma(self, long_side: int = 640) -> Pixels:
        """Brightness as uint8 (height, width), 0 black to 255 white, whatever range the video is stored in.

        `long_side` is the longest side in pixels; smaller pictures are not enlarged.
        """
        return self._convert("gray", long_side)

    def glance(self, long_side: int = 160) -> Pixels:
        """Brightness as `luma` gives it, from two lines of the picture for every line of the result.

        A third of the cost, so that every picture can be looked at. Good for motion and light; fine lines flicker.
        """
        kept = self._converted.get(("glance", long_side))
        if kept is None:
            kept = self._converted["glance", long_side] = self._glanced(long_side)
        return kept

    def _glanced(self, long_side: int) -> Pixels:
        plane = self._plane()
        width, height = self._stored_size(long_side)
        if plane is None or len(plane) < 2 * GLANCED_LINES * height:
            return self.luma(long_side)
        return self._upright(self._levels(glanced(plane, width, height)))

    def middle(self, side: int) -> Pixels:
        """Brightness of the middle of the picture at its own resolution, at most side × side, upright.

        Pixels are as stored: stretched to squares, as `luma` gives them, they would lose the codec's own squares, and
        look blown up.
        """
        plane = self._plane()
        whole = self._upright(plane) if plane is not None else self.luma(max(self.width, self.height))
        top, left = (max(0, (length - side) // 2) for length in whole.shape)
        # A copy, because a view would keep the whole picture from going back to the decoder.
        cut = whole[top : top + side, left : left + side].copy()
        return self._levels(cut) if plane is not None else cut

    def rgb(self, long_side: int | None = None) -> Pixels:
        """Colours as uint8 (height, width, 3), 0..255; full size unless `long_side` (pixels) is given."""
        return self._convert("rgb24", long_side or max(self.width, self.height))

    def forget(self) -> None:
        """Give the picture's memory back; it cannot be looked at any more."""
        self._picture = None
        self._converted.clear()

    def _convert(self, pixel_format: Literal["gray", "rgb24"], long_side: int) -> Pixels:
        kept = self._converted.get((pixel_format, long_side))
        if kept is not None:
            return kept
        small = self._scaler.reformat(
            self._seen, *self._stored_size(long_side), pixel_format, interpolation=Interpolation.AREA
        )
        pixels = self._upright(small.to_ndarray())
        self._converted[pixel_format, long_side] = pixels
        return pixels

    def _stored_size(self, long_side: int) -> tuple[int, int]:
        """Width and height, before turning, of the picture scaled to a long side; never enlarged."""
        scale = min(1.0, long_side / max(self.width, self.height))
        width, height = max(1, round(self.width * scale)), max(1, round(self.height * scale))
        return (height, width) if self._rotation in (90, 270) else (width, height)

    def _upright(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        return np.ascontiguousarray(self._turned(stored)) if self._rotation or self._mirrored else stored

    def _turned(self, stored: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """A view of stored lines as a player shows them."""
        seen = stored[:, ::-1] if self._mirrored else stored
        # NumPy turns counter-clockwise, the display matrix is kept clockwise.
        return np.rot90(seen, -self._rotation // 90)

    def _plane(self) -> npt.NDArray[Any] | None:
        """The decoder's own brightness without a copy, as stored; None where the format mixes it with colours."""
        bits = BITS.get(self._seen.format.name)
        plane = self._seen.planes[0] if bits else None
        # A picture that is stored upside down has lines of negative length.
        if plane is None or plane.line_size <= 0:
            return None
        number: npt.DTypeLike = np.uint8 if bits == 8 else np.uint16
        numbers: npt.NDArray[Any] = np.frombuffer(memoryview(plane), number)
        return numbers.reshape(plane.height, -1)[:, : plane.width]

    def _levels(self, stored: npt.NDArray[Any]) -> Pixels:
        """Stored numbers as brightness, 0 black to 255 white."""
        name = self._seen.format.name
        full = name.startswith("yuvj") or int(self._seen.color_range) == FULL_RANGE
        bits = BITS[name]
        if bits == 8 and full:
            return np.asarray(stored, np.uint8)
        table = _brightness(bits, full=full)
        return np.asarray(cv2.LUT(stored, table) if bits == 8 else table[np.minimum(stored, len(table) - 1)], np.uint8)


def glanced(plane: npt.NDArray[Any], width: int, height: int) -> npt.NDArray[Any]:
    """A picture of many lines averaged down to `width` x `height`, two of its lines for each of the result."""
    return shrunk(plane[:: len(plane) // (GLANCED_LINES * height)], width, height)


def shrunk(lines: npt.NDArray[Any], width: int, height: int) -> npt.NDArray[Any]:
    """Numbers of any width averaged down to `width` x `height`, by halves first where both sides have them.

    OpenCV averages squares of two by two many at a time and everything else one by one: two thirds of the cost. What
    does not come out even goes by halves as far as it can, and the rest of the way between neighbours.
    """
    rows, columns = lines.shape
    apart = columns % width == 0 and columns // 2 % width > 0
    if rows % 2 == columns % 2 == 0 and rows >= 2 * height and columns >= 2 * width and not apart:
        lines = cv2.resize(lines, (columns // 2, rows // 2), interpolation=cv2.INTER_AREA)
    if lines.dtype == np.uint8 and len(lines) == height and lines.shape[1] % (2 * width) == 0:
        return narrowed(lines, width)
    if lines.shape[1] % width == len(lines) % height == 0:
        return np.asarray(cv2.resize(lines, (width, height), interpolation=cv2.INTER_AREA))
    while lines.shape[1] % 2 == 0 and lines.shape[1] >= 2 * width:
        lines = halved(lines)
    near = lines.shape[1] < 2 * width and len(lines) < 2 * height
    way = cv2.INTER_LINEAR if near else cv2.INTER_AREA
    return np.asarray(cv2.resize(lines, (width, height), interpolation=way))


def halved(lines: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Lines of an even width averaged down to half of it."""
    half = lines.shape[1] // 2
    if lines.dtype == np.uint8:
        return narrowed(lines, half)
    return np.asarray(cv2.resize(lines, (half, len(lines)), interpolation=cv2.INTER_AREA))


def narrowed(lines: Pixels, width: int) -> Pixels:
    """Lines averaged down to a width that is half of theirs, a quarter or any other even part: twice as fast as OpenCV.

    Two neighbours are read as one number, so that a few operations add up everything.
    """
    pairs = np.ascontiguousarray(lines).view(np.uint16)
    sums = (pairs & 0xFF) + (pairs >> 8)
    parts = sums.shape[1] // width
    total = sums[:, ::parts].copy()
    for part in range(1, parts):
        total += sums[:, part::parts]
    return np.asarray(cv2.convertScaleAbs(total, alpha=0.5 / parts), np.uint8)


@cache
def _brightness(bits: int, *, full: bool) -> Pixels:
    """Brightness of every number that a format of so many bits can hold (ITU-R BT.709-6, item 5.6)."""
    numbers = np.arange(1 << bits) / (1 << bits - 8)
    light = numbers if full else (numbers - 16) * 255 / 219
    return np.clip(np.round(light), 0, 255).astype(np.uint8)


def shown_size(width: int, height: int, rotation_deg: int, pixel_aspect: float) -> tuple[int, int]:
    """Width and height in pixels after stretching pixels to squares and turning the picture upright."""
    # Stretching always enlarges, so no stored detail is lost.
    width = round(width * pixel_aspect) if pixel_aspect > 1 else width
    height = round(height / pixel_aspect) if pixel_aspect < 1 else height
    return (height, width) if rotation_deg in (90, 270) else (width, height)
