"""The picture of a report: what was measured over time, with the stretches marked that a contributor should look at.

Made from the report alone, never from the recording, so it can be drawn where no stranger's file may be opened. 390
points wide, which is a phone held upright, at two pixels a point.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from PIL import Image, ImageColor

from capture_validation.contact_sheet import Badge, draw_stills, height_of, shown
from capture_validation.levels import runs
from capture_validation.report import CheckResult, Curve, Report, Span, Spectrogram, Status
from capture_validation.sheet import DARK, LIGHT, WIDTH, Sheet, Theme, fitted, width_of, wrapped
from capture_validation.spectrogram import mel
from capture_validation.texts import good, language, quantity, told, told_rejection

MARGIN, GUTTER = 16, 34
PANEL_HEIGHT, STRIP_HEIGHT, LANE_HEIGHT, ADVICE_HEIGHT, LANES = 132, 64, 34, 15, 8
#: The curve that says where somebody speaks; it is ground, not a line.
SPEECH = "speech"
#: A spectrogram shows this much below its loudest cell, in cells of 0.4 dB: 70 dB.
STRIP_CELLS = 175

OUTCOMES: dict[str, Status] = {
    "passed": "passed",
    "in_review": "borderline",
    "needs_fix": "failed",
    "rejected": "failed",
}

#: Axis of each unit: from, to, and the lines to draw.
AXES: dict[str, tuple[float, float, Sequence[float]]] = {
    "dBFS": (-72.0, 0.0, (0, -20, -40, -60)),
    "levels": (0.0, 255.0, (0, 128, 255)),
}
#: The curve in which a finding on the picture is seen best; all others are marked beside the motion.
CHARTS = {
    "sharpness": "sharpness", "motion_blur": "sharpness", "noise": "sharpness", "blocking": "sharpness",
    "upscaled": "sharpness", "recaptured": "sharpness", "interlaced": "sharpness", "too_dark": "brightness",
    "overexposed": "brightness", "low_contrast": "brightness", "black": "brightness", "exposure_pumping": "brightness",
    "flicker": "brightness",
}  # fmt: skip


class Lane(Struct, frozen=True):
    """One finding on the picture: its check, its number and title, how bad it is, where, and lines on what helps."""

    check: str
    number: int
    title: str
    detail: str
    status: Status
    spans: tuple[Span, ...]
    advice: tuple[str, ...]

    @property
    def height(self) -> int:
        """Points from this finding to the next."""
        return LANE_HEIGHT + ADVICE_HEIGHT * len(self.advice)


def draw(report: Report, locale: str = "en", *, dark: bool = False) -> bytes:
    """A PNG of the report: the outcome in words, curves and pitches over time, and a lane for every finding.

    Findings are numbered, and their stretches carry the number. A file that was refused has no curves; its picture is
    the sentence that says why.
    """
    head = _headline(report, locale)
    panels = _panels(report.curves)
    strip = report.spectrogram if panels else None
    lanes = _lanes(report, locale) if panels else []
    more = max(len(lanes) - LANES, 0)
    lanes = lanes[:LANES]
    height = 52 + 18 * len(head) + (PANEL_HEIGHT + 34) * len(panels) + (18 if more else 0)
    height += sum(lane.height for lane in lanes)
    stills = shown(report)
    height += round(height_of(stills)) + (20 if panels else 0) + (STRIP_HEIGHT + 8 if strip else 0)
    sheet = Sheet(height, DARK if dark else LIGHT)
    top = _write_head(sheet, report, head, locale)
    badges = {lane.check: Badge(lane.number, lane.status) for lane in lanes}
    top = draw_stills(sheet, top, stills, [clock(still.at_s, locale) for still in stills], badges)
    for number, panel in enumerate(panels):
        below = strip if number == len(panels) - 1 else None
        inside = [lane for lane in lanes if _chart_of(lane.check, panels) == number]
        top = _draw_panel(sheet, top, panel, below, report, inside, locale)
    _draw_lanes(sheet, top, lanes, _duration(report), more)
    return sheet.png()


def _chart_of(check: str, panels: list[list[Curve]]) -> int:
    """The number of the chart that a finding is marked in: where one sees it best, else the first."""
    kind, name = check.split(".", 1)
    best = "level" if kind == "audio" else CHARTS.get(name, "motion")
    return next((number for number, panel in enumerate(panels) if any(curve.name == best for curve in panel)), 0)


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
    theme = sheet.theme
    colour = theme.marks[OUTCOMES[report.outcome]]
    label = language(locale).picture[report.outcome]
    width = width_of(label, 12) + 18
    sheet.box(MARGIN, 14, MARGIN + width, 36, colour, 11)
    sheet.text(MARGIN + width / 2, 25, label, 12, theme.paper, "mm")
    sheet.text(WIDTH - MARGIN, 25, _facts(report, locale), 11, theme.soft, "rm")
    for number, line in enumerate(lines):
        sheet.text(MARGIN, 45 + 18 * number, line, 13, theme.ink)
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
        if curve.values and curve.name != SPEECH:
            panels.setdefault("sound" if curve.unit == "dBFS" else curve.name, []).append(curve)
    return sorted(panels.values(), key=lambda panel: panel[0].unit == "dBFS")


def _duration(report: Report) -> float:
    ends = [curve.step_s * len(curve.values) for curve in report.curves]
    return max([report.media.duration_s if report.media else 0.0, *ends, 0.001])


def _lanes(report: Report, locale: str) -> list[Lane]:
    found = [check for check in report.checks if check.status in LIGHT.shades]
    return [_lane(number, check, locale) for number, check in enumerate(found, start=1)]


def _lane(number: int, check: CheckResult, locale: str) -> Lane:
    words = told(check, locale)
    detail = ""
    if check.value is not None:
        unit = language(locale).units.get(check.unit, check.unit)
        allowed = good(check.limit, locale)
        detail = f"{quantity(check.value, locale)} {unit}".strip() + (f" ({allowed})" if allowed else "")
    advice = wrapped(words.fix, 11, WIDTH - 2 * MARGIN - GUTTER)
    return Lane(check.name, number, words.title, detail, check.status, check.spans, tuple(advice))


def at_x(seconds: float, duration_s: float) -> float:
    """Where a moment lies across the picture, in points."""
    left, right = MARGIN + GUTTER, WIDTH - MARGIN
    return left + (right - left) * min(max(seconds / duration_s, 0.0), 1.0)


def _draw_panel(
    sheet: Sheet,
    top: float,
    panel: list[Curve],
    strip: Spectrogram | None,
    report: Report,
    lanes: list[Lane],
    locale: str,
) -> float:
    """Curves, the pitches under them, and the stretches of findings across both; gives where the next thing starts."""
    theme, duration_s = sheet.theme, _duration(report)
    chart = top + 20
    bottom = chart + PANEL_HEIGHT - 20
    low, high, lines = _axis(panel)
    _legend(sheet, top, panel, report, locale)
    _underlay_speech(sheet, report, panel, (chart, bottom))
    for value in lines:
        y = bottom - (value - low) / (high - low) * (bottom - chart)
        sheet.line([(MARGIN + GUTTER, y), (WIDTH - MARGIN, y)], theme.grid)
        sheet.text(MARGIN + GUTTER - 5, y, quantity(value, locale), 10, theme.soft, "rm")
    for curve in sorted(panel, key=lambda curve: curve.name != "peak"):
        _draw_curve(sheet, curve, duration_s, (chart, bottom), (low, high))
    base = bottom
    if strip is not None:
        base = bottom + 8 + STRIP_HEIGHT
        _draw_strip(sheet, strip, duration_s, (bottom + 8, base), locale)
    for lane in reversed(lanes):
        for span in lane.spans:
            left, right = at_x(span.start_s, duration_s), at_x(span.end_s, duration_s)
            sheet.box(left, chart, right, base, theme.shades[lane.status])
    _number_spans(sheet, chart, lanes, duration_s)
    _time_axis(sheet, base, duration_s, locale)
    return base + 34


def _underlay_speech(sheet: Sheet, report: Report, panel: list[Curve], rows: tuple[float, float]) -> None:
    """Colour the ground of the sound's level where somebody speaks: whether a pause is one is seen at a glance."""
    speech = next((curve for curve in report.curves if curve.name == SPEECH), None)
    if speech is None or panel[0].unit != "dBFS":
        return
    duration_s = _duration(report)
    for start, end in runs(np.array(speech.values) >= 0.5):
        left, right = at_x(start * speech.step_s, duration_s), at_x(end * speech.step_s, duration_s)
        sheet.box(left, rows[0], right, rows[1], sheet.theme.speech)


