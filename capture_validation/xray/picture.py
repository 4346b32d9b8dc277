"""The picture of an X-ray: when something is seen, and where in the frame; nothing of the recording itself.

For each kind a bar over the length of the recording carries the stretches, and a small frame the places, the darker the
more often something was there.
"""

from __future__ import annotations

from capture_validation.picture import clock
from capture_validation.sheet import DARK, LIGHT, WIDTH, Sheet, fitted
from capture_validation.xray.findings import Sighting, Xray
from capture_validation.xray.words import CHECKED, TRACES, VERDICTS

MARGIN, LINE, BAR, FRAME = 16, 18, 10, (96, 54)


def draw(found: Xray, *, dark: bool = False) -> bytes:
    """A PNG of an X-ray, 390 points wide, on light or on dark paper."""
    told = {kind: [trace.where for trace in found.traces if trace.kind == kind] for kind in TRACES}
    lines = [(TRACES[kind], ", ".join(places)) for kind, places in told.items() if places]
    height = 44 + max(len(lines), 1) * 34 + sum(_height(sighting) for sighting in found.sightings) + MARGIN
    sheet = Sheet(height, DARK if dark else LIGHT)
    ink, soft = sheet.theme.ink, sheet.theme.soft
    sheet.text(MARGIN, 14, "What this recording tells", 15, ink)
    sheet.text(WIDTH - MARGIN, 22, clock(found.seconds), 11, soft, "rm")
    top = 44.0
    for title, places in lines or [("The file itself tells nothing.", "")]:
        sheet.text(MARGIN, top, title, 13, ink)
        sheet.text(MARGIN, top + 16, fitted(places, 10, WIDTH - 2 * MARGIN), 10, soft)
        top += 34
    for sighting in found.sightings:
        _draw(sheet, top, sighting, max(found.seconds, 0.001))
        top += _height(sighting)
    return sheet.png()


def _height(sighting: Sighting) -> float:
    return 40 + FRAME[1] + 12 if sighting.verdict == "found" else 28


def _draw(sheet: Sheet, top: float, sighting: Sighting, seconds: float) -> None:
    theme = sheet.theme
    colour = theme.marks["failed" if sighting.verdict == "found" else "not_applicable"]
    if sighting.verdict == "nothing_found":
        colour = theme.marks["passed"]
    sheet.line([(MARGIN, top), (WIDTH - MARGIN, top)], theme.grid)
    sheet.text(MARGIN, top + 6, CHECKED[sighting.kind], 13, theme.ink)
    sheet.text(WIDTH - MARGIN, top + 6, VERDICTS[sighting.verdict], 12, colour, "ra")
    if sighting.verdict != "found":
        return
    _draw_bar(sheet, top + 28, sighting, seconds)
    _draw_frame(sheet, top + 44, sighting)
    words = f"at most {sighting.most_at_once} at once"
    sheet.text(MARGIN + FRAME[0] + 12, top + 46, words, 12, theme.ink)
    sheet.text(MARGIN + FRAME[0] + 12, top + 64, "where in the frame they were", 10, theme.soft)


def _draw_bar(sheet: Sheet, top: float, sighting: Sighting, seconds: float) -> None:
    """The length of the recording, with the stretches in which something is seen."""
    wide = WIDTH - 2 * MARGIN
    sheet.box(MARGIN, top, MARGIN + wide, top + BAR, sheet.theme.grid, 3)
    for span in sighting.spans:
        left, right = (MARGIN + wide * min(at / seconds, 1.0) for at in (span.start_s, span.end_s))
        sheet.box(left, top, max(right, left + 2), top + BAR, sheet.theme.marks["failed"], 3)


def _draw_frame(sheet: Sheet, top: float, sighting: Sighting) -> None:
    """The picture's frame, with every place in which something was."""
    width, height = FRAME
    sheet.box(MARGIN, top, MARGIN + width, top + height, sheet.theme.grid, 2)
    for box in sighting.boxes:
        sheet.box(
            MARGIN + width * box.left,
            top + height * box.top,
            MARGIN + width * box.right,
            top + height * box.bottom,
            sheet.theme.shades["failed"],
        )
