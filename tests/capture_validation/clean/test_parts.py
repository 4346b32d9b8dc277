"""The parts of a rendition: time, places and choices, each by itself."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_validation.clean import Choices
from capture_validation.clean.choices import MOST_SPANS, checked, joined
from capture_validation.clean.cover import AROUND_S, Cover
from capture_validation.clean.hiding import CELLS, hide
from capture_validation.clean.left_over import LeftOver
from capture_validation.clean.timeline import Timeline
from capture_validation.errors import ChoicesInvalid
from capture_validation.report import Span
from capture_validation.xray.findings import Box

SPANS = st.lists(
    st.tuples(st.integers(0, 100_000), st.integers(1, 10_000)).map(
        lambda pair: Span(pair[0] / 1000, (pair[0] + pair[1]) / 1000)
    ),
    max_size=10,
).map(tuple)


@given(SPANS, st.integers(0, 120_000).map(lambda moment: moment / 1000))
def test_a_moment_that_stays_is_found_again(spans: tuple[Span, ...], at_s: float):
    """There and back; and no moment of the rendition is before the one that was before it."""
    timeline = Timeline(joined(spans))
    moved = timeline.moved(at_s)

    assert 0 <= moved <= at_s
    assert timeline.moved(at_s + 1) >= moved - 1e-9
    if timeline.keeps(at_s):
        assert timeline.original(moved) == pytest.approx(at_s, abs=1e-6)


@given(SPANS)
def test_joined_spans_are_in_order_and_apart(spans: tuple[Span, ...]):
    together = joined(spans)

    assert all(one.end_s < other.start_s for one, other in pairwise(together))
    assert all(any(one.start_s <= span.start_s and span.end_s <= one.end_s for one in together) for span in spans)


@pytest.mark.parametrize(
    "span", [Span(-1, 2), Span(2, 2), Span(3, 2), Span(0, float("inf")), Span(float("nan"), 1), Span(0, 1e9)]
)
def test_a_stretch_that_is_none_is_refused(span: Span):
    with pytest.raises(ChoicesInvalid):
        checked(Choices(mute=(span,)))


def test_too_many_stretches_are_refused():
    with pytest.raises(ChoicesInvalid):
        checked(Choices(drop=tuple(Span(2.0 * n, 2.0 * n + 1) for n in range(MOST_SPANS + 1))))


def test_a_face_is_covered_between_two_looks_where_it_must_have_been():
    """It moves from left to right; at half time it is in the middle."""
    cover = Cover([Box(1.0, 0.1, 0.4, 0.2, 0.5), Box(1.2, 0.18, 0.4, 0.28, 0.5)], margin=0.0)

    (place,) = cover.at(1.1)

    assert [0.14, 0.4, 0.24, 0.5] == pytest.approx(place.tolist())
    assert 1 == len(cover.tracks)


def test_a_face_is_covered_before_its_first_and_after_its_last_look():
    cover = Cover([Box(1.0, 0.1, 0.1, 0.2, 0.2), Box(1.6, 0.1, 0.1, 0.2, 0.2)])

    assert [0, 1, 1, 1, 1, 0] == [
        len(cover.at(at_s))
        for at_s in (0.9 - AROUND_S, 1.01 - AROUND_S, 1.0, 1.3, 1.59 + AROUND_S, 1.7 + AROUND_S)
    ]  # fmt: skip


def test_two_faces_that_pass_each_other_are_both_covered():
    """Whoever is taken for whom: every place that was seen is hidden at its moment."""
    boxes = [
        box
        for step in range(11)
        for box in (
            Box(step / 5, 0.05 * step, 0.4, 0.05 * step + 0.1, 0.5),
            Box(step / 5, 0.5 - 0.05 * step, 0.4, 0.6 - 0.05 * step, 0.5),
        )
    ]
    cover = Cover(boxes)

    for box in boxes:
        middle = (box.left + box.right) / 2
        assert any(place[0] <= middle <= place[2] for place in cover.at(box.at_s))


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.sampled_from(["blur", "box", "fill"]))
def test_nothing_outside_of_a_place_changes(a: float, b: float, c: float, d: float, how: str):
    """And within it little is left: a box is one value, a blur runs between few."""
    rng = np.random.default_rng(1)
    planes = tuple(rng.integers(0, 256, size, np.uint8) for size in ((48, 64), (24, 32), (24, 32)))
    before = [plane.copy() for plane in planes]
    place = np.array([min(a, b), min(c, d), max(a, b), max(c, d)])

    hide(planes, [place], how)  # type: ignore[arg-type]

    for plane, old in zip(planes, before, strict=True):
        height, width = plane.shape
        left, top = int(place[0] * width), int(place[1] * height)
        right, bottom = int(np.ceil(place[2] * width)), int(np.ceil(place[3] * height))
        outside = np.ones(plane.shape, bool)
        outside[top:bottom, left:right] = False
        assert np.array_equal(plane[outside], old[outside])
        if how == "box" and plane[~outside].size:
            assert 1 == len(set(plane[~outside].tolist()))


def test_a_blurred_face_is_a_handful_of_numbers():
    """Averaged again over the cells, the blurred place has no detail that the cells do not have."""
    checkered = (np.indices((64, 64)).sum(axis=0) % 2 * 255).astype(np.uint8)
    planes = (checkered, checkered[:32, :32].copy(), checkered[:32, :32].copy())

    hide(planes, [np.array([0.0, 0.0, 1.0, 1.0])], "blur")

    assert CELLS == 4
    assert planes[0].std() < 2


def test_a_filled_place_has_nothing_of_itself_and_no_edges():
    """What it looks like follows from its rim: another inside gives the same picture, and a ramp goes on through it."""
    ramp = np.tile(np.linspace(40, 200, 64).round().astype(np.uint8), (48, 1))
    filled = []
    for inside in (0, 255):
        planes = tuple(plane.copy() for plane in (ramp, ramp[::2, ::2], ramp[::2, ::2]))
        planes[0][12:36, 16:48] = inside
        hide(planes, [np.array([0.25, 0.25, 0.75, 0.75])], "fill")  # type: ignore[arg-type]
        filled.append(planes[0])

    assert np.array_equal(*filled)
    assert np.abs(filled[0].astype(int) - ramp).max() < 30


def test_a_place_as_large_as_the_picture_has_no_rim_and_one_colour():
    planes = tuple(np.arange(size, dtype=np.uint8).reshape(8, -1) for size in (128, 64, 64))

    hide(planes, [np.array([0.0, 0.0, 1.0, 1.0])], "fill")  # type: ignore[arg-type]

    assert [1, 1, 1] == [len(set(plane.flatten().tolist())) for plane in planes]


def test_what_stays_is_shown_no_more_around_its_moments():
    """Moments next to each other are one gap; what was filled before stays filled."""
    boxes = [Box(at_s, 0.1, 0.1, 0.2, 0.2) for at_s in (0.0, 2.0, 2.5, 9.0)]
    left_over = LeftOver().filled(boxes[:1]).blanked(boxes[1:3]).blanked(boxes[3:])

    assert tuple(boxes[:1]) == left_over.boxes
    assert (Span(1.25, 3.25), Span(8.25, 9.75)) == left_over.blank
    assert [False, True, False] == [left_over.hides_all(at_s) for at_s in (1.0, 2.2, 3.3)]
