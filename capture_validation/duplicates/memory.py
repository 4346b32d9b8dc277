"""An index in memory: what a laptop, a test or a benchmark needs, with the same answers as one in a database."""

import numpy as np
from numpy.typing import NDArray

from capture_validation.duplicates.audio_words import Words
from capture_validation.duplicates.lists import Integers, Lists, stretches

#: The first so many postings of a word are enough to find a recording that was sent ten thousand times, and a file
#: that was made to fill one list costs no more than that.
MOST_POSTINGS = 1000
#: Postings given in one answer; beyond it every word gives fewer.
MOST_ANSWERED = 2_000_000


class MemoryIndex:
    """Posts words of recordings and finds them again; recordings are numbered by the caller."""

    def __init__(self) -> None:
        self._word: list[Integers] = []
        self._place: list[Integers] = []
        self._recording: list[Integers] = []
        self._sorted: tuple[Integers, NDArray[np.int32]] | None = None

    def __len__(self) -> int:
        return sum(len(part) for part in self._word)

    def post(self, recording: int, posted: Words) -> None:
        """Add the words of one recording."""
        self._word.append(posted.word)
        self._place.append(posted.place)
        self._recording.append(np.full(len(posted.word), recording, np.int64))
        self._sorted = None

    def find(self, asked: Integers) -> Lists:
        """The lists of the words asked for, each once and in order, as much of them as is given."""
        word, held = self._sorted or self._sort()
        begin, end = np.searchsorted(word, asked), np.searchsorted(word, asked, "right")
        most = min(MOST_POSTINGS, max(1, MOST_ANSWERED // max(1, len(asked))))
        size = np.minimum(end - begin, most)
        return Lists(asked, size, (held[stretches(begin, size)],))

    def _sort(self) -> tuple[Integers, NDArray[np.int32]]:
        nothing = [np.zeros(0, np.int64)]
        word, place, recording = (np.concatenate(nothing + part) for part in (self._word, self._place, self._recording))
        order = np.argsort(word, kind="stable")
        self._sorted = word[order], np.stack([recording[order], place[order]], axis=1).astype(np.int32)
        return self._sorted
