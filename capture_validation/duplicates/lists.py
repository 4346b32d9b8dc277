"""Inverted lists: the answer of an index, which is asked for words and says where each was heard or seen."""

from collections.abc import Callable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

Integers = NDArray[np.int64]


class Postings(Struct, frozen=True):
    """An answer spread out: `asked` is the position of the word in the question, int64 (n,).

    `recording`: int64 (n,), numbers below 2³¹ that mean something to the caller. `place`: int64 (n,), what was posted
    beside the word.
    """

    asked: Integers
    recording: Integers
    place: Integers


class Lists(Struct, frozen=True):
    """The answer of an index as it lies: one list after another, in any order.

    `word`, `size`: int64 (lists,), the words that have a list, and how long it is; a long list lies on several pages,
    each of which is a list of that word. `pieces`: int32 (n, 2) each, for each posting the number of the recording, and
    what was posted beside the word; no list lies in two of them. A database answers in big-endian pieces, which are
    megabytes and are read where they lie.
    """

    word: Integers
    size: Integers
    pieces: tuple[NDArray[np.int32], ...]

    @property
    def postings_held(self) -> int:
        """How many postings all lists have."""
        return sum(map(len, self.pieces))

    def stretches(self, asked: Integers) -> tuple[Integers, Integers, Integers]:
        """Where the lists of the words asked for lie, int64 (n,): the position of the word, the beginning, the size."""
        order = np.argsort(self.word, kind="stable")
        first, last = (np.searchsorted(self.word, asked, side, order) for side in ("left", "right"))
        at = order[stretches(first, last - first)]
        begin = np.cumsum(self.size) - self.size
        return np.repeat(np.arange(len(asked)), last - first), begin[at], self.size[at]

    def postings(self, asked: Integers) -> Postings:
        """Say of each posting which word of the question it answers; who asks twice is answered twice."""
        which, begin, size = self.stretches(asked)
        held = np.concatenate((np.zeros((0, 2), np.int32), *self.pieces))
        found = held[stretches(begin, size)].astype(np.int64)
        return Postings(np.repeat(which, size), found[:, 0], found[:, 1])


#: Answers words, each of which is asked for once and in order.
Find = Callable[[Integers], Lists]


class Once:
    """An index that is asked for no word twice: it answers with everything it has answered so far."""

    def __init__(self, find: Find) -> None:
        self._find = find
        self._asked = np.zeros(0, np.int64)
        self._lists = Lists(np.zeros(0, np.int64), np.zeros(0, np.int64), ())

    def __call__(self, asked: Integers) -> Lists:
        """The lists of these words, and of those that were asked for before."""
        asked = once(asked)
        known = self._asked[np.searchsorted(self._asked[:-1], asked)] if len(self._asked) else np.full_like(asked, -1)
        new = asked[known != asked]
        if len(new):
            self._asked = np.sort(np.concatenate((self._asked, new)))
            self._lists = joined(self._lists, self._find(new))
        return self._lists


def once(words: Integers) -> Integers:
    """Every word once, in order: faster for the few thousand that are asked for than `numpy.unique`, which hashes."""
    words = np.sort(words)
    first = np.empty(len(words), np.bool_)
    first[:1], first[1:] = True, words[1:] != words[:-1]
    return words[first]


def joined(one: Lists, two: Lists) -> Lists:
    """Two answers as one."""
    if not len(one.word):
        return two
    word, size = np.concatenate((one.word, two.word)), np.concatenate((one.size, two.size))
    return Lists(word, size, one.pieces + two.pieces)


def stretches(begin: Integers, size: Integers) -> Integers:
    """The numbers of several stretches, one after another: begin, begin + 1, … as many as its size."""
    return np.repeat(begin - np.cumsum(size) + size, size) + np.arange(int(size.sum()))