def _number_spans(sheet: Sheet, y: float, lanes: list[Lane], duration_s: float) -> None:
    """Write each finding's number where it is, the most important first, in three rows; what finds no room is left."""
    taken: list[tuple[float, int]] = []
    for lane in lanes:
        latest = -30.0
        for span in lane.spans:
            x = min(max(at_x(span.start_s, duration_s), MARGIN + GUTTER) + 6, WIDTH - MARGIN - 6)
            free = [row for row in range(3) if all(used != row or abs(x - at) >= 14 for at, used in taken)]
            if free and x - latest >= 30:
                latest = x
                taken.append((x, free[0]))
                _badge(sheet, x, y + 8 + 14 * free[0], lane)


def _badge(sheet: Sheet, x: float, y: float, lane: Lane) -> None:
    sheet.box(x - 6, y - 6, x + 6, y + 6, sheet.theme.marks[lane.status], 6)
    sheet.text(x, y, str(lane.number), 9, sheet.theme.paper, "mm")


def _draw_strip(sheet: Sheet, strip: Spectrogram, duration_s: float, rows: tuple[float, float], locale: str) -> None:
    """Pitches over time, low ones below, with a mark at each frequency that people know."""
    theme, (top, bottom) = sheet.theme, rows
    cells = np.frombuffer(strip.cells, np.uint8).reshape(-1, strip.bands).astype(np.float64)
    share = np.clip((cells - cells.max()) / STRIP_CELLS + 1, 0, 1)
    end = at_x(len(cells) * strip.step_s, duration_s)
    picture = Image.fromarray(coloured(share.T[::-1], theme), "RGB")
    sheet.box(MARGIN + GUTTER, top, WIDTH - MARGIN, bottom, theme.pitches[0])
    sheet.picture(at_x(0, duration_s), top, end, bottom, picture)
    highest = float(mel(np.array(strip.highest_hz)))
    for frequency in (500.0, 2000.0, 8000.0):
        y = bottom - float(mel(np.array(frequency))) / highest * (bottom - top)
        if y > top + 5:
            words = f"{quantity(frequency / 1000, locale)}k"
            sheet.line([(MARGIN + GUTTER - 3, y), (MARGIN + GUTTER, y)], theme.soft)
            sheet.text(MARGIN + GUTTER - 5, y, words, 10, theme.soft, "rm")


