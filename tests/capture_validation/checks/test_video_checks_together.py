"""Every video check on every real video: nothing breaks, and every complaint can be read."""

import json

import msgspec
import numpy as np
import pytest

from capture_validation import checks
from capture_validation.analysis import analyse
from capture_validation.check import VideoCheck
from capture_validation.profile import profile
from capture_validation.texts import told
from tests.capture_validation.watching import Drawn, clip, seen
from tests.media import all_media, media

NAMES = sorted(name for name, check in checks.published().items() if issubclass(check, VideoCheck))

#: Defects of the shared clips that were looked at, frame by frame, and are real. Time, size and rate are read off the
#: file and need no eye.
REAL = {
    "video_courtyard_people.mp4": {"video.scene_cuts"},
    # From 1.9 s on a hand sweeps along walls.
    "video_courtyard_people_15fps.mp4": {"video.motion_blur", "video.scene_cuts"},
    "video_doorknob_phone.mp4": {"video.blocking", "video.low_contrast", "video.sharpness"},
    "video_elf_480.webm": {"video.bars"},
    "video_fire_android_rot180_gps.mp4": {"video.motion_blur"},
    "video_monster_480.webm": {"video.bars"},
    "video_nasa_multitrack.mp4": {"video.scene_cuts", "video.too_dark"},
    "video_pattern_grey.mp4": {"video.bars"},
    "video_pattern_logo.mp4": {"video.bars"},
    "video_screen_recording_vfr.mp4": {"video.scene_cuts"},
    "video_station_60fps_15s.mp4": {"video.repeated_frames"},
}
READ_OFF = {
    "video.decodable", "video.dropped_frames", "video.duration", "video.frame_rate", "video.orientation",
    "video.pauses", "video.resolution", "video.size_changes", "video.sound", "video.uneven_frames",
}  # fmt: skip


@pytest.mark.parametrize("name", [name for name in all_media() if name.startswith("video_")])
def test_a_real_video_shows_only_defects_that_it_has(name):
    with media(name).open("rb") as file:
        report = analyse(file, profile("video"))
    assert report.rejection is None
    complaints = [check for check in report.checks if check.status not in {"passed", "not_applicable"}]
    looked_at = {check.name for check in complaints if check.name.startswith("video.")} - READ_OFF
    assert REAL.get(name, set()) == looked_at
    for check in complaints:
        assert "{" not in told(check).sentence
        assert told(check).sentence
        assert told(check).fix
    json.loads(msgspec.json.encode(report))


@pytest.mark.parametrize("size", [(1, 1), (1, 64), (64, 1), (17, 33)])
@pytest.mark.parametrize("count", [0, 1, 2, 9])
def test_tiny_and_few_frames_break_nothing(size, count):
    rng = np.random.default_rng(0)
    frames = [Drawn(rng.integers(0, 256, size, dtype=np.uint8), index / 30) for index in range(count)]
    for name in NAMES:
        value = seen(name, frames).value
        assert value is None or np.isfinite(value)


def test_a_picture_that_changes_its_size_breaks_nothing():
    frames = clip("video_note1_android_rot_gps.mp4")
    turned = [Drawn(f.picture.T.copy() if f.at_s > 0.3 else f.picture, f.at_s) for f in frames]
    for name in NAMES:
        seen(name, turned)


def test_a_video_without_sound_is_told_so():
    with media("video_bear_vp9.webm").open("rb") as file:
        report = analyse(file, profile("video"))
    result = next(check for check in report.checks if check.name == "video.sound")
    assert ("hint", "missing", 0.0) == (result.status, result.code, result.value)


def test_a_video_with_sound_passes():
    with media("video_face_h264.mp4").open("rb") as file:
        report = analyse(file, profile("video"))
    assert "passed" == next(check for check in report.checks if check.name == "video.sound").status


def test_the_picture_gets_curves_to_draw():
    with media("video_station_5s.mp4").open("rb") as file:
        report = analyse(file, profile("video"))
    curves = {curve.name: curve for curve in report.curves}
    assert {"brightness", "sharpness", "motion"} <= set(curves)
    for name in ("brightness", "sharpness", "motion"):
        assert 20 == len(curves[name].values)
        assert all(0 <= value <= 100 for value in curves[name].values)
