"""What goes to the index of recordings and what comes back."""

import numpy as np

from api.matching import OFTEN, heard, read
from capture_validation.duplicates.audio import AudioFingerprint
from capture_validation.duplicates.landmarks import Landmarks
from storage.sound_lists import Lists


def test_the_lists_of_the_database_are_read_as_they_lie() -> None:
    """Big-endian, in parts and whatever order; see `tests/capture_validation/duplicates/test_lists.py` for the rest."""
    given = [([[9, 2], [5, 1]], [[1, 10], [2, 20], [3, 2**31 - 1]]), ([[7, 1]], [[4, 0]])]

    lists = read([Lists(*(np.array(column, ">i4").tobytes() for column in part)) for part in given])

    assert ([9, 5, 7], [2, 1, 1]) == (lists.word.tolist(), lists.size.tolist())
    assert [[[1, 10], [2, 20], [3, 2**31 - 1]], [[4, 0]]] == [piece.tolist() for piece in lists.pieces]
    assert (0, ()) == (len(read([]).word), read([]).pieces)


def test_a_recording_fills_little_of_a_list() -> None:
    """A steady trill repeats a few words for ever; a handful of each says as much."""
    time = np.repeat(np.arange(2000) * 6.0, 2)
    peaks = Landmarks(time, np.tile([40.0, 60.0], 2000))
    own = heard(AudioFingerprint(10.0, peaks, np.zeros(0, np.uint64), np.zeros(0, np.uint64)))

    assert max(np.unique(own.words, return_counts=True)[1], default=0) <= OFTEN
    assert len(own.words) == len(own.places)
