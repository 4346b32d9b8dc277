"""`companion check` at a terminal."""

import csv
import json
import shutil

import pytest

from capture_validation import checks as check_files
from capture_validation.console import check, checks, guessed
from capture_validation.profile import profile
from capture_validation.report import Limit
from capture_validation.texts import good
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


@pytest.fixture
def folder(tmp_path):
    """Two recordings, one of them in a folder of its own, something that is none, and a page of text."""
    (tmp_path / "deep").mkdir()
    shutil.copy(media("speech_librispeech_198_16k.ogg"), tmp_path / "good.ogg")
    shutil.copy(media("speech_fsdd_7_theo_0.wav"), tmp_path / "deep" / "SHORT.WAV")
    (tmp_path / "none.mp3").write_bytes(b"")
    (tmp_path / "readme.md").write_text("no recording")
    return tmp_path


def test_a_folder_gives_a_line_for_every_recording_and_a_sum(capsys, folder):
    assert 1 == check([str(folder), "--language", "en"])

    *lines, empty, total = capsys.readouterr().out.splitlines()
    assert all(name in line for name, line in zip(("SHORT.WAV", "good.ogg", "none.mp3"), lines, strict=True))
    assert "Length of the recording" in lines[0]
    assert "The file is empty." in lines[2]
    assert ("", "Good: 2 · Not usable: 1") == (empty, total)


def test_good_recordings_end_well(folder):
    assert 0 == check([str(folder / "good.ogg"), str(folder / "deep")])


def test_a_file_that_is_named_is_examined_whatever_its_name(capsys, folder):
    assert 1 == check([str(folder / "readme.md"), str(folder / "good.ogg")])

    assert "readme.md" in capsys.readouterr().out


def test_several_reports_are_a_list(capsys, folder):
    check([str(folder), "--json"])

    found = json.loads(capsys.readouterr().out)
    assert ["passed", "passed", "rejected"] == [one["outcome"] for one in found]
    assert all(one["file"].startswith(str(folder)) for one in found)


def test_a_spreadsheet_gets_a_row_for_every_check(capsys, folder):
    check([str(folder), "--csv"])

    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    of_good = {row["check"]: row for row in rows if row["file"].endswith("good.ogg")}
    assert set(profile("speech").rules) == set(of_good)
    assert -26 == pytest.approx(float(of_good["audio.loudness"]["value"]), abs=3)
    assert ["empty"] == [row["code"] for row in rows if row["outcome"] == "rejected"]


def test_one_missing_file_does_not_hide_the_others(capsys, folder):
    assert 2 == check([str(folder / "good.ogg"), str(folder / "gone.wav"), "--language", "en"])

    printed = capsys.readouterr()
    assert "gone.wav" in printed.err
    assert "good.ogg" in printed.out


def test_an_empty_folder_is_a_mistake_of_the_command(tmp_path):
    assert 2 == check([str(tmp_path)])


def test_a_folder_gives_a_picture_of_every_recording(folder, tmp_path):
    shutil.copy(media("speech_fsdd_7_theo_0.wav"), folder / "SHORT.WAV")

    check([str(folder), "--picture", str(tmp_path / "pictures")])

    pictures = {file.name: file.read_bytes()[:4] for file in (tmp_path / "pictures").iterdir()}
    assert {"SHORT.WAV.png", "good.ogg.png", "none.mp3.png"} < pictures.keys()
    assert 4 == len(pictures)
    assert {b"\x89PNG"} == set(pictures.values())


def test_a_picture_that_cannot_be_written_is_a_mistake_of_the_command(capsys, folder, tmp_path):
    (tmp_path / "taken").write_text("a file, no folder")

    assert 2 == check([str(folder), "--picture", str(tmp_path / "taken")])
    assert "taken" in capsys.readouterr().err


def test_progress_is_for_people_only(capsys, folder, monkeypatch):
    check([str(folder)])
    assert "" == capsys.readouterr().err

    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    check([str(folder)])
    assert "2/3 good.ogg" in capsys.readouterr().err


def test_the_catalogue_lists_every_check(capsys):
    assert 0 == checks(["--language", "en"])

    printed = capsys.readouterr().out
    assert all(f"{name} " in printed for name in check_files.published())
    assert "speech! -40…-9" in printed


def test_the_catalogue_of_one_profile_as_json(capsys):
    assert 0 == checks(["--json", "--profile", "music"])

    assert sorted(profile("music").rules) == [entry["name"] for entry in json.loads(capsys.readouterr().out)]
