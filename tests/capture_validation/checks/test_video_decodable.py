"""A picture that arrives damaged or breaks off is found; a whole one passes."""

import io

import av
import numpy as np
import pytest

from capture_validation.analysis import analyse
from capture_validation.profile import profile
from tests.capture_validation.watching import Drawn, covers, seen, still
from tests.media import media


def test_a_whole_recording_passes():
    result = seen("video.decodable", still(90), claimed_duration_s=3.0)
    assert ("passed", 0.0) == (result.status, result.value)


def test_frames_that_the_decoder_guessed_are_damage():
    """The decoder reports no error for them; only its flag tells."""
    frames = [Drawn(f.picture, f.at_s, is_corrupt=2.0 <= f.at_s < 3.0) for f in still(150)]
    result = seen("video.decodable", frames, claimed_duration_s=5.0)
    assert ("failed", "damaged") == (result.status, result.code)
    assert pytest.approx(20.0) == result.value
    assert covers(result, 2.0, 3.0)


def test_packets_that_could_not_be_decoded_are_damage():
    assert "failed" == seen("video.decodable", still(90), errors=10).status


def test_a_recording_that_breaks_off_says_how_much_is_missing():
    result = seen("video.decodable", still(90), claimed_duration_s=10.0)
    assert ("failed", "truncated") == (result.status, result.code)
    assert {"missing_s": 7.0} == result.parameters
    assert covers(result, 3.0, 10.0)


def in_fragments(*left: int) -> bytes:
    """Twelve seconds of a film whose key frames begin a fragment each, a second long, of which some are left."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}) as out:
        stream = out.add_stream("libx264", rate=30, options={"g": "30", "sc_threshold": "0", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(360):
            picture = np.full((48, 64, 3), 40 + number // 3, np.uint8)
            out.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        out.mux(stream.encode(None))
    data = file.getvalue()
    begins = [at - 4 for at in range(len(data)) if data[at : at + 4] == b"moof"]
    pieces = [data[begin:end] for begin, end in zip(begins, [*begins[1:], len(data)], strict=True)]
    return data[: begins[0]] + b"".join(pieces[one] for one in left)


def test_a_fragment_that_was_lost_from_the_middle_is_missing():
    """Nothing is damaged, and what is left decodes without an error: the picture skips a second."""
    report = analyse(io.BytesIO(in_fragments(0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11)), profile("video"))
    result = next(check for check in report.checks if check.name == "video.decodable")
    assert ("failed", "skipped", {"missing_s": 1.0}) == (result.status, result.code, result.parameters)
    assert pytest.approx(100 / 12, abs=0.1) == result.value
    assert covers(result, 5.0, 6.0)


def test_a_pause_in_a_file_that_lacks_nothing_is_none_of_its_damage():
    frames = [*still(60), *(Drawn(f.picture, f.at_s + 3.0) for f in still(60))]
    assert "passed" == seen("video.decodable", frames, claimed_duration_s=5.0).status


def test_a_video_without_one_frame_fails():
    assert ("failed", "no-picture") == (seen("video.decodable", []).status, seen("video.decodable", []).code)


def test_a_last_frame_that_is_held_is_no_missing_end():
    """A screen recorder writes nothing while nothing moves: its last frame may last for seconds."""
    frames = [*still(30), Drawn(still(1)[0].picture, 1.0, duration_s=4.0)]
    assert "passed" == seen("video.decodable", frames, claimed_duration_s=5.0).status


def test_a_real_file_cut_in_half_fails():
    """The index of this file stands at its front, as a phone's upload that was cut off leaves it."""
    whole = media("video_rabbit_320.mp4").read_bytes()
    report = analyse(io.BytesIO(whole[: len(whole) // 2]), profile("video"))
    result = next(check for check in report.checks if check.name == "video.decodable")
    assert ("failed", "truncated") == (result.status, result.code)
    assert 2.5 < result.spans[-1].start_s < 5.5


def test_a_real_file_with_flipped_bytes_fails():
    damaged = bytearray(media("video_station_5s.mp4").read_bytes())
    start = damaged.find(b"mdat") + 20_000
    for position in range(start, len(damaged) - 60_000, 4_001):
        damaged[position] ^= 0x5A
    report = analyse(io.BytesIO(bytes(damaged)), profile("video"))
    result = next(check for check in report.checks if check.name == "video.decodable")
    assert ("failed", "damaged") == (result.status, result.code)
