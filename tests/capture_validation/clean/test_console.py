"""`companion xray` and `companion clean`, as somebody at a terminal uses them."""

import fcntl
import json
from pathlib import Path

import pytest
from PIL import Image

from capture_validation.clean.console import command as clean
from capture_validation.clean.console import sweep
from capture_validation.xray.console import command as xray
from tests.media import media

Printed = pytest.CaptureFixture[str]


def test_an_x_ray_says_what_the_file_and_the_picture_tell(capsys: Printed):
    assert 1 == xray([str(media("video_face_h264.mp4"))])

    told = capsys.readouterr().out
    assert "Where it was made: box ©xyz" in told
    assert "Faces: found in 1 looks" in told
    assert "Voices of bystanders: not checked" in told


def test_an_x_ray_as_json_and_as_a_picture(capsys: Printed, tmp_path: Path):
    """The picture is as wide as a phone, and has the places but nothing of the recording."""
    drawn = tmp_path / "xray.png"
    assert 1 == xray([str(media("video_face_h264.mp4")), "--json", "--picture", str(drawn), "--dark"])

    assert {"faces", "text"} <= {sighting["kind"] for sighting in json.loads(capsys.readouterr().out)["sightings"]}
    with Image.open(drawn) as picture:
        assert 780 == picture.width


def test_a_copy_is_made_and_the_changes_are_listed(capsys: Printed, tmp_path: Path):
    """And the X-ray of the copy finds nothing."""
    out = tmp_path / "clean.mp4"
    assert 0 == clean(
        [str(media("video_face_h264.mp4")), "--out", str(out), "--mute", "0.2-0.4", "--blur", "faces,text"]
    )

    told = capsys.readouterr().out
    assert "faces blurred: 1" in told
    assert "sound muted: 1 (0.2 s–0.4 s)" in told
    assert 0 == xray([str(out)])
    assert [out] == list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--mute", "5"], "5 is no stretch"),
        (["--drop", "3-2"], "ends after its beginning"),
        (["--blur", "hands"], "hands cannot be hidden"),
        (["--blur", "text"], "everybody who can be recognised agreed"),
        (["--drop", "0-100"], "nothing would be left"),
    ],
)
def test_what_cannot_be_done_is_said_and_leaves_nothing_behind(
    words: list[str], said: str, capsys: Printed, tmp_path: Path
):
    assert 2 == clean([str(media("speech_jfk_16k.wav")), "--out", str(tmp_path / "out.flac"), *words])

    assert said in capsys.readouterr().err
    assert [] == list(tmp_path.iterdir())


def test_a_file_that_is_none_is_said(capsys: Printed, tmp_path: Path):
    assert 2 == xray([str(Path(__file__))])
    assert 2 == clean([str(tmp_path / "absent"), "--out", str(tmp_path / "out")])

    assert 2 == len([line for line in capsys.readouterr().err.splitlines() if line.startswith("companion")])


def test_what_a_killed_run_left_half_done_goes_with_the_next(tmp_path: Path):
    """And nothing that another run is still writing, or that is somebody's own."""
    out = tmp_path / "clean.mp4"
    dead, alive, own = (tmp_path / name for name in (".clean.mp4.a1.half", ".clean.mp4.b2.half", ".clean.mp4.swp"))
    for path in (dead, alive, own):
        path.write_bytes(b"half")

    with alive.open("rb") as writing:
        fcntl.flock(writing, fcntl.LOCK_EX)
        sweep(out)

    assert {alive, own} == set(tmp_path.iterdir())
