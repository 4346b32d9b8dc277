"""Inverted lists, as an index answers with them."""

import numpy as np

from capture_validation.duplicates.lists import Lists


def test_a_list_answers_everything_that_asked_for_it():
    """Lists come in whatever order, and a word may be asked for twice or have no list."""
    lists = Lists(np.array([9, 5]), np.array([2, 1]), np.array([[1, 10], [2, 20], [3, 30]], np.int32))

    found = lists.postings(np.array([9, 5, 9, 7]))

    answered = zip(found.asked.tolist(), found.recording.tolist(), found.place.tolist(), strict=True)
    assert [(0, 1, 10), (0, 2, 20), (1, 3, 30), (2, 1, 10), (2, 2, 20)] == list(answered)


def test_an_empty_index_answers_nothing():
    nothing = Lists(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.int32))

    assert 0 == len(nothing.postings(np.array([9, 5])).asked)
