"""What is large is text only where it is written: thin strokes of one tone on another."""

import cv2
import numpy as np
import pytest

from capture_validation.decode import VideoFrame, open_recording
from capture_validation.xray.looking import LONG_SIDES, shown
from capture_validation.xray.models import models
from capture_validation.xray.writing import is_large, judged, outlines, written
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
