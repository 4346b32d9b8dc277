"""Proposals: which recordings to compare with, and where, by counting words that agree on one change and one lag.

The index is whatever the caller has: a function that is asked for words and answers with postings. Everything here is
arithmetic on that answer.
"""

from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.duplicates import company
from capture_validation.duplicates.audio_words import DOUBT, FRAMES, HEIGHT_LEVELS, SPAN_LEVELS, Triples, words
from capture_validation.duplicates.company import BLOCK, FEWEST, HIGHER, LONGER, Hits
from capture_validation.duplicates.compiled import LARGE, WORTH_IT
from capture_validation.duplicates.lists import Find, Integers, once, stretches


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

    `bits`: how much these votes say, by how rare their words are.
    `first` and `last` are the frames of the new recording, at its own pace, in which the votes were cast.
    """

    votes: int
    bits: int
    recording: int
    lag: int
    warp: Warp
    first: int
    last: int


class Said(Struct, frozen=True):
    """What is said of lines, int64 (n,) each: which line and 12 s as one number, how many votes, how many bits."""

    key: Integers
    votes: Integers
    bits: Integers

    def where(self, chosen: Integers) -> "Said":
        """Only the chosen ones."""
        return Said(self.key[chosen], self.votes[chosen], self.bits[chosen])


SPEED = [1 + sign * step * 0.012 for step in range(1, 5) for sign in (1, -1)]
TEMPO = [0.95, 0.975, 1.025, 1.05]
PITCH = [2 ** (step / 24) for step in (-4, -3, -2, -1, 1, 2, 3, 4)]
#: Unchanged, and the grid of changes: speed to ± 4.8 % in steps that an alignment bridges, tempo ± 5 %, ± 2 semitones.
PLAIN = (Warp(),)
GRID = (*(Warp(a, a) for a in SPEED), *(Warp(time=a) for a in TEMPO), *(Warp(pitch=b) for b in PITCH))

#: Votes within 3 frames of one lag count together; a recording that is shorter than two blocks is counted as a whole.
LAG, WHOLE = 3, 1550
#: Lags and changes of one recording that are compared for 12 s: whoever is held many times, or talks over somebody,
#: leaves room for others.
EACH = 4
#: Where more places than are compared have two votes, or three, they have them by chance, and it takes so many bits
#: more than the best that is not compared.
LUCK, CLEARLY = 3, 3
#: A minute asks for one word so often at most, whatever is repeated in it.
REPEATED = 12
#: A word belongs to a change when its height differs from it by less than 2 % and its duration by less than 35 %.
NEAR_PITCH, NEAR_TIME = 0.02, 0.3
#: How many lags, blocks and changes there are, at most.
LAGS, BLOCKS, WARPS = 1 << 18, 1 << 9, 1 << 5


def look_up(triples: Triples, find: Find, doubt: float = DOUBT, least: int = 0) -> Hits:
    """Ask an index for the words of a new recording.

    Words with which no others agree are left out, or so few that `least` bits are not said.
    """
    asked = words(triples, doubt).first(REPEATED)
    lists = find(asked.word)
    if lists.postings_held < LARGE * len(asked.word):
        return company.in_company(asked, lists, least)
    from capture_validation.duplicates import counting

    WORTH_IT.set()
    return counting.in_company(asked, lists, least)


def propose(
    hits: Hits, frames: int, warps: tuple[Warp, ...] = PLAIN, most: int = 8, least: int = 0, each: int = EACH
) -> list[Proposal]:
    """The (recording, lag, warp) for which most is said in every 12 s, at most `most` each, in order.

    `frames`: length of the new recording. `least`: bits below which nothing is proposed. `each`: so of one recording.
    """
    if not len(hits.own):
        return []
    block = BLOCK if frames > WHOLE else frames + 1
    if WORTH_IT.is_set():
        from capture_validation.duplicates import voting

        said, recordings = voting.said(hits, warps, block, least)
    else:
        said, recordings = said_of(hits, warps, block, least)
    return _best(said, recordings, warps, (block, frames), (most, each)) if len(said.key) else []


class Explanations(Struct, frozen=True):
    """Which changes explain which difference of height and duration.

    `begin`, `size`: int64 (levels,), the stretch of `number`, int64 (n,), indices of changes, that belongs to a level.
    `pace`: float64 (changes,), how much faster each plays.
    """

    begin: Integers
    size: Integers
    number: Integers
    pace: NDArray[np.float64]


@cache
def explanations(warps: tuple[Warp, ...]) -> Explanations:
    """What explains a height and a duration, worked out once; see `level`."""
    time, pitch = np.log([(warp.time, warp.pitch) for warp in warps]).T[:, :, None]
    height, span = np.arange(-HIGHER, HIGHER + 1) / HEIGHT_LEVELS, np.arange(-LONGER, LONGER + 1) / SPAN_LEVELS
    near = (np.abs(height - pitch) < NEAR_PITCH)[:, :, None] & (np.abs(span - time) < NEAR_TIME)[:, None]
    level, number = np.nonzero(near.reshape(len(warps), -1).T)
    size = np.bincount(level, minlength=near[0].size)
    pace = np.array([warp.time for warp in warps])
    return Explanations(np.cumsum(size) - size, size, np.ascontiguousarray(number), pace)


def level(height: Any, span: Any) -> Any:
    """A difference of height and duration as one number, of arrays or, compiled in `voting`, of one word."""
    return (height + HIGHER) * (2 * LONGER + 1) + span + LONGER


def lag_of(there: Any, own: Any) -> Any:
    """The lag between a frame there and one here, at the pace of the held recording: a number from 0."""
    return (there - own) // LAG + LAGS // 2


def vote_at(recording: Any, warp: Any, lag: Any, own: Any) -> Any:
    """A recording, a change, a lag and a frame as one number; the first three are a line."""
    return ((recording * WARPS + warp) * LAGS + lag) * FRAMES + own


def place_of(heard: Any, block: Any) -> Any:
    """The line and the block of a vote as one number; that of the next lag is `BLOCKS` more."""
    return heard // FRAMES * BLOCKS + heard % FRAMES // block


def said_of(hits: Hits, warps: tuple[Warp, ...], block: int, least: int) -> tuple[Said, Integers]:
    """Votes per line and block from distinct frames, and what they say: one landmark with many words has one vote.

    Lines are of recordings by their place among those that are given too.
    """
    recordings = once(hits.recording)
    known = explanations(warps)
    levels = level(hits.height, hits.span)
    number = known.number[stretches(known.begin[levels], known.size[levels])]
    hit = np.repeat(np.arange(len(levels)), known.size[levels])
    own = hits.own[hit]
    lag = lag_of(hits.there[hit], np.rint(own * known.pace[number]).astype(np.int64))
    heard = vote_at(np.searchsorted(recordings, hits.recording)[hit], number, lag, own)
    heard, rarity = _accompanied(heard, hits.rarity[hit])
    place = place_of(heard, block)
    first = np.flatnonzero(np.diff(place, prepend=-1))
    if not len(first):
        return Said(first, first, first), recordings
    said = Said(place[first], np.diff(first, append=len(place)), np.add.reduceat(rarity, first))
    return _enough(said, least), recordings


def _enough(said: Said, least: int) -> Said:
    """What has enough votes and bits, together with the next lag: a true one may lie on the edge of two cells."""
    after = np.searchsorted(said.key, said.key + BLOCKS)
    beside = np.minimum(after, len(said.key) - 1)
    same = said.key[beside] == said.key + BLOCKS
    votes, bits = (part + np.where(same, part[beside], 0) for part in (said.votes, said.bits))
    return Said(said.key, votes, bits).where(np.flatnonzero((votes >= FEWEST) & (bits >= least)))


def _accompanied(heard: Integers, rarity: Integers) -> tuple[Integers, Integers]:
    """Each frame of a line once, in order, with its rarest word; what has nobody near is no vote."""
    order = np.argsort(heard)
    heard, rarity = heard[order], rarity[order]
    first = np.flatnonzero(np.diff(heard, prepend=-1))
    heard, rarity = heard[first], np.maximum.reduceat(rarity, first)
    apart = np.diff(heard, prepend=-2 * FRAMES, append=heard[-1:] + 2 * FRAMES) >= 2 * FRAMES
    near = np.flatnonzero(~(apart[:-1] & apart[1:]))
    return heard[near], rarity[near]


def _best(
    said: Said, recordings: Integers, warps: tuple[Warp, ...], sizes: tuple[int, int], many: tuple[int, int]
) -> list[Proposal]:
    (block, frames), (most, each) = sizes, many
    key, votes, bits = said.key, said.votes, said.bits
    order = np.lexsort((key, -bits))
    within = key[order] % BLOCKS
    out: list[Proposal] = []
    for one in once(within):
        own = order[within == one]
        own = own if len(own) <= each else own[few_of(key[own] // BLOCKS // LAGS // WARPS, each)]
        if len(own) > most and votes[own[most]] <= LUCK:
            own = own[bits[own] >= bits[own[most]] + CLEARLY]
        for i in own[:most]:
            rest, lag = divmod(int(key[i]) // BLOCKS, LAGS)
            recording, warp = divmod(rest, WARPS)
            first, last = int(one) * block, min((int(one) + 1) * block, frames)
            where = (lag - LAGS // 2) * LAG + 2
            own_said = int(votes[i]), int(bits[i]), int(recordings[recording])
            out.append(Proposal(*own_said, where, warps[warp], first, last))
    return sorted(out, key=lambda proposal: -proposal.bits)


def few_of(owner: Integers, most: int) -> NDArray[np.bool_]:
    """Which of several are among the first so many of their owner, in order."""
    order = np.argsort(owner, kind="stable")
    grouped = owner[order]
    few = np.empty(len(owner), np.bool_)
    few[order] = np.arange(len(owner)) - np.searchsorted(grouped, grouped) < most
    return few
