"""The picture of a report: what was measured over time, with the stretches marked that a contributor should look at.

Made from the report alone, never from the recording, so it can be drawn where no stranger's file may be opened. 390
points wide, which is a phone held upright, at two pixels a point.
"""

import io
from collections.abc import Sequence
from functools import cache
from importlib.resources import files

from msgspec import Struct
from PIL import Image, ImageDraw, ImageFont

from capture_validation.report import CheckResult, Curve, Report, Span, Status
from capture_validation.texts import language, quantity, told, told_rejection

WIDTH, MARGIN, GUTTER = 390, 16, 34
SCALE = 2
PANEL_HEIGHT, LANE_HEIGHT, LANES = 132, 34, 8

INK, SOFT, GRID, PAPER = "#1d2433", "#667085", "#e6e9ef", "#ffffff"
COLOURS = {"failed": "#d92d20", "borderline": "#b54708", "hint": "#dc8a04", "passed": "#15803d", "not_applicable": SOFT}
SHADES = {"failed": (217, 45, 32, 40), "borderline": (181, 71, 8, 36), "hint": (220, 138, 4, 34)}
OUTCOMES: dict[str, Status] = {
    "passed": "passed",
    "in_review": "borderline",
    "needs_fix": "failed",
    "rejected": "failed",
}
LINE, FILL, PEAK = "#3056d3", "#8fa8f0", "#c9d5fa"

#: Axis of each unit: from, to, and the lines to draw.
AXES: dict[str, tuple[float, float, Sequence[float]]] = {
    "dBFS": (-72.0, 0.0, (0, -20, -40, -60)),
    "levels": (0.0, 255.0, (0, 128, 255)),
}


class Sheet:
    """Paper that grows downwards: everything is given in points, from the top left."""

    def __init__(self, height: float) -> None:
        self.image = Image.new("RGB", (WIDTH * SCALE, round(height * SCALE)), PAPER)
        self.pen = ImageDraw.Draw(self.image, "RGBA")

    def text(self, x: float, y: float, words: str, size: float = 12, colour: str = INK, anchor: str = "la") -> None:
        """Write words at a point."""
        self.pen.text((x * SCALE, y * SCALE), words, colour, font(size), anchor=anchor)

    def box(
        self, left: float, top: float, right: float, bottom: float, colour: str | tuple[int, ...], round_: float = 0
    ) -> None:
        """Fill a box, with round corners where asked."""
        corners = (left * SCALE, top * SCALE, max(right, left + 0.5) * SCALE, bottom * SCALE)
        self.pen.rounded_rectangle(corners, round_ * SCALE, fill=colour)

    def line(self, points: Sequence[tuple[float, float]], colour: str, width: float = 1) -> None:
        """Draw a line through points."""
        self.pen.line([(x * SCALE, y * SCALE) for x, y in points], colour, round(width * SCALE), joint="curve")

    def shape(self, points: Sequence[tuple[float, float]], colour: str) -> None:
        """Fill the shape that points enclose."""
        self.pen.polygon([(x * SCALE, y * SCALE) for x, y in points], colour)


@cache
def font(size: float) -> ImageFont.FreeTypeFont:
    """Our own font in a size in points: a slim machine has none, and Pillow's lacks accents."""
    letters = files("capture_validation").joinpath("fonts", "Roboto-Regular.ttf").read_bytes()
    return ImageFont.truetype(io.BytesIO(letters), size * SCALE)


def width_of(words: str, size: float) -> float:
    """How wide words are, in points."""
    return font(size).getlength(words) / SCALE


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


class Lane(Struct, frozen=True):
    """One finding on the picture: its check's title, how bad it is, and where."""

    title: str
    detail: str
    status: Status
    spans: tuple[Span, ...]


def draw(report: Report, locale: str = "en") -> bytes:
    """A PNG of the report: the outcome in words, curves over time, and a lane for every finding.

    A file that was refused has no curves; its picture is the sentence that says why.
    """
    head = _headline(report, locale)
    panels = _panels(report.curves)
    lanes = _lanes(report, locale) if panels else []
    more = max(len(lanes) - LANES, 0)
    lanes = lanes[:LANES]
    height = 52 + 18 * len(head) + (PANEL_HEIGHT + 34) * len(panels) + LANE_HEIGHT * len(lanes) + (18 if more else 0)
    sheet = Sheet(height + (20 if panels else 0))
    top = _write_head(sheet, report, head, locale)
    for number, panel in enumerate(panels):
        top = _draw_panel(sheet, top, panel, report, lanes if number == 0 else [], locale)
    _draw_lanes(sheet, top, lanes, _duration(report), more)
    file = io.BytesIO()
    sheet.image.save(file, "PNG", optimize=True)
    return file.getvalue()


