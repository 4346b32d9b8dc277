"""The checks that read only when frames are shown: length, rate, gaps, rhythm, size."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.capture_validation.watching import Drawn, clip, covers, retimed, seen, still

TIMELY = ["video.dropped_frames", "video.frame_rate", "video.pauses", "video.size_changes", "video.uneven_frames"]


def test_a_second_and_a_half_is_a_hint_and_half_a_second_is_too_short():
    assert "passed" == seen("video.duration", still(120)).status
    assert "hint" == seen("video.duration", still(45)).status
    assert "failed" == seen("video.duration", still(15)).status


def test_a_duration_at_the_reject_bound_goes_to_a_person():
    assert "borderline" == seen("video.duration", still(29)).status


@pytest.mark.parametrize("name", TIMELY)
def test_thirty_regular_frames_a_second_pass(name):
    assert "passed" == seen(name, still(90)).status


@pytest.mark.parametrize("name", TIMELY)
def test_times_rounded_to_milliseconds_pass(name):
    """Matroska and WebM count milliseconds, so 30 frames a second alternate between 33 and 34 ms."""
    frames = retimed(still(90), (round(index / 30, 3) for index in range(90)))
    assert "passed" == seen(name, frames).status


def test_the_frame_rate_is_the_one_that_was_really_kept():
    result = seen("video.frame_rate", still(24, fps=8))
    assert "failed" == result.status
    assert pytest.approx(8.0) == result.value
    assert "hint" == seen("video.frame_rate", still(60, fps=15)).status


def test_frames_that_were_dropped_are_counted_and_shown():
    frames = [frame for index, frame in enumerate(still(300)) if not (90 <= index < 180 and index % 2)]
    result = seen("video.dropped_frames", frames)
    assert "hint" == result.status
    assert {"missing": 45} == result.parameters
    assert pytest.approx(100 * 45 / 300) == result.value
    assert covers(result, 3.0, 6.0)


def test_a_pause_of_three_seconds_fails_and_is_shown():
    frames = [frame for frame in still(300) if not 4.0 < frame.at_s < 7.0]
    result = seen("video.pauses", frames)
    assert "failed" == result.status
    assert pytest.approx(3.0, abs=0.04) == result.value
    assert covers(result, 4.0, 7.0)


def test_a_clock_that_runs_backwards_is_named():
    times = [index / 30 - (2.5 if index >= 150 else 0) for index in range(300)]
    result = seen("video.pauses", retimed(still(300), times))
    assert ("failed", "backwards") == (result.status, result.code)


def test_a_rate_that_wanders_is_found():
    steps = np.where(np.arange(200) % 3 == 0, 0.05, 0.0333)
    result = seen("video.uneven_frames", retimed(still(200), np.cumsum(steps)))
    assert ("hint", "too-high") == (result.status, result.code)
    assert result.spans


def test_the_screen_recording_of_the_shared_media_wanders_and_pauses():
    frames = clip("video_screen_recording_vfr.mp4", 160)
    for name in ("video.dropped_frames", "video.pauses", "video.uneven_frames"):
        assert seen(name, frames).status in {"hint", "failed"}


def test_a_picture_that_turns_halfway_is_found():
    frames = [Drawn(f.picture.T.copy() if f.at_s >= 1 else f.picture, f.at_s) for f in still(60)]
    result = seen("video.size_changes", frames)
    assert ("hint", 1.0) == (result.status, result.value)
    assert covers(result, 1.0, 1.0)


@pytest.mark.parametrize("name", TIMELY)
@given(times=st.lists(st.floats(-1e6, 1e6), max_size=30))
def test_no_times_break_a_check(name, times):
    """Wrapped, repeated and backward times give a finite value or nothing to measure."""
    result = seen(name, [Drawn(np.zeros((4, 4), np.uint8), at_s) for at_s in times])
    assert result.value is None or np.isfinite(result.value)
    assert all(span.start_s <= span.end_s for span in result.spans)


def test_resolution_counts_the_short_side_as_shown():
    assert "passed" == seen("video.resolution", still(3, size=(720, 1280))).status
    assert "passed" == seen("video.resolution", still(3, size=(1280, 720))).status
    assert "hint" == seen("video.resolution", still(3, size=(480, 720))).status
    assert "failed" == seen("video.resolution", still(3, size=(180, 320))).status


def test_orientation_is_width_over_height():
    assert pytest.approx(16 / 9) == seen("video.orientation", still(3, size=(720, 1280))).value
    assert "hint" == seen("video.orientation", still(3, size=(200, 1000))).status
