"""What is large is text only where it is written: thin strokes of one tone on another."""

import cv2
import numpy as np
import pytest

from capture_validation.decode import VideoFrame, open_recording
from capture_validation.xray.looking import LONG_SIDES, shown
from capture_validation.xray.models import models
from capture_validation.xray.writing import MOST_READ, Line, TextFinder, is_frame, is_large, judged, outlines, written
from tests.media import media


def ground() -> np.ndarray:
    """Paper with the noise of a small sensor, uint8 (240, 240)."""
    return np.random.default_rng(0).normal(200, 4, (240, 240)).astype(np.uint8)


@pytest.mark.parametrize("dark", [False, True])
def test_a_digit_by_hand_is_written(dark: bool):
    """Also white on black."""
    page = cv2.putText(ground(), "2", (50, 200), cv2.FONT_HERSHEY_SIMPLEX, 7, 40, 14)

    assert written(255 - page if dark else page)


def test_a_thing_without_strokes_is_not_written():
    assert not written(cv2.circle(ground(), (120, 120), 70, 40, cv2.FILLED))


def test_a_thing_of_many_tones_is_not_written():
    """Leaves, toys and wood have no ink and no paper."""
    tones = cv2.GaussianBlur(np.random.default_rng(0).normal(0, 1, (240, 240)), (0, 0), 6)

    assert not written(cv2.normalize(tones, None, 0, 255, cv2.NORM_MINMAX).astype(np.uint8))


def test_a_part_of_one_tone_is_not_written():
    assert not written(np.full((40, 40), 128, np.uint8))


@pytest.mark.parametrize(("box", "large"), [((10, 10, 300, 290), True), ((0, 100, 600, 250), False),
                                            ((10, 10, 60, 60), False)])  # fmt: skip
def test_a_large_thing_is_hardly_longer_than_high(box: tuple[int, ...], large: bool):
    assert large is is_large(np.array([*box, 0.9]), np.zeros((360, 640, 3), np.uint8))


@pytest.mark.parametrize(("size", "turned", "lines"), [((420, 40), 0, 1), ((420, 40), 30, 1), ((420, 100), 0, 0),
                                                       ((420, 100), 30, 0), ((140, 100), 0, 1)])  # fmt: skip
def test_a_line_whose_middle_is_as_high_as_a_quarter_of_the_picture_is_a_thing(
    size: tuple[int, int], turned: int, lines: int
):
    """However it lies: a banner across the picture is a line, a bicycle is none, and a letter may be."""
    chances = np.zeros((352, 640), np.float32)
    corners = cv2.boxPoints(((320, 176), size, turned)).astype(np.int32)
    cv2.fillPoly(chances, [corners], 0.9)

    assert lines == len([line for outline in outlines(chances) if (line := judged(chances, outline)) is not None])


@pytest.mark.parametrize(("name", "lines"), [("video_elf_480.webm", 0), ("video_monster_480.webm", 0),
                                             ("video_note2_android_rot_gps.mp4", 1)])  # fmt: skip
def test_a_toy_is_no_letter_and_a_digit_that_fills_the_page_is(name: str, lines: int):
    finder = models().text
    assert finder is not None
    with media(name).open("rb") as file, open_recording(file) as recording:
        first = next(part for part in recording.read() if isinstance(part, VideoFrame))
        assert lines == len(finder.find(shown(first, "", LONG_SIDES["text"])))


@pytest.mark.parametrize(("box", "frame"), [((0, 0, 640, 352), True), ((0, 100, 640, 352), True),
                                            ((0, 0, 640, 30), False), ((0, 100, 300, 352), False)])  # fmt: skip
def test_a_frame_reaches_three_sides_and_a_caption_is_none(box: tuple[int, ...], frame: bool):
    assert frame is is_frame(np.array([*box, 0.9]), np.zeros((352, 640), np.float32))


def lying(x: float, y: float, filled: float, high: float = 40) -> Line:
    """A level line of 200 pixels around a point."""
    box = np.array([x - 100, y - high / 2, x + 100, y + high / 2, 0.8])
    return Line(box, ((x, y), (200, high), 0), filled)


def page() -> np.ndarray:
    """Paper with a word at (200, 60) and nothing else, uint8 (900, 400, 3)."""
    paper = np.full((900, 400, 3), 220, np.uint8)
    return cv2.putText(paper, "HZ 4819", (110, 75), cv2.FONT_HERSHEY_SIMPLEX, 1.4, (30, 30, 30), 3)


def told(lines: list[Line], finder: TextFinder | None = None) -> list[float]:
    """Which of some lines of the page are told: the height of their middles."""
    finder = finder or models().text
    assert finder is not None
    return [line.lying[0][1] for line in finder._told(lines, page())]


def test_what_is_unsure_is_told_where_it_can_be_read():
    assert [60] == told([lying(200, 60, 0.6), lying(200, 300, 0.6)])


def test_what_is_sure_is_told_unread_and_what_is_too_unsure_is_not():
    """The reader knows few of the world's letters."""
    assert [300] == told([lying(200, 60, 0.4), lying(200, 300, 0.75)])


def test_what_is_tall_has_to_be_surer():
    assert [] == told([lying(200, 300, 0.75, high=120)])


def test_of_very_many_unsure_lines_the_last_are_believed():
    """A page of a book takes no longer than a street."""
    assert [500 - MOST_READ] == told([lying(200, 500 - at, 0.69 - at / 100) for at in range(MOST_READ + 1)])


def test_whoever_hides_lines_doubts_only_what_is_tall():
    """A word smeared until nobody can read it is hidden all the same; a face that fills the picture is no line."""
    finder = models().text
    assert finder is not None
    smeared, face = lying(200, 300, 0.3), lying(200, 600, 0.75, high=120)

    assert ([], [300]) == (told([smeared, face]), told([smeared, face], finder.believing()))


class Believer:
    """A network that takes two places of every picture of 96 x 96 for lines."""

    def setInput(self, picture: np.ndarray) -> None:  # noqa: N802 - OpenCV's name
        self.shape = picture.shape[2:]

    def forward(self) -> np.ndarray:
        chances = np.zeros((1, 1, *self.shape), np.float32)
        chances[..., 20:28, 10:80] = chances[..., 60:68, 10:80] = 0.9
        return chances


@pytest.mark.parametrize("doubting", [True, False])
@pytest.mark.parametrize("ink", [(208, 200, 200), (200, 200, 150)])
def test_where_nothing_is_no_line_is_told_and_a_faint_one_is(ink: tuple[int, int, int], doubting: bool):
    """A wall of one white, above it a mark that differs by little or in one colour alone."""
    wall = np.full((96, 96, 3), 200, np.uint8)
    wall[22:26, 20:70] = ink

    found = TextFinder(Believer(), NotImplemented, doubting=doubting).find(wall)

    assert [True] == [bool(line[1] < 40) for line in found]
