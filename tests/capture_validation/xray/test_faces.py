"""A face in doubt has to be one at other sizes, mirrored, and whichever way it lies; a certain one is not doubted."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from capture_validation.xray.faces import HOLDS, UNDOUBTED, Mtcnn, Picture, around, turned_and_mirrored

Believes = Callable[[np.ndarray], bool]


class Believer:
    """A network that believes some pictures, shown to it on their side and centred, to be faces."""

    def __init__(self, believes: Believes) -> None:
        self.believes = believes
        self.asked = 0

    def setInput(self, cuts: np.ndarray) -> None:  # noqa: N802 - OpenCV's name
        self.chances = np.array([float(self.believes(one)) for one in cuts.transpose(0, 2, 1, 3)], np.float32)
        self.asked += len(cuts)

    def forward(self, outputs: list[str]) -> tuple[Any, ...]:
        scores = np.stack([1 - self.chances, self.chances], axis=1)
        return (*(np.zeros((len(scores), 4), np.float32) for _ in outputs[1:]), scores)


def finder(believes: Believes) -> Mtcnn:
    """A finder whose two larger networks believe the same."""
    found = object.__new__(Mtcnn)
    found._refining = found._deciding = Believer(believes)
    return found


def bright_above(one: np.ndarray) -> bool:
    return bool(one[: len(one) // 2].mean() > one[len(one) // 2 :].mean())


def bright_left(one: np.ndarray) -> bool:
    return bright_above(one.transpose(1, 0, 2))


@pytest.fixture
def picture() -> Picture:
    """Bright above and dark below the middle."""
    drawn = np.zeros((100, 100, 3), np.uint8)
    drawn[:50] = 200
    return drawn


def face(chance: float) -> np.ndarray:
    """A face in the middle of the picture."""
    return np.array([30.0, 30.0, 70.0, 70.0, chance])


@pytest.mark.parametrize("turns", range(4))
def test_what_is_a_face_at_every_size_holds_whichever_way_it_lies(picture: Picture, turns: int):
    assert finder(bright_above)._holds(np.ascontiguousarray(np.rot90(picture, turns)), face(0.8))


def test_what_is_a_face_at_one_size_alone_does_not_hold():
    """A dark square in a white wall, of which the smallest look sees nothing else."""
    wall = np.full((100, 100, 3), 255, np.uint8)
    wall[34:66, 34:66] = 0

    assert finder(lambda one: one.mean() < -0.9)._holds(wall, face(0.8)) is False
    assert finder(lambda one: one.mean() < 0.9)._holds(wall, face(0.8))


def test_what_its_mirror_image_does_not_show_does_not_hold(picture: Picture):
    """One corner alone is bright, so half of the looks believe at most."""
    slanted = np.ascontiguousarray(np.tri(100, dtype=np.uint8)[:, :, None] * np.full(3, 200, np.uint8))

    assert HOLDS > 0.5
    assert finder(lambda one: bright_left(one) and bright_above(one))._holds(slanted, face(0.8)) is False


def test_a_certain_face_is_not_doubted(picture: Picture):
    nobody = finder(lambda _: False)

    assert nobody._holds(picture, face(UNDOUBTED))
    assert nobody._holds(picture, face(UNDOUBTED - 0.001)) is False
    assert nobody._refining.asked


def test_what_holds_is_how_much_was_asked(picture: Picture):
    """One of the two networks believes it, so its mean chance is a half."""
    half = finder(bright_above)
    half._deciding = Believer(lambda _: False)

    assert half._holds(picture, face(0.8)) is False
    assert half.holding(0.5)._holds(picture, face(0.8))


def test_squares_of_a_face_in_doubt_share_its_middle():
    assert [[35, 35, 65, 65], [31, 31, 69, 69], [27, 27, 73, 73]] == around(face(0.9)).tolist()


def test_mirror_images_follow_what_was_turned():
    cuts = np.arange(12, dtype=np.uint8).reshape(1, 2, 2, 3)

    turned = np.rot90(cuts[0])

    assert np.array_equal([turned, turned[:, ::-1]], turned_and_mirrored(cuts, 1))
