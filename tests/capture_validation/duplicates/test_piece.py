"""Pieces of one recording add up where they lie apart, here and there."""

import pytest

from capture_validation.duplicates.alignment import Line
from capture_validation.duplicates.audio import FRAME_S
from capture_validation.duplicates.piece import LEAST_S, SHARED, Piece, chain, gathered
from capture_validation.duplicates.proposals import Proposal, Warp

SECOND = round(1 / FRAME_S)


def piece(new_s: float, held_s: float, seconds: float = 1.5, evidence: float = 10.0, pace: float = 1.0) -> Piece:
    """A piece that begins so late here and there."""
    first, frames = round(new_s * SECOND), round(seconds * SECOND)
    line = Line(strength=evidence, share=1.0, slope=0.0, lag=round(held_s * SECOND), centre=frames / 2, first=0,
                last=frames, begin=0, end=frames)  # fmt: skip
    return Piece(Proposal(3, 40, 7, 0, Warp(time=pace), 0, 750), line, evidence, first, 60.0, alone=False)


def test_pieces_that_lie_apart_make_a_chain_the_strongest_first() -> None:
    apart = [piece(0, 0), piece(2, 3, evidence=20), piece(4, 6)]

    assert [20, 10, 10] == [one.evidence for one in chain(apart)]


@pytest.mark.parametrize("other", [piece(0.5, 20), piece(20, 0.5), piece(20, 20, pace=1.05)])
def test_what_overlaps_here_or_there_or_was_changed_otherwise_belongs_to_no_chain(other: Piece) -> None:
    """A sound that comes back is one sound, and nobody plays half of a recording faster."""
    strongest = piece(0, 0, evidence=20)

    assert [strongest] == chain([other, strongest])


def test_neighbours_may_share_a_moment() -> None:
    """Where a piece begins and ends is known to a part of a second."""
    one, shared_s = piece(0, 0), SHARED * FRAME_S

    assert 2 == len(chain([one, piece(1.5 - shared_s + 0.02, 5)]))
    assert 1 == len(chain([one, piece(1.5 - shared_s - 0.1, 5)]))


def test_pieces_are_worth_half_the_root_of_their_squares() -> None:
    assert 25.0 == pytest.approx(gathered([piece(0, 0, 3, evidence=30), piece(4, 9, 3, evidence=40)], short_most=8.0))


def test_few_seconds_are_worth_no_more_than_they_may_be() -> None:
    """A ring tone rings in two rooms."""
    short = [piece(0, 0, evidence=30), piece(4, 9, evidence=40)]
    assert 3.0 < LEAST_S

    assert 8.0 == gathered(short, short_most=8.0)
    assert 25.0 == pytest.approx(gathered(short, short_most=30.0))


def test_what_was_copied_is_told_in_seconds_of_both() -> None:
    told = piece(2, 9).aligned()

    assert (2.0, 3.5, 9.0, 10.5) == pytest.approx(
        (told.new.start_s, told.new.end_s, told.held.start_s, told.held.end_s), abs=0.1
    )
