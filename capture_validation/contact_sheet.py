"""The contact sheet: the stills of a video in the order of time, those of a finding framed and numbered like it."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from PIL import Image

from capture_validation.report import Report, Status, Still
from capture_validation.sheet import WIDTH, Sheet

MARGIN, GAP, LABEL = 16, 6, 15
#: Stills a row, lying and upright; either way one is at least a finger wide.
LYING, UPRIGHT = 4, 6
#: What any still may measure, so that a damaged report cannot ask for a picture of any size.
LONGEST_SIDE, MOST = 160, 12


class Badge(Struct, frozen=True):
    """What a finding is called on the picture: its number and how bad it is."""

    number: int
    status: Status


def shown(report: Report) -> list[Still]:
    """The stills that can be drawn; one whose bytes do not fit its size is left out."""
    return [still for still in report.stills[:MOST] if fits(still)]


def fits(still: Still) -> bool:
    """Whether a still has the bytes that its size asks for."""
    if not (1 <= still.width <= LONGEST_SIDE and 1 <= still.height <= LONGEST_SIDE):
        return False
    return len(still.planes) == still.width * still.height + 2 * ((still.width + 1) // 2) * ((still.height + 1) // 2)


def opened(still: Still) -> Image.Image:
    """The still in colours: its three planes put together, the two of colour at half the size."""
    size, half = (still.width, still.height), ((still.width + 1) // 2, (still.height + 1) // 2)
    bright, tint = size[0] * size[1], half[0] * half[1]
    ends = (0, bright, bright + tint, bright + 2 * tint)
    planes = [
        Image.frombytes("L", part, still.planes[start:end]).resize(size, Image.Resampling.BILINEAR)
        for part, start, end in zip((size, half, half), ends[:-1], ends[1:], strict=True)
    ]
    return Image.merge("YCbCr", planes).convert("RGB")


def height_of(stills: Sequence[Still]) -> float:
    """How much room the stills take, in points."""
    if not stills:
        return 0.0
    columns, _, height = _grid(stills)
    return -(-len(stills) // columns) * (height + LABEL + GAP) + GAP


def _grid(stills: Sequence[Still]) -> tuple[int, float, float]:
    """Stills a row, and the width and height of the room that each of them gets."""
    columns = LYING if stills[0].width >= stills[0].height else UPRIGHT
    width = (WIDTH - 2 * MARGIN - (columns - 1) * GAP) / columns
    highest = max(width / still.width * still.height for still in stills)
    return columns, width, min(highest, 2 * width)


def draw_stills(
    sheet: Sheet, top: float, stills: Sequence[Still], times: Sequence[str], badges: Mapping[str, Badge]
) -> float:
    """Draw the stills below `top`, each with its time; gives where they end. `badges` are by name of check."""
    if not stills:
        return top
    columns, width, height = _grid(stills)
    for index, (still, time) in enumerate(zip(stills, times, strict=True)):
        row, column = divmod(index, columns)
        left, upper = MARGIN + column * (width + GAP), top + row * (height + LABEL + GAP)
        scale = min(width / still.width, height / still.height)
        right, lower = left + still.width * scale, upper + still.height * scale
        badge = badges.get(still.shows)
        if badge is not None:
            sheet.box(left - 2, upper - 2, right + 2, lower + 2, sheet.theme.marks[badge.status], 2)
        sheet.picture(left, upper, right, lower, opened(still))
        if badge is not None:
            sheet.box(left, upper, left + 13, upper + 13, sheet.theme.marks[badge.status], 2)
            sheet.text(left + 6.5, upper + 6.5, str(badge.number), 10, sheet.theme.paper, "mm")
        sheet.text(left, upper + height + 3, time, 10, sheet.theme.soft)
    return top + height_of(stills)
