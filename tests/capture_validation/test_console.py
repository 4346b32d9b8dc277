"""`companion check` at a terminal."""

import json

import pytest

from capture_validation.console import check, good, guessed
from capture_validation.report import Limit
from tests.media import hostile, media


def test_a_good_recording_is_said_to_be_good(capsys):
    assert 0 == check([str(media("speech_librispeech_198_16k.ogg")), "--language", "en"])

    assert capsys.readouterr().out.startswith("This recording is good.\n")


def test_what_is_worst_comes_first_with_what_helps(capsys):
    assert 1 == check([str(media("speech_fsdd_7_theo_0.wav")), "--profile", "ambient", "--language", "en"])

    lines = capsys.readouterr().out.splitlines()
    assert lines[3].startswith("to be fixed")
    assert lines[5].startswith("    → ")


def test_a_refused_file_says_why(capsys):
    assert 1 == check([str(hostile("51_hls_http.m3u8")), "--language", "de"])

    assert "Das ist eine Abspielliste, keine Aufnahme." in capsys.readouterr().out


def test_json_and_picture(capsys, tmp_path):
    picture = tmp_path / "out.png"

    assert 0 == check([str(media("speech_weather_16k.wav")), "--json", "--picture", str(picture)])

    assert "speech" == json.loads(capsys.readouterr().out)["profile"]
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_a_missing_file_is_a_mistake_of_the_command(capsys, tmp_path):
    assert 2 == check([str(tmp_path / "nowhere.wav")])

    assert "nowhere.wav" in capsys.readouterr().err


def test_a_wrong_option_is_a_mistake_of_the_command(capsys):
    with pytest.raises(SystemExit) as exit_:
        check(["x.wav", "--profile", "opera"])

    assert 2 == exit_.value.code


def test_a_film_is_judged_as_a_film_without_being_told():
    assert "video" == guessed(media("video_face_h264.mp4"))
    assert "speech" == guessed(media("speech_voicememo_iphone_gps.m4a"))
    assert "speech" == guessed(hostile("51_hls_http.m3u8"))


@pytest.mark.parametrize(("limit", "text"), [
    (Limit(), ""),
    (Limit(minimum=1), "≥ 1"),
    (Limit(maximum=5000), "≤ 5,000"),
    (Limit(minimum=-40, maximum=-9), "-40…-9"),
])  # fmt: skip
def test_a_good_range_in_a_few_characters(limit, text):
    assert text == good(limit, "en")
