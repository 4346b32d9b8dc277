"""Proposals: which recordings to compare with, and where, by counting words that agree on one offset.

The index is whatever the caller has: a function that is asked for words and answers with postings. Everything here is
arithmetic on that answer.
"""

from collections.abc import Callable, Sequence

import numpy as np
from msgspec import Struct

from capture_validation.duplicates.audio_words import Integers, Triples, words


class Postings(Struct, frozen=True):
    """The answer of an index: `asked` is the position of the word in the question, int64 (n,).

    `recording`: int64 (n,), numbers below 2²² that mean something to the caller. `frame`: int64 (n,), units of 16 ms.
    """

    asked: Integers
    recording: Integers
    frame: Integers


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
#: Unchanged, and the grid of changes: speed to ± 4.8 % in steps that words tolerate, tempo ± 5 %, ± 2 semitones.
PLAIN = (Warp(),)
GRID = (*(Warp(a, a) for a in SPEED), *(Warp(time=a) for a in TEMPO), *(Warp(pitch=b) for b in PITCH))

#: Votes within 3 frames of one lag count together, and votes of 12 s; a shorter recording is counted as a whole.
LAG, BLOCK, WHOLE = 3, 744, 1550
#: One word is luck, and so are two that cross by chance in a large index; two may be all that a bad copy has.
FEWEST = 2
_LAGS, _BLOCKS, _WARPS = 1 << 18, 1 << 9, 1 << 5


def propose(
    triples: Triples, frames: int, find: Find, warps: Sequence[Warp] = PLAIN, doubts: int = 6, most: int = 8
) -> list[Proposal]:
    """The most voted (recording, lag, warp) of every 12 s, at most `most` each, in order of votes.

    `frames`: length of the new recording. `doubts`: see `audio_words.words`.
    """
    block = BLOCK if frames > WHOLE else frames + 1
    asked = [words(triples, warp.time, warp.pitch, doubts) for warp in warps]
    number = np.repeat(np.arange(len(warps)), [len(part.word) for part in asked])
    pace = np.array([warp.time for warp in warps])[number]
    frame = np.concatenate([part.frame for part in asked])
    found = find(np.concatenate([part.word for part in asked]))
    if not len(found.asked):
        return []
    at = frame[found.asked]
    own = np.rint(at / pace[found.asked]).astype(np.int64)
    lag = (found.frame - at) // LAG + _LAGS // 2
    place = (found.recording * _WARPS + number[found.asked]) * _LAGS + lag
    key, votes = _count(place * _BLOCKS + own // block, own)
    return _best(key, votes, warps, block, frames, most)


def _count(place: Integers, own: Integers) -> tuple[Integers, Integers]:
    """Votes per place from distinct frames: one landmark with many words has one vote."""
    order = np.lexsort((own, place))
    place, own = place[order], own[order]
    new = np.ones(len(place), bool)
    new[1:] = (place[1:] != place[:-1]) | (own[1:] != own[:-1])
    key, votes = np.unique(place[new], return_counts=True)
    # A true lag may lie on the edge of two cells.
    after = np.searchsorted(key, key + _BLOCKS)
    beside = np.minimum(after, len(key) - 1)
    return key, votes + np.where(key[beside] == key + _BLOCKS, votes[beside], 0)


def _best(key: Integers, votes: Integers, warps: Sequence[Warp], block: int, frames: int, most: int) -> list[Proposal]:
    order = np.lexsort((key, -votes))
    order = order[votes[order] >= FEWEST]
    within = key[order] % _BLOCKS
    out: list[Proposal] = []
    for one in np.unique(within):
        for i in order[within == one][:most]:
            rest, lag = divmod(int(key[i]) // _BLOCKS, _LAGS)
            recording, warp = divmod(rest, _WARPS)
            first, last = int(one) * block, min((int(one) + 1) * block, frames)
            where = (lag - _LAGS // 2) * LAG + 2
            out.append(Proposal(int(votes[i]), recording, where, warps[warp], first, last))
    return sorted(out, key=lambda proposal: -proposal.votes)
