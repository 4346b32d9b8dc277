"""When pictures are shown, where a file's own clocks disagree."""

from capture_validation.moments import Moments


def moments(shown, decoded):
    """What is chosen for pictures with these pairs of timestamps."""
    choosing = Moments()
    return [choosing.of(one, other) for one, other in zip(shown, decoded, strict=True)]


def test_pictures_are_shown_when_they_say():
    """The decoder gets them earlier, and sometimes in steps of its own."""
    assert [0, 2, 4, 6] == moments([0, 2, 4, 6], [-2, -1, 3, 4])


def test_a_clock_that_runs_backwards_is_not_followed():
    """Stamps of the first pictures of a DivX film whose packets hold two pictures each."""
    shown = moments([1, 2, 3, 5, 4, 6, 8, 7, 9, 11, 10], range(1, 12))

    assert [1, 2, 3, 5, 5, 6, 7, 8, 9, 10, 11] == shown


def test_a_recording_that_begins_anew_in_the_middle_keeps_its_stamps():
    """Both clocks jump; what is wrong with such a file is for the checks to say."""
    assert [10, 20, 5, 15] == moments([10, 20, 5, 15], [8, 18, 3, 13])


def test_two_pictures_of_one_time_are_no_step_backwards():
    assert [0, 5, 5, 10] == moments([0, 5, 5, 10], [0, 4, 6, 9])


def test_a_picture_without_a_stamp_of_its_own_is_shown_when_it_was_decoded():
    assert [3, None, 7] == moments([None, None, 7], [3, None, 5])
