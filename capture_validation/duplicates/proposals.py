"""Proposals: which recordings to compare with, and where, by counting words that agree on one change and one lag.

The index is whatever the caller has: a function that is asked for words and answers with postings. Everything here is
arithmetic on that answer.
"""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates.audio_words import (
    DOUBT,
    HEIGHT_LEVELS,
    SPAN_LEVELS,
    Integers,
    Numbers,
    Triples,
    frame_of,
    height_of,
    span_of,
    words,
)


class Postings(Struct, frozen=True):
    """The answer of an index: `asked` is the position of the word in the question, integers (n,).

    `recording`: integers (n,), numbers below 2³¹ that mean something to the caller. `place`: integers (n,), what was
    posted beside the word.
    """

    asked: Numbers
    recording: Numbers
    place: Numbers


Find = Callable[[Integers], Postings]


class Warp(Struct, frozen=True):
    """A change to look for: the copy plays `time` times faster and sounds `pitch` times higher."""

    time: float = 1.0
    pitch: float = 1.0

    @property
    def plain(self) -> bool:
        """Whether nothing was changed."""
        return self.time == self.pitch == 1.0


class Proposal(Struct, frozen=True):
    """A recording and a lag (frames of 16 ms, held minus new at the held one's pace) with its votes.

    `first` and `last` are the frames of the new recording, at its own pace, in which the votes were cast.
    """

    votes: int
    recording: int
    lag: int
    warp: Warp
    first: int
    last: int


SPEED = [1 + sign * step * 0.012 for step in range(1, 5) for sign in (1, -1)]
TEMPO = [0.95, 0.975, 1.025, 1.05]
PITCH = [2 ** (step / 24) for step in (-4, -3, -2, -1, 1, 2, 3, 4)]
#: Unchanged, and the grid of changes: speed to ± 4.8 % in steps that an alignment bridges, tempo ± 5 %, ± 2 semitones.
PLAIN = (Warp(),)
GRID = (*(Warp(a, a) for a in SPEED), *(Warp(time=a) for a in TEMPO), *(Warp(pitch=b) for b in PITCH))

#: Votes within 3 frames of one lag count together, and votes of 12 s; a shorter recording is counted as a whole.
LAG, BLOCK, WHOLE = 3, 744, 1550
#: One word is luck; two that agree on recording, lag and change may be all that a bad copy has. Where more places
#: than can be compared have two votes, or three, they have them by chance, and it takes more.
FEWEST, LUCK = 2, 3
#: A minute asks for one word so often at most, whatever is repeated in it.
REPEATED = 12
#: A word belongs to a change when its height differs from it by less than 2 % and its duration by less than 35 %.
NEAR_PITCH, NEAR_TIME = 0.02, 0.3
#: No copy is moved further than 2 semitones and a little, or stretched by more than two levels of duration: what a
#: change of tempo, the rounding on both sides and a frame more or less amount to.
HIGHER, LONGER = int(0.135 * HEIGHT_LEVELS), 2
#: Lags (0.77 s) and heights (4.4 %) within which a word needs company before it is looked at closely. The table in
#: which company is counted has four cells a word, so that it fits into a processor's cache for as long as it can.
ROUGH_LAG, ROUGH_HEIGHT, ROUGH_CELLS = 48, 4, 4
_LAGS, _BLOCKS, _WARPS = 1 << 18, 1 << 9, 1 << 5


class Hits(Struct, frozen=True):
    """Words of a new recording that a held one has too, int64 (n,) each.

    `own`: when it was heard here, `there`: when it was heard there, frames. `height` and `span`: by how many levels the
    new one is higher, and the held one longer.
    """

    recording: Integers
    own: Integers
    there: Integers
    height: Integers
    span: Integers

    def where(self, chosen: NDArray[np.bool_] | Integers) -> "Hits":
        """Only the chosen ones."""
        when = self.own[chosen], self.there[chosen]
        return Hits(self.recording[chosen], *when, self.height[chosen], self.span[chosen])


def look_up(triples: Triples, find: Find) -> Hits:
    """Ask an index for the words of a new recording; words that nothing else agrees with are left out."""
    asked = words(triples, DOUBT).first(REPEATED)
    hits = _possible(asked.place.astype(np.int32), find(asked.word))
    block = hits.own // BLOCK
    return joined([_in_company(hits.where(block == one)) for one in np.unique(block)])


