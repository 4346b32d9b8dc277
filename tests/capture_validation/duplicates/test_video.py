"""The fingerprint of pictures: small, readable again, and honest about a still."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_validation.duplicates.errors import NotAFingerprint
from capture_validation.duplicates.features import FOUND, MANY, features
from capture_validation.duplicates.video import VideoFingerprint
from tests.capture_validation.duplicates.pictures import clip, fingerprint

STATION = "video_station_60fps_15s.mp4"


def test_it_reads_back_from_its_bytes():
    made = fingerprint(clip(STATION))

    back = VideoFingerprint.from_bytes(made.to_bytes())

    assert np.array_equal(made.motion, back.motion)
    assert [key.at_s for key in made.keys] == pytest.approx([key.at_s for key in back.keys], abs=1e-4)
    for one, two in zip(made.keys, back.keys, strict=True):
        assert np.array_equal(one.features.bits, two.features.bits)
        assert np.abs(one.features.points[:, :2] - two.features.points[:, :2]).max() < 1 / 255


def test_a_minute_is_stored_in_less_than_110_kilobytes():
    """Fourteen seconds hold one key frame more than their share, which a minute does not notice."""
    made = fingerprint(clip(STATION, 0, 14))

    assert len(made.stored().to_bytes()) * 60 / 16 < 110_000


def test_times_without_a_frame_show_what_was_there_before():
    """A screen recording has no frames while nothing moves; its motion must not be shorter than the recording."""
    frames = clip(STATION)
    sparse = [frames[0], frames[60]]

    assert len(fingerprint(frames[:61]).motion) == len(fingerprint(sparse).motion)


@given(st.binary(max_size=200))
def test_other_bytes_are_no_fingerprint(data):
    with pytest.raises(NotAFingerprint):
        VideoFingerprint.from_bytes(data)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10_000), st.integers(0, 255))
def test_a_damaged_fingerprint_is_refused_or_read(at, value):
    data = bytearray(DAMAGED)
    data[at % len(data)] = value

    try:
        VideoFingerprint.from_bytes(bytes(data))
    except NotAFingerprint:
        return


def noise(seed):
    return np.random.default_rng(seed).integers(0, 255, (90, 160), np.uint8)


DAMAGED = fingerprint([(i / 4, noise(i)) for i in range(8)]).stored().to_bytes()


@pytest.mark.parametrize("picture", [np.zeros((90, 160), np.uint8), np.full((90, 160), 130, np.uint8)])
def test_a_black_or_grey_picture_is_not_enough(picture):
    assert not fingerprint([(i / 10, picture) for i in range(100)]).enough


def test_nothing_is_not_enough():
    assert not fingerprint([]).enough


def test_a_picture_of_many_points_is_described_the_same_whatever_is_expected_of_it():
    """Found first and described then, or both at once: that is a matter of cost alone."""
    _, picture = clip(STATION)[0]

    at_once, found = features(picture)
    one_by_one, again = features(picture, expected=FOUND)

    assert MANY < found == again
    assert np.array_equal(at_once.points, one_by_one.points)
    assert np.array_equal(at_once.bits, one_by_one.bits)


def test_a_picture_without_points_has_none_whatever_is_expected_of_it():
    for expected in (0, FOUND):
        seen, found = features(np.full((90, 160), 128, np.uint8), expected)

        assert (0, 0, 0) == (found, len(seen.points), len(seen.bits))
