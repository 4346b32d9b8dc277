"""Pieces: where a new recording runs along a held one, and how short pieces of one recording add up.

Who cuts pauses and slips of the tongue out of a recording leaves pieces of a second or two, each at a lag of its own.
One of them proves little: a word that one voice says twice agrees as much. Several that lie apart, in both recordings,
are worth the root of their summed squares, as independent evidence is (Stouffer et al. 1949, weighed by length).
"""

import math
from collections.abc import Iterable

import numpy as np
from msgspec import Struct

from capture_validation.duplicates.alignment import Line
from capture_validation.duplicates.audio import FRAME_S
from capture_validation.duplicates.evidence import Aligned
from capture_validation.duplicates.proposals import Proposal
from capture_validation.report import Span

#: Seconds are whole where a piece begins and ends, so neighbours may share so much, frames.
SHARED = 19
#: What was gathered counts half: voices of one speech engine that read one text at two speeds reach 19.5, people who
#: read one twice nothing. Fewer seconds in all than this may be a ring tone that rang in both rooms.
GATHERED, LEAST_S = 0.5, 4.0


class Piece(Struct, frozen=True):
    """One aligned stretch: what its line says, and where.

    `first`: the frame of the new recording at which the line's frames begin. `held_s`: how long the recording is that
    it lies in. `alone`: whether it is long enough to be believed by itself.
    """

    proposal: Proposal
    line: Line
    evidence: float
    first: int
    held_s: float
    alone: bool = True

    @property
    def new(self) -> tuple[float, float]:
        """The frames of the new recording that were copied, as (first, one past the last)."""
        pace = self.proposal.warp.time
        return self.first + self.line.begin / pace, self.first + self.line.end / pace

    @property
    def held(self) -> tuple[float, float]:
        """The frames of the held recording that are the same."""
        return self.line.begin + self.line.lag, self.line.end + self.line.lag

    def aligned(self) -> Aligned:
        """What was copied, in seconds of both recordings: no more than is held, though seconds are whole."""
        line = self.line
        edges = np.array([line.begin, line.end])
        there = np.clip(edges + line.lag + line.slope * (edges - line.centre), 0, self.held_s / FRAME_S)
        edges = (there - line.lag + line.slope * line.centre) / (1 + line.slope)
        here = self.first + edges / self.proposal.warp.time
        new, held = (np.round(part * FRAME_S, 2).tolist() for part in (here, there))
        return Aligned(Span(*new), Span(*held))


def chain(pieces: Iterable[Piece]) -> list[Piece]:
    """Pieces of one recording that overlap neither here nor there, the strongest first, all changed alike."""
    out: list[Piece] = []
    for piece in sorted(pieces, key=lambda piece: -piece.evidence):
        if not out or (piece.proposal.warp == out[0].proposal.warp and all(_apart(piece, other) for other in out)):
            out.append(piece)
    return out


def _apart(one: Piece, two: Piece) -> bool:
    stretches = (one.new, two.new), (one.held, two.held)
    return all(a[1] <= b[0] + SHARED or b[1] <= a[0] + SHARED for a, b in stretches)


def gathered(pieces: list[Piece], short_most: float) -> float:
    """What the pieces of a chain are worth together, 0 where there is one.

    `short_most`: fewer seconds than `LEAST_S` are worth no more.
    """
    if len(pieces) < 2:
        return 0.0
    worth = GATHERED * math.hypot(*(piece.evidence for piece in pieces))
    seconds = sum(piece.new[1] - piece.new[0] for piece in pieces) * FRAME_S
    return worth if seconds >= LEAST_S else min(worth, short_most)