def _possible(asked: Numbers, found: Postings) -> Hits:
    """What may be a copy by its height and duration; `asked` is what belongs to the words of the question.

    A large index answers a minute with a million words, so no more than has to be is done for each of them.
    """
    height = height_of(asked)[found.asked] - height_of(found.place)
    near = np.flatnonzero(np.abs(height) <= HIGHER)
    here, there = asked[found.asked[near]].astype(np.int64), found.place[near].astype(np.int64)
    span = span_of(there) - span_of(here)
    when = frame_of(here), frame_of(there)
    hits = Hits(found.recording[near].astype(np.int64), *when, height[near].astype(np.int64), span)
    return hits.where(np.abs(span) <= LONGER)


def _in_company(hits: Hits) -> Hits:
    """Those of one block that have company near their lag and height.

    Company is counted in a table in which strangers meet by chance; few of them meet in two tables.
    """
    for salt in (0x9E3779B1, 0x85EBCA6B):
        hits = hits.where(_company(hits, salt, 0) | _company(hits, salt, 1))
    return hits


def _company(hits: Hits, salt: int, shift: int) -> NDArray[np.bool_]:
    lag = (hits.there - hits.own + _LAGS + shift * ROUGH_LAG // 2) // ROUGH_LAG
    height = (hits.height + 64 + shift * ROUGH_HEIGHT // 2) // ROUGH_HEIGHT
    key = ((hits.recording << 20) + (lag << 6) + height) * salt
    cell = (key >> 24) & ((1 << (ROUGH_CELLS * len(key)).bit_length()) - 1)
    return np.asarray(np.bincount(cell, minlength=1)[cell] >= FEWEST, bool)


def joined(parts: Sequence[Hits]) -> Hits:
    """Hits of several blocks as one."""
    columns = [(part.recording, part.own, part.there, part.height, part.span) for part in parts]
    recording, own, there, height, span = np.concatenate([np.zeros((5, 0), np.int64), *map(np.array, columns)], axis=1)
    return Hits(recording, own, there, height, span)


def propose(hits: Hits, frames: int, warps: Sequence[Warp] = PLAIN, most: int = 8) -> list[Proposal]:
    """The most voted (recording, lag, warp) of every 12 s, at most `most` each, in order of votes.

    `frames`: length of the new recording.
    """
    block = BLOCK if frames > WHOLE else frames + 1
    recordings, index = np.unique(hits.recording, return_inverse=True)
    time, pitch = np.array([(warp.time, warp.pitch) for warp in warps]).T[:, :, None]
    number, hit = np.nonzero(
        (np.abs(hits.height / HEIGHT_LEVELS - np.log(pitch)) < NEAR_PITCH)
        & (np.abs(hits.span / SPAN_LEVELS - np.log(time)) < NEAR_TIME)
    )
    own = hits.own[hit]
    lag = (hits.there[hit] - np.rint(own * time[number, 0]).astype(np.int64)) // LAG + _LAGS // 2
    place = ((index[hit] * _WARPS + number) * _LAGS + lag) * _BLOCKS + own // block
    key, votes = _count(place, own)
    return _best(key, votes, recordings, warps, (block, frames), most)


def _count(place: Integers, own: Integers) -> tuple[Integers, Integers]:
    """Votes per place from distinct frames: one landmark with many words has one vote."""
    order = np.lexsort((own, place))
    place, own = place[order], own[order]
    new = np.ones(len(place), bool)
    new[1:] = (place[1:] != place[:-1]) | (own[1:] != own[:-1])
    key, votes = np.unique(place[new], return_counts=True)
    if not len(key):
        return key, votes
    # A true lag may lie on the edge of two cells.
    after = np.searchsorted(key, key + _BLOCKS)
    beside = np.minimum(after, len(key) - 1)
    return key, votes + np.where(key[beside] == key + _BLOCKS, votes[beside], 0)


def _best(
    key: Integers, votes: Integers, recordings: Integers, warps: Sequence[Warp], sizes: tuple[int, int], most: int
) -> list[Proposal]:
    block, frames = sizes
    order = np.lexsort((key, -votes))
    order = order[votes[order] >= FEWEST]
    within = key[order] % _BLOCKS
    out: list[Proposal] = []
    for one in np.unique(within):
        own = order[within == one]
        if len(own) > most and (least := votes[own[most]]) <= LUCK:
            own = own[votes[own] > least]
        for i in own[:most]:
            rest, lag = divmod(int(key[i]) // _BLOCKS, _LAGS)
            recording, warp = divmod(rest, _WARPS)
            first, last = int(one) * block, min((int(one) + 1) * block, frames)
            where = (lag - _LAGS // 2) * LAG + 2
            out.append(Proposal(int(votes[i]), int(recordings[recording]), where, warps[warp], first, last))
    return sorted(out, key=lambda proposal: -proposal.votes)