def coloured(share: np.ndarray, theme: Theme) -> np.ndarray:
    """Shares 0…1 in the colours of a theme, between which they pass evenly: uint8, one more axis of three."""
    stops = np.array([ImageColor.getrgb(colour) for colour in theme.pitches], np.float64)
    places = np.linspace(0, 1, len(stops))
    return np.stack([np.interp(share, places, stops[:, part]) for part in range(3)], axis=-1).astype(np.uint8)


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


def _legend(sheet: Sheet, top: float, panel: list[Curve], report: Report, locale: str) -> None:
    names = language(locale).picture
    x: float = MARGIN + GUTTER
    for curve in panel:
        sheet.box(x, top + 3, x + 10, top + 11, _fill(sheet, curve), 2)
        unit = language(locale).units.get(curve.unit, curve.unit)
        words = f"{names.get(curve.name, curve.name)} ({unit})" if unit else names.get(curve.name, curve.name)
        sheet.text(x + 15, top + 7, words, 11, sheet.theme.soft, "lm")
        x += width_of(words, 11) + 32
    if panel[0].unit == "dBFS" and any(curve.name == SPEECH for curve in report.curves):
        sheet.box(x, top + 3, x + 10, top + 11, sheet.theme.speech, 2)
        sheet.text(x + 15, top + 7, names[SPEECH], 11, sheet.theme.soft, "lm")


def _fill(sheet: Sheet, curve: Curve) -> str:
    return sheet.theme.peak if curve.name == "peak" else sheet.theme.fill


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
    sheet.shape([(points[0][0], bottom), *points, (points[-1][0], bottom)], _fill(sheet, curve))
    if curve.name != "peak":
        sheet.line(points, sheet.theme.line)


def _time_axis(sheet: Sheet, bottom: float, duration_s: float, locale: str) -> None:
    sheet.line([(MARGIN + GUTTER, bottom), (WIDTH - MARGIN, bottom)], sheet.theme.soft)
    step = tick(duration_s)
    count = int(duration_s / step + 1e-6)
    for number in range(count + 1):
        x = at_x(number * step, duration_s)
        sheet.line([(x, bottom), (x, bottom + 4)], sheet.theme.soft)
        anchor = "lt" if number == 0 else "rt" if x > WIDTH - MARGIN - 12 else "mt"
        sheet.text(x, bottom + 7, clock(number * step, locale) if number else "0", 10, sheet.theme.soft, anchor)


def tick(duration_s: float) -> float:
    """Seconds between marks on the time axis: at most five steps, each a length people count in."""
    steps: tuple[float, ...] = (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900)
    return next((step for step in steps if duration_s / step <= 5), 1800.0)


def _draw_lanes(sheet: Sheet, top: float, lanes: list[Lane], duration_s: float, more: int) -> None:
    y = top
    for lane in lanes:
        colour = sheet.theme.marks[lane.status]
        room = WIDTH - 2 * MARGIN - width_of(lane.detail, 12) - 8
        sheet.text(MARGIN, y, fitted(lane.title, 12, room), 12, sheet.theme.ink)
        sheet.text(WIDTH - MARGIN, y, lane.detail, 12, colour, "ra")
        sheet.box(at_x(0, duration_s), y + 19, WIDTH - MARGIN, y + 23, sheet.theme.grid, 2)
        # A finding without a place concerns the whole recording; its number lies beside the time line, not on it.
        _badge(sheet, MARGIN + 6, y + 21, lane)
        for span in lane.spans:
            left, right = at_x(span.start_s, duration_s), at_x(span.end_s, duration_s)
            left = min(left, WIDTH - MARGIN - 3)
            sheet.box(left, y + 17, max(right, left + 3), y + 25, colour, 1.5)
        for line, words in enumerate(lane.advice):
            sheet.text(MARGIN + GUTTER, y + 27 + ADVICE_HEIGHT * line, words, 11, sheet.theme.soft)
        y += lane.height
    if more:
        sheet.text(MARGIN, y, f"+ {more}", 12, sheet.theme.soft)
