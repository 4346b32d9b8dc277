"""A head that lies on its side is found where it lies, and one that stands is told once."""

import numpy as np
import pytest

from capture_validation.decode import VideoFrame, open_recording
from capture_validation.xray.faces import BELIEVED, HOLDS, HOLDS_LYING, NOTHING, Picture, Squares
from capture_validation.xray.looking import LONG_SIDES, shown
from capture_validation.xray.models import models
from capture_validation.xray.turned import AlsoTurned, turned_back
from tests.media import media


@pytest.fixture(scope="module")
def finder() -> AlsoTurned:
    """The networks of this machine."""
    found = models().faces
    assert found is not None
    return found


@pytest.fixture(scope="module")
def portrait() -> Picture:
    """Somebody who looks into the camera."""
    with media("video_face_h264.mp4").open("rb") as file, open_recording(file) as recording:
        first = next(part for part in recording.read() if isinstance(part, VideoFrame))
        return shown(first, "", LONG_SIDES["faces"])


def overlap(one: Squares, other: Squares) -> float:
    """The share of two boxes that both hold."""
    low, high = np.maximum(one[:2], other[:2]), np.minimum(one[2:4], other[2:4])
    shared = np.prod(np.clip(high - low, 0, None))
    return float(shared / (np.prod(one[2:4] - one[:2]) + np.prod(other[2:4] - other[:2]) - shared))


@pytest.mark.parametrize("turns", [1, 3])
def test_a_face_that_lies_is_found_where_it_lies(finder: AlsoTurned, portrait: Picture, turns: int):
    upright = finder.find(portrait)
    lying = np.ascontiguousarray(np.rot90(portrait, turns))
    height, width = lying.shape[:2]

    found = finder.find(lying)

    assert (1, 1) == (len(upright), len(found))
    assert overlap(turned_back(upright, 4 - turns, (width, height))[0], found[0]) > 0.5


def test_a_face_that_stands_is_where_the_networks_alone_find_it(finder: AlsoTurned, portrait: Picture):
    assert finder.upright.find(portrait).tolist() == finder.find(portrait).tolist()


class Asked:
    """Networks that find nobody and remember how much was asked of a face in doubt, at which shape of picture."""

    name = "asked"

    def __init__(self, chance: float = HOLDS, log: list[tuple[float, bool]] | None = None) -> None:
        self.chance, self.log = chance, [] if log is None else log

    def find(self, picture: Picture) -> Squares:
        self.log.append((self.chance, picture.shape[0] > picture.shape[1]))
        return NOTHING

    def holding(self, chance: float) -> "Asked":
        return Asked(chance, self.log)

    def wake(self) -> None:
        raise NotImplementedError


def test_more_is_asked_of_a_head_that_lies_and_less_where_faces_are_hidden():
    asked = Asked()
    wide = np.zeros((20, 40, 3), np.uint8)

    AlsoTurned(asked).find(wide)
    AlsoTurned(asked).believing().find(wide)

    told, hidden = [(HOLDS, False), *[(HOLDS_LYING, True)] * 2], [(BELIEVED, False), *[(BELIEVED, True)] * 2]
    assert told + hidden == asked.log
    assert BELIEVED < HOLDS < HOLDS_LYING


def test_a_picture_of_one_point_shows_nobody(finder: AlsoTurned):
    assert not len(finder.find(np.zeros((1, 1, 3), np.uint8)))


@pytest.mark.parametrize("turns", [1, 3])
def test_a_box_is_turned_back_with_its_picture(turns: int):
    """A white box stays around what is white."""
    picture = np.zeros((40, 60), np.uint8)
    picture[5:12, 20:50] = 255
    rows, columns = np.nonzero(np.rot90(picture, turns))
    turned = np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 0.9]], np.float64)

    assert [[20, 5, 50, 12, 0.9]] == turned_back(turned, turns, (60, 40)).tolist()
