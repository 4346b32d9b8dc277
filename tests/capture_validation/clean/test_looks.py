"""What moves is looked at more often, and what stays is not."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pytest

from capture_validation.clean.cover import Cover
from capture_validation.clean.looks import LOOK_EVERY_S, MORE_AT_FIRST, MORE_EACH, Looks
from capture_validation.xray.faces import NOTHING, Picture, Squares
from capture_validation.xray.looking import Looker

RATE, SIDE = 30, 40
Scene = Callable[[float], Picture]


class White:
    """Finds what is white in a picture, and misses it every so many looks."""

    name = "white"

    def __init__(self, misses: int = 0) -> None:
        self.looks, self.misses = 0, misses

    def find(self, picture: Picture) -> Squares:
        self.looks += 1
        rows, columns = np.nonzero((picture == 255).all(axis=2))
        if not len(rows) or (self.misses and self.looks % self.misses == 0):
            return NOTHING
        return np.array([[columns.min(), rows.min(), columns.max() + 1, rows.max() + 1, 1.0]], np.float64)


def scene(left: float | None, ground: int = 90) -> Picture:
    """A picture of one grey, and a white square where its left side is, if anywhere."""
    picture = np.full((180, 320, 3), ground, np.uint8)
    if left is not None:
        picture[60 : 60 + SIDE, max(round(left), 0) : max(round(left) + SIDE, 0)] = 255
    return picture


def bare(shown: Scene, seconds: float, finder: White) -> list[float]:
    """The moments at which the middle of the white square is not covered."""
    times = np.arange(round(seconds * RATE)) / RATE
    looks = Looks(Looker("faces", finder, LOOK_EVERY_S))
    for at_s in times:
        looks.take(float(at_s), partial(shown, at_s))
    cover = Cover(looks.finish())
    return [float(at_s) for at_s in times if not covered(cover, float(at_s), White().find(shown(at_s)))]


def covered(cover: Cover, at_s: float, square: Squares) -> bool:
    if not len(square) or square[0, 2] - square[0, 0] < SIDE / 2:
        return True
    x, y = (square[0, 0] + square[0, 2]) / 2 / 320, (square[0, 1] + square[0, 3]) / 2 / 180
    return any(place[0] <= x <= place[2] and place[1] <= y <= place[3] for place in cover.at(at_s))


@pytest.mark.parametrize("sizes_a_second", [1, 5, 12])
def test_whoever_runs_through_the_picture_is_covered_all_the_way(sizes_a_second: int):
    def shown(at_s: float) -> Picture:
        return scene(-SIDE + sizes_a_second * SIDE * at_s)

    assert [] == bare(shown, 2.0, White())


def test_what_is_shown_for_a_moment_between_two_looks_is_seen():
    """Three pictures of another place, a tenth of a second after a look."""

    def shown(at_s: float) -> Picture:
        return scene(100, 150) if 0.49 < at_s < 0.59 else scene(None)

    assert [] == bare(shown, 1.0, White())


def test_what_stays_is_looked_at_as_often_as_is_due_though_it_is_missed_now_and_then():
    finder = White(misses=2)

    assert [] == bare(lambda _: scene(100), 2.0, finder)
    assert finder.looks == 2.0 / LOOK_EVERY_S + 1  # and the last picture


def test_a_scene_that_never_comes_to_rest_costs_so_many_looks_and_no_more():
    finder = White()

    bare(lambda at_s: scene(None, 40 if round(at_s * RATE) % 2 else 200), 10.0, finder)

    assert finder.looks <= 10.0 / LOOK_EVERY_S * (1 + MORE_EACH) + MORE_AT_FIRST + 1


def test_what_was_found_is_told_in_the_order_of_time():
    looks = Looks(Looker("faces", White(), LOOK_EVERY_S))
    for step in range(20):
        looks.take(step / RATE, partial(scene, 12.0 * step))

    moments = [box.at_s for box in looks.finish()]

    assert moments == sorted(moments)
    assert len(moments) > 20 / RATE / LOOK_EVERY_S + 1


def test_where_time_runs_back_is_looked_at():
    """A clock that jumped an hour ahead for one picture."""
    looker = Looker("faces", White(), LOOK_EVERY_S)
    looker.look(scene(None), 3600.0)

    assert looker.due(0.5)
    looker.look(scene(None), 0.5)
    assert not looker.due(0.55)
    assert looker.due(0.6)
