"""Validation from outside: through the sandbox, whatever the source."""

import io

import pytest

from capture_validation import UnknownProfile, override, profile, validate
from capture_validation.analysis import analyse
from tests.media import hostile, media

SPEECH = "speech_weather_16k.wav"


def test_a_path_a_file_and_a_descriptor_give_the_report_of_the_analysis_itself():
    with media(SPEECH).open("rb") as file:
        expected = analyse(file, profile("speech"))
        assert expected == validate(file)
        assert expected == validate(file.fileno())

    assert expected == validate(io.BytesIO(media(SPEECH).read_bytes()))
    assert expected == validate(media(SPEECH))
    assert expected == validate(str(media(SPEECH)), profile("speech"))


def test_a_campaign_s_rules_reach_the_sandbox():
    strict = override(profile("speech"), {"audio.duration": {"minimum": 60, "reject_minimum": None}})

    report = validate(media(SPEECH), strict)

    assert "needs_fix" == report.outcome
    assert ["audio.duration"] == [check.name for check in report.failed]


def test_a_file_that_takes_too_long_is_refused_like_any_bad_file():
    report = validate(media(SPEECH), wall_s=0.0)

    assert ("rejected", "too-expensive") == (report.outcome, report.rejection.code)


def test_a_playlist_is_refused():
    assert "playlist" == validate(hostile("51_hls_http.m3u8")).rejection.code


def test_a_file_of_the_wrong_kind_is_refused_with_what_it_lacks():
    assert "no-picture" == validate(media(SPEECH), "video").rejection.code
    assert "no-sound" == validate(media("video_tree_fixed.avi"), "ambient").rejection.code


def test_an_unknown_profile_is_the_caller_s_mistake():
    with pytest.raises(UnknownProfile):
        validate(media(SPEECH), "opera")