def _headline(report: Report, locale: str) -> list[str]:
    """What the picture says first; a refusal says why and what to do."""
    if report.rejection is not None:
        refusal = told_rejection(report.rejection, locale)
        words = [refusal.sentence, refusal.fix]
    elif report.outcome == "passed" and any(check.status == "hint" for check in report.checks):
        words = [language(locale).outcomes["passed"], language(locale).picture["hints"]]
    else:
        words = [language(locale).outcomes[report.outcome]]
    return [line for sentence in words for line in wrapped(sentence, 13, WIDTH - 2 * MARGIN)]


def _write_head(sheet: Sheet, report: Report, lines: list[str], locale: str) -> float:
    colour = COLOURS[OUTCOMES[report.outcome]]
    label = language(locale).picture[report.outcome]
    width = width_of(label, 12) + 18
    sheet.box(MARGIN, 14, MARGIN + width, 36, colour, 11)
    sheet.text(MARGIN + width / 2, 25, label, 12, PAPER, "mm")
    sheet.text(WIDTH - MARGIN, 25, _facts(report, locale), 11, SOFT, "rm")
    for number, line in enumerate(lines):
        sheet.text(MARGIN, 45 + 18 * number, line, 13)
    return 52 + 18 * len(lines)


def _facts(report: Report, locale: str) -> str:
    media = report.media
    if media is None:
        return report.profile
    facts = [clock(media.duration_s, locale)]
    if media.video is not None:
        facts.append(f"{media.video.width} × {media.video.height}")
    elif media.audio is not None:
        facts.append(f"{quantity(media.audio.sample_rate_hz / 1000, locale, 1)} kHz")
        facts.append(f"{media.audio.channels} ch")
    return " · ".join(facts)


def clock(seconds: float, locale: str = "en") -> str:
    """A length in time: 0.8 s, 12 s, 3:07, 1:02:00."""
    if seconds < 60:
        return f"{quantity(seconds, locale, 1 if seconds < 10 else 0)} s"
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def _panels(curves: tuple[Curve, ...]) -> list[list[Curve]]:
    """Curves that share a unit share a panel; on a video the picture comes before the sound."""
    panels: dict[str, list[Curve]] = {}
    for curve in curves:
        if curve.values:
            panels.setdefault("sound" if curve.unit == "dBFS" else curve.name, []).append(curve)
    return sorted(panels.values(), key=lambda panel: panel[0].unit == "dBFS")


def _duration(report: Report) -> float:
    ends = [curve.step_s * len(curve.values) for curve in report.curves]
    return max([report.media.duration_s if report.media else 0.0, *ends, 0.001])


def _lanes(report: Report, locale: str) -> list[Lane]:
    return [_lane(check, locale) for check in report.checks if check.status in SHADES]


def _lane(check: CheckResult, locale: str) -> Lane:
    title = told(check, locale).title
    detail = ""
    if check.value is not None:
        unit = language(locale).units.get(check.unit, check.unit)
        detail = f"{quantity(check.value, locale)} {unit}".strip()
    return Lane(title, detail, check.status, check.spans)


def at_x(seconds: float, duration_s: float) -> float:
    """Where a moment lies across the picture, in points."""
    left, right = MARGIN + GUTTER, WIDTH - MARGIN
    return left + (right - left) * min(max(seconds / duration_s, 0.0), 1.0)


def _draw_panel(sheet: Sheet, top: float, panel: list[Curve], report: Report, lanes: list[Lane], locale: str) -> float:
    duration_s = _duration(report)
    chart = top + 20
    bottom = chart + PANEL_HEIGHT - 20
    low, high, lines = _axis(panel)
    _legend(sheet, top, panel, locale)
    for value in lines:
        y = bottom - (value - low) / (high - low) * (bottom - chart)
        sheet.line([(MARGIN + GUTTER, y), (WIDTH - MARGIN, y)], GRID)
        sheet.text(MARGIN + GUTTER - 5, y, quantity(value, locale), 10, SOFT, "rm")
    for curve in sorted(panel, key=lambda curve: curve.name != "peak"):
        _draw_curve(sheet, curve, duration_s, (chart, bottom), (low, high))
    for lane in lanes:
        for span in lane.spans:
            sheet.box(at_x(span.start_s, duration_s), chart, at_x(span.end_s, duration_s), bottom, SHADES[lane.status])
    _time_axis(sheet, bottom, duration_s, locale)
    return bottom + 34


