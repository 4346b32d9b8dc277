"""`companion duplicates`: files in, sentences or JSON out, and a picture of the strongest pair."""

import json
import shutil

import pytest
from PIL import Image

from capture_validation.duplicates.console import clock, duplicates
from tests.media import media


@pytest.fixture
def folder(tmp_path):
    for name in ("speech_jfk_16k.wav", "speech_jfk_16k.mp3", "speech_weather_16k.wav"):
        shutil.copy(media(name), tmp_path / name)
    shutil.copy(media("speech_weather_16k.wav"), tmp_path / "z_again.wav")
    (tmp_path / "z_text.txt").write_text("no recording")
    return tmp_path


def test_a_folder_is_compared_with_itself(folder, capsys):
    assert 0 == duplicates([str(folder), "--json"])

    told = json.loads(capsys.readouterr().out)
    pairs = {(found["new"][len(str(folder)) + 1 :], found["match"]["kind"]) for found in told["matches"]}
    assert {("speech_jfk_16k.wav", "audio"), ("z_again.wav", "file")} == pairs
    assert [str(folder / "z_text.txt")] == list(told["unreadable"])


def test_the_answer_is_a_sentence(folder, capsys):
    duplicates([str(folder / "speech_jfk_16k.mp3"), str(folder / "speech_jfk_16k.wav")])

    assert "is the same recording as" in capsys.readouterr().out


def test_strangers_have_nothing_in_common(folder, capsys):
    duplicates([str(folder / "speech_jfk_16k.mp3"), str(folder / "speech_weather_16k.wav")])

    assert "Nothing in common.\n" == capsys.readouterr().out


def test_nothing_readable_is_an_error(folder):
    assert 2 == duplicates([str(folder / "z_text.txt"), str(folder / "absent.wav")])


def test_the_strongest_pair_is_drawn(folder, tmp_path):
    target = tmp_path / "pair.png"

    duplicates([str(folder / "speech_jfk_16k.mp3"), str(folder / "speech_jfk_16k.wav"), "--picture", str(target)])

    with Image.open(target) as picture:
        assert (900, 700) == picture.size
        assert len(picture.convert("RGB").getcolors(1 << 16)) >= 4


def test_times_read_as_on_a_player():
    assert "1:05.2" == clock(65.2)
