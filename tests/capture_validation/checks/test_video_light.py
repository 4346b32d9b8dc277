"""Black, too dark, burnt out, flat: found where they are, and HDR is not taken for darkness."""

import numpy as np
import pytest

from capture_validation.pixels import DISPLAY
from tests.capture_validation.watching import clip, covers, seen, spoilt

LIGHT = ["video.black", "video.too_dark", "video.overexposed", "video.low_contrast"]


@pytest.mark.parametrize("name", LIGHT)
@pytest.mark.parametrize("file", ["video_station_5s.mp4", "video_face_h264.mp4", "video_note1_android_rot_gps.mp4"])
def test_clean_clips_pass(name, file):
    assert "passed" == seen(name, clip(file, 640)).status


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("video.black", lambda picture: picture * 0.02),
        ("video.too_dark", lambda picture: picture * 0.1),
        ("video.overexposed", lambda picture: picture * 2.5 + 90.0),
        ("video.low_contrast", lambda picture: picture * 0.15 + 100.0),
    ],
)
def test_a_stretch_of_bad_light_is_found_where_it_is(name, defect):
    frames = spoilt(clip("video_station_5s.mp4", 640), defect, 1.6, 3.9)
    result = seen(name, frames)
    assert result.status in {"hint", "failed"}
    assert covers(result, 1.6, 3.9)


def test_a_dark_take_is_not_called_black():
    frames = spoilt(clip("video_station_5s.mp4", 640), lambda picture: 20 + picture * 0.1)
    assert "passed" == seen("video.black", frames).status


def test_the_dark_clip_of_the_shared_media_is_too_dark():
    """A telescope in a dark hall: a twentieth of the picture reaches 16 % of white, no more."""
    assert "failed" == seen("video.too_dark", clip("video_nasa_multitrack.mp4", 640)).status


def subject(picture, inside, outside):
    """The middle sixth of a picture as it should be, and another around it."""
    height, width = picture.shape
    shown = np.full_like(picture, outside)
    rows, columns = slice(height * 3 // 10, height * 7 // 10), slice(width * 3 // 10, width * 7 // 10)
    shown[rows, columns] = np.clip(inside(picture[rows, columns].astype(float)), 0, 255)
    return shown


def test_a_light_subject_before_a_dark_ground_is_not_too_dark():
    """The mean, 8 % here, would send back a good take of a face."""
    frames = spoilt(clip("video_station_5s.mp4", 640), lambda picture: subject(picture, lambda inside: inside, 10))
    assert "passed" == seen("video.too_dark", frames).status


def test_a_dark_room_does_not_excuse_a_burnt_out_face():
    """A tenth of the picture is white, and that is most of what is lit."""
    burnt = spoilt(clip("video_station_5s.mp4", 640), lambda one: subject(one, lambda inside: inside * 3.5, 10))
    assert "failed" == seen("video.overexposed", burnt).status


def test_a_lamp_in_the_night_is_not_burnt_out():
    def night(picture):
        shown = np.full_like(picture, 12)
        shown[:10, :10] = 255
        return shown

    assert "passed" == seen("video.overexposed", spoilt(clip("video_station_5s.mp4", 640), night)).status


def test_a_scene_of_few_tones_is_not_flat():
    """A grey wall with something black and something white on it: no veil lies over that."""

    def wall(picture):
        shown = (110 + picture * 0.1).astype(np.uint8)
        shown[:20, :20], shown[-20:, -20:] = 15, 240
        return shown

    assert "passed" == seen("video.low_contrast", spoilt(clip("video_station_5s.mp4", 640), wall)).status


def test_a_white_table_with_little_on_it_is_not_flat():
    """Nearly all of it lies within a quarter of the tones; the shadow under one thing is dark."""

    def table(picture):
        shown = (180 + picture * 0.2).astype(np.uint8)
        shown[100:110, 200:280] = 90
        return shown

    assert "passed" == seen("video.low_contrast", spoilt(clip("video_station_5s.mp4", 640), table)).status


@pytest.mark.parametrize("transfer", ["pq", "hlg"])
def test_an_hdr_recording_of_an_ordinary_scene_passes(transfer):
    """An ordinary scene, written with the codes that HDR uses for it, is neither dark nor burnt out nor flat."""
    code_of = np.array([np.argmin(np.abs(DISPLAY[transfer].astype(int) - level)) for level in range(256)])
    frames = spoilt(clip("video_station_5s.mp4", 640), lambda picture: code_of[picture])
    for name in LIGHT:
        assert "passed" == seen(name, frames, color_transfer=transfer).status


def test_paper_white_of_hdr_looks_nearly_white():
    """Paper white is code 148 of 255 in PQ (58 %) and 191 in HLG (75 %), ITU-R BT.2408-7 table 1."""
    assert 185 <= DISPLAY["pq"][148] <= 215
    assert 185 <= DISPLAY["hlg"][191] <= 215
    for table in DISPLAY.values():
        assert (0, 255) == (table[0], table[255]) or table[255] > 245
        assert (np.diff(table.astype(int)) >= 0).all()


@pytest.mark.parametrize("file", ["video_roof_av1_hdr_portrait.mp4", "video_roof_iphone_dolbyvision.mov"])
def test_real_hdr_recordings_are_not_too_dark(file):
    transfer = "pq" if "av1" in file else "hlg"
    for name in ("video.too_dark", "video.black", "video.overexposed"):
        assert "passed" == seen(name, clip(file, 640), color_transfer=transfer).status


STEADY = ["video_station_5s.mp4", "video_desk_h263.3gp", "video_doorknob_phone.mp4", "video_tree_fixed.avi"]


@pytest.mark.parametrize("file", STEADY)
def test_a_steady_exposure_passes(file):
    assert "passed" == seen("video.exposure_pumping", clip(file, 160)).status


@pytest.mark.parametrize("file", STEADY)
def test_exposure_that_hunts_is_found(file):
    """Every frame is brightened and darkened by 25 % in turn, once in two seconds."""
    frames = [
        spoilt([frame], lambda picture, at_s=frame.at_s: picture * np.exp(0.25 * np.sin(np.pi * at_s)))[0]
        for frame in clip(file, 160)
    ]

    result = seen("video.exposure_pumping", frames)

    assert "hint" == result.status
    assert result.spans


@pytest.mark.parametrize("file", STEADY)
def test_a_lamp_that_is_switched_on_once_is_no_pumping(file):
    lit = spoilt(clip(file, 160), lambda picture: picture * 0.6, until_s=1.5)
    assert "passed" == seen("video.exposure_pumping", lit).status


def test_pumping_is_found_where_it_is():
    hunting = spoilt(clip("video_tree_fixed.avi", 160), lambda picture: picture * 0.7, 6.0, 7.0)
    # Between two analysed pictures of this clip lies up to a third of a second.
    assert covers(seen("video.exposure_pumping", hunting), 6.0, 7.0, within_s=0.34)


def test_a_part_that_grows_dark_is_not_the_exposure():
    def shadow(picture):
        return np.concatenate((picture[:, : picture.shape[1] // 3] * 0.5, picture[:, picture.shape[1] // 3 :]), axis=1)

    shaded = spoilt(clip("video_tree_fixed.avi", 160), shadow, 6.0, 7.0)
    assert "passed" == seen("video.exposure_pumping", shaded).status