def _axis(panel: list[Curve]) -> tuple[float, float, Sequence[float]]:
    if panel[0].unit in AXES:
        return AXES[panel[0].unit]
    highest = nice(max(max(curve.values) for curve in panel))
    return 0.0, highest, (0, highest / 2, highest)


def nice(value: float) -> float:
    """The next round number at or above a value: 1, 2 or 5 times a power of ten."""
    power = 1.0
    while power * 10 <= value:
        power *= 10
    while power > value > 0:
        power /= 10
    return next((power * step for step in (1, 2, 5, 10) if power * step >= value), power)


def _legend(sheet: Sheet, top: float, panel: list[Curve], locale: str) -> None:
    names = language(locale).picture
    x: float = MARGIN + GUTTER
    for curve in panel:
        sheet.box(x, top + 3, x + 10, top + 11, PEAK if curve.name == "peak" else FILL, 2)
        unit = language(locale).units.get(curve.unit, curve.unit)
        words = f"{names.get(curve.name, curve.name)} ({unit})" if unit else names.get(curve.name, curve.name)
        sheet.text(x + 15, top + 7, words, 11, SOFT, "lm")
        x += width_of(words, 11) + 32


def _draw_curve(
    sheet: Sheet, curve: Curve, duration_s: float, rows: tuple[float, float], axis: tuple[float, float]
) -> None:
    chart, bottom = rows
    low, high = axis
    points = []
    for number, value in enumerate(curve.values):
        share = min(max((value - low) / (high - low), 0.0), 1.0)
        points.append((at_x((number + 0.5) * curve.step_s, duration_s), bottom - share * (bottom - chart)))
    # A curve of a single value is still a line from edge to edge of its step.
    end = at_x(len(points) * curve.step_s, duration_s)
    points = [(at_x(0, duration_s), points[0][1]), *points, (end, points[-1][1])]
    sheet.shape([(points[0][0], bottom), *points, (points[-1][0], bottom)], PEAK if curve.name == "peak" else FILL)
    if curve.name != "peak":
        sheet.line(points, LINE)


def _time_axis(sheet: Sheet, bottom: float, duration_s: float, locale: str) -> None:
    sheet.line([(MARGIN + GUTTER, bottom), (WIDTH - MARGIN, bottom)], SOFT)
    step = tick(duration_s)
    count = int(duration_s / step + 1e-6)
    for number in range(count + 1):
        x = at_x(number * step, duration_s)
        sheet.line([(x, bottom), (x, bottom + 4)], SOFT)
        anchor = "lt" if number == 0 else "rt" if x > WIDTH - MARGIN - 12 else "mt"
        sheet.text(x, bottom + 7, clock(number * step, locale) if number else "0", 10, SOFT, anchor)


def tick(duration_s: float) -> float:
    """Seconds between marks on the time axis: at most five steps, each a length people count in."""
    steps: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900)
    return next((step for step in steps if duration_s / step <= 5), 1800.0)


def _draw_lanes(sheet: Sheet, top: float, lanes: list[Lane], duration_s: float, more: int) -> None:
    for number, lane in enumerate(lanes):
        y = top + LANE_HEIGHT * number
        colour = COLOURS[lane.status]
        sheet.text(MARGIN, y, fitted(lane.title, 12, 240), 12)
        sheet.text(WIDTH - MARGIN, y, lane.detail, 12, colour, "ra")
        sheet.box(at_x(0, duration_s), y + 19, WIDTH - MARGIN, y + 23, GRID, 2)
        # A finding without a place concerns the whole recording; its mark lies beside the time line, not on it.
        sheet.box(MARGIN, y + 17, MARGIN + 8, y + 25, colour, 4)
        for span in lane.spans:
            left, right = at_x(span.start_s, duration_s), at_x(span.end_s, duration_s)
            left = min(left, WIDTH - MARGIN - 3)
            sheet.box(left, y + 17, max(right, left + 3), y + 25, colour, 1.5)
    if more:
        sheet.text(MARGIN, top + LANE_HEIGHT * len(lanes), f"+ {more}", 12, SOFT)


def fitted(words: str, size: float, width: float) -> str:
    """Words cut so that they fit a width in points."""
    if width_of(words, size) <= width:
        return words
    while words and width_of(words + "…", size) > width:
        words = words[:-1]
    return words.rstrip() + "…"
