"""Proposals: which recordings to compare with, and where, by counting words that agree on one change and one lag.

The index is whatever the caller has: a function that is asked for words and answers with postings. Everything here is
arithmetic on that answer.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from capture_validation.duplicates import company
from capture_validation.duplicates.audio_words import DOUBT, HEIGHT_LEVELS, SPAN_LEVELS, Triples, words
from capture_validation.duplicates.company import BLOCK, FEWEST, Hits
from capture_validation.duplicates.lists import Find, Integers


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

#: Votes within 3 frames of one lag count together; a recording that is shorter than two blocks is counted as a whole.
LAG, WHOLE = 3, 1550
#: Where more places than can be compared have two votes, or three, they have them by chance, and it takes more.
LUCK = 3
#: A minute asks for one word so often at most, whatever is repeated in it.
REPEATED = 12
#: A word belongs to a change when its height differs from it by less than 2 % and its duration by less than 35 %.
NEAR_PITCH, NEAR_TIME = 0.02, 0.3
#: Postings for each word asked for from which loops are compiled to count them: an index of a day of sound.
LARGE = 20
_LAGS, _BLOCKS, _WARPS = 1 << 18, 1 << 9, 1 << 5


def look_up(triples: Triples, find: Find) -> Hits:
    """Ask an index for the words of a new recording; words that nothing else agrees with are left out."""
    asked = words(triples, DOUBT).first(REPEATED)
    lists = find(asked.word)
    if len(lists.held) < LARGE * len(asked.word):
        return company.in_company(asked, lists)
    from capture_validation.duplicates import counting

    return counting.in_company(asked, lists)


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
