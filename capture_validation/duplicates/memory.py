"""An index in memory: what a laptop, a test or a benchmark needs, with the same answers as one in a database."""

import numpy as np

from capture_validation.duplicates.audio_words import Integers, Words
from capture_validation.duplicates.proposals import Postings

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
        self._sorted: tuple[Integers, Integers, Integers] | None = None

    def __len__(self) -> int:
        return sum(len(part) for part in self._word)

    def post(self, recording: int, posted: Words) -> None:
        """Add the words of one recording."""
        self._word.append(posted.word)
        self._place.append(posted.place)
        self._recording.append(np.full(len(posted.word), recording, np.int64))
        self._sorted = None

    def find(self, asked: Integers) -> Postings:
        """Every posting of every word asked for."""
        word, place, recording = self._sorted or self._sort()
        first, last = np.searchsorted(word, asked), np.searchsorted(word, asked, "right")
        most = min(MOST_POSTINGS, max(1, MOST_ANSWERED // max(1, len(asked))))
        count = np.minimum(last - first, most)
        start = np.repeat(first - np.cumsum(count) + count, count)
        hit = start + np.arange(int(count.sum()))
        return Postings(np.repeat(np.arange(len(asked)), count), recording[hit], place[hit])

    def _sort(self) -> tuple[Integers, Integers, Integers]:
        nothing = [np.zeros(0, np.int64)]
        word, place, recording = (np.concatenate(nothing + part) for part in (self._word, self._place, self._recording))
        order = np.argsort(word, kind="stable")
        self._sorted = word[order], place[order], recording[order]
        return self._sorted
