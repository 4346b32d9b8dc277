"""Paper to draw on: words, boxes and lines in points, on white or on dark paper.

A report is read on a phone, at night as well; both papers say the same with the same marks.
"""

import io
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files

from msgspec import Struct
from PIL import Image, ImageDraw, ImageFont

from capture_validation.report import Status

#: 390 points are a phone held upright, at two pixels a point.
WIDTH, SCALE = 390, 2
LATIN, DEVANAGARI = "Latin", "Devanagari"
FONTS = {LATIN: "Roboto-Regular.ttf", DEVANAGARI: "NotoSansDevanagari-Regular.ttf"}
Colour = str | tuple[int, ...]


class Theme(Struct, frozen=True):
    """The colours of one paper.

    `speech` is the ground where somebody speaks; `marks` colours a verdict, `shades` (red, green, blue, opacity) its
    stretch behind a curve; `pitches` leads from silence to the loudest cell of a spectrogram.
    """

    ink: str
    soft: str
    grid: str
    paper: str
    line: str
    fill: str
    peak: str
    speech: str
    marks: Mapping[Status, str]
    shades: Mapping[Status, tuple[int, ...]]
    pitches: tuple[str, ...]


LIGHT = Theme(
    ink="#1d2433",
    soft="#667085",
    grid="#e6e9ef",
    paper="#ffffff",
    line="#3056d3",
    fill="#8fa8f0",
    peak="#c9d5fa",
    speech="#d9f2df",
    marks={
        "failed": "#d92d20",
        "borderline": "#b54708",
        "hint": "#a86200",
        "passed": "#15803d",
        "not_applicable": "#667085",
    },
    shades={"failed": (217, 45, 32, 40), "borderline": (181, 71, 8, 36), "hint": (220, 138, 4, 34)},
    pitches=("#ffffff", "#dfe6fb", "#8fa8f0", "#3056d3", "#121f5c"),
)

DARK = Theme(
    ink="#e8ebf2",
    soft="#98a2b3",
    grid="#2a3140",
    paper="#12161f",
    line="#8fb0ff",
    fill="#3a5cc4",
    peak="#26376b",
    speech="#173a2a",
    marks={
        "failed": "#f97066",
        "borderline": "#f79a4b",
        "hint": "#f5b83d",
        "passed": "#4cc38a",
        "not_applicable": "#98a2b3",
    },
    shades={"failed": (249, 112, 102, 60), "borderline": (247, 154, 75, 54), "hint": (245, 184, 61, 48)},
    pitches=("#12161f", "#1e2a55", "#3a5cc4", "#8fb0ff", "#fdf3d0"),
)


class Sheet:
    """Paper of a given height; everything is given in points, from the top left."""

    def __init__(self, height: float, theme: Theme) -> None:
        self.theme = theme
        self.image = Image.new("RGB", (WIDTH * SCALE, round(height * SCALE)), theme.paper)
        self.pen = ImageDraw.Draw(self.image, "RGBA")

    def text(self, x: float, y: float, words: str, size: float, colour: str, anchor: str = "la") -> None:
        """Write words at a point, each script in its own font on one line; `anchor` as Pillow names it."""
        ascent, descent = font(size).getmetrics()
        shares = {"l": 0.0, "m": 0.5, "r": 1.0}
        at = (x - shares[anchor[0]] * width_of(words, size)) * SCALE
        base = y * SCALE + (ascent - descent) / 2 if anchor[1] == "m" else y * SCALE + ascent
        for letters, script in scripts(words):
            written = font(size, script)
            self.pen.text((at, base), letters, colour, written, anchor="ls")
            at += written.getlength(letters)

    def box(self, left: float, top: float, right: float, bottom: float, colour: Colour, round_: float = 0) -> None:
        """Fill a box, with round corners where asked."""
        corners = (left * SCALE, top * SCALE, max(right, left + 0.5) * SCALE, bottom * SCALE)
        self.pen.rounded_rectangle(corners, round_ * SCALE, fill=colour)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1) -> None:
        """Draw a line through points."""
        self.pen.line([(x * SCALE, y * SCALE) for x, y in points], colour, round(width * SCALE), joint="curve")

    def shape(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        """Fill the shape that points enclose."""
        self.pen.polygon([(x * SCALE, y * SCALE) for x, y in points], colour)

    def picture(self, left: float, top: float, right: float, bottom: float, picture: Image.Image) -> None:
        """Stretch a picture over a box."""
        size = (max(round((right - left) * SCALE), 1), max(round((bottom - top) * SCALE), 1))
        corner = (round(left * SCALE), round(top * SCALE))
        self.image.paste(picture.resize(size, Image.Resampling.BICUBIC), corner)

    def png(self) -> bytes:
        """The sheet as a PNG file."""
        file = io.BytesIO()
        self.image.save(file, "PNG", optimize=True)
        return file.getvalue()


@cache
def font(size: float, script: str = LATIN) -> ImageFont.FreeTypeFont:
    """Our own font of a script in a size in points: a slim machine has none, and Pillow's lacks accents."""
    letters = files("capture_validation").joinpath("fonts", FONTS[script]).read_bytes()
    return ImageFont.truetype(io.BytesIO(letters), size * SCALE)


def scripts(words: str) -> Iterator[tuple[str, str]]:
    """Words in stretches of one script, each with its name: a Hindi sentence holds units and numbers of ours."""
    for part in re.finditer(r"([\u0900-\u097f\u200c\u200d]+)|[^\u0900-\u097f\u200c\u200d]+", words):
        yield part[0], DEVANAGARI if part[1] else LATIN


def width_of(words: str, size: float) -> float:
    """How wide words are, in points."""
    return sum(font(size, script).getlength(letters) for letters, script in scripts(words)) / SCALE


def wrapped(words: str, size: float, width: float) -> list[str]:
    """Words in lines that fit a width in points."""
    lines = [""]
    for word in words.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and width_of(longer, size) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


def fitted(words: str, size: float, width: float) -> str:
    """Words cut so that they fit a width in points."""
    if width_of(words, size) <= width:
        return words
    while words and width_of(words + "…", size) > width:
        words = words[:-1]
    return words.rstrip() + "…"
