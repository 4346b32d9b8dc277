"""Inverted lists, as an index answers with them."""

import numpy as np

from capture_validation.duplicates.lists import Lists, Once

#: Two pieces, the second as a database sends it.
PIECES = np.array([[1, 10], [2, 20]], np.int32), np.array([[3, 30]], ">i4")


def test_a_list_answers_everything_that_asked_for_it():
    """Lists come in whatever order, and a word may be asked for twice or have no list."""
    lists = Lists(np.array([9, 5]), np.array([2, 1]), PIECES)

    found = lists.postings(np.array([9, 5, 9, 7]))

    answered = zip(found.asked.tolist(), found.recording.tolist(), found.place.tolist(), strict=True)
    assert [(0, 1, 10), (0, 2, 20), (1, 3, 30), (2, 1, 10), (2, 2, 20)] == list(answered)


def test_a_list_that_lies_on_several_pages_answers_with_all_of_them():
    """Wherever they lie, in one piece or in two."""
    lists = Lists(np.array([9, 5, 9]), np.array([1, 1, 1]), PIECES)

    found = lists.postings(np.array([5, 9, 9]))

    answered = zip(found.asked.tolist(), found.recording.tolist(), strict=True)
    assert [(0, 2), (1, 1), (1, 3), (2, 1), (2, 3)] == list(answered)


def held(lists):
    """The postings of all lists."""
    return [posting for piece in lists.pieces for posting in piece.tolist()]


def test_an_index_is_asked_for_no_word_twice():
    """Who asks again for more is given everything at once."""
    asked = []

    def find(words):
        asked.append(words.tolist())
        return Lists(words[:1], np.array([1]), (np.array([[words[0], 10]], np.int32),))

    once = Once(find)
    once(np.array([5, 9]))
    again = once(np.array([9]))
    both = once(np.array([7, 9, 11]))

    assert [[5, 9], [7, 11]] == asked
    assert ([5], [[5, 10]]) == (again.word.tolist(), held(again))
    assert ([5, 7], [1, 1], [[5, 10], [7, 10]]) == (both.word.tolist(), both.size.tolist(), held(both))


def test_an_empty_index_answers_nothing():
    nothing = Lists(np.zeros(0, np.int64), np.zeros(0, np.int64), ())

    assert 0 == len(nothing.postings(np.array([9, 5])).asked)
