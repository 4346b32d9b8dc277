"""Focus, smear, noise, squares, combs, bars and blown-up pictures, made from real clips."""

import cv2
import numpy as np
import pytest

from tests.capture_validation.watching import Drawn, clip, covers, seen, spoilt

CLEAN = [
    "video_station_5s.mp4",
    "video_face_h264.mp4",
    "video_note1_android_rot_gps.mp4",
    "video_bracelet_iphone_hevc_gps.mp4",
]
LOOKS = [
    "video.bars", "video.blocking", "video.interlaced", "video.motion_blur", "video.noise", "video.sharpness",
    "video.upscaled",
]  # fmt: skip


@pytest.mark.parametrize("name", LOOKS)
@pytest.mark.parametrize("file", CLEAN)
def test_clean_clips_pass(name, file):
    assert "passed" == seen(name, clip(file)).status


def out_of_focus(picture):
    return cv2.GaussianBlur(picture, (0, 0), 3)


def smeared(picture):
    return cv2.blur(picture, (13, 1))


def squeezed(picture):
    return cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 8])[1], cv2.IMREAD_GRAYSCALE)


def grainy(picture):
    return picture + np.random.default_rng(picture.shape[0]).normal(0, 20, picture.shape)


def blown_up(picture):
    small = cv2.resize(picture, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    return cv2.resize(small, picture.shape[::-1], interpolation=cv2.INTER_CUBIC)


@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("video.sharpness", out_of_focus),
        ("video.motion_blur", smeared),
        ("video.motion_blur", lambda picture: smeared(picture.T.copy()).T),
        ("video.noise", grainy),
    ],
)
def test_a_spoilt_stretch_is_found_where_it_is(name, defect):
    result = seen(name, spoilt(clip("video_station_5s.mp4"), defect, 1.1, 3.4))
    assert result.status in {"hint", "failed"}
    assert covers(result, 1.1, 3.4)


@pytest.mark.parametrize("file", CLEAN)
@pytest.mark.parametrize(
    ("name", "defect"),
    [
        ("video.sharpness", out_of_focus),
        ("video.blocking", squeezed),
        ("video.noise", grainy),
        ("video.upscaled", blown_up),
    ],
)
def test_a_spoilt_clip_fails(name, defect, file):
    assert seen(name, spoilt(clip(file, 640)[:30:8], defect)).status in {"hint", "failed"}


@pytest.mark.parametrize(("grain", "status"), [(0, "passed"), (10, "hint")])
def test_a_lawn_is_not_grainy_by_itself(grain, status):
    """Blades a pixel wide all over the picture, and the same with grain: it alone goes when pixels merge."""
    random = np.random.default_rng(0)
    lawn = cv2.GaussianBlur(random.normal(0, 1, (360, 640)), (0, 0), 0.6)
    lawn = 120 + 20 * lawn / lawn.std() + random.normal(0, grain, lawn.shape)
    frames = [Drawn(np.clip(lawn, 0, 255).astype(np.uint8), second) for second in range(3)]

    assert status == seen("video.noise", frames).status


def test_a_missed_focus_is_no_smear():
    frames = spoilt(clip("video_station_5s.mp4")[::15], out_of_focus)
    assert "passed" == seen("video.motion_blur", frames).status


@pytest.mark.parametrize("pixels", [15, 21, 41])
@pytest.mark.parametrize("turned_deg", [0, 22, 45, 70])
def test_a_movement_is_found_however_long_and_wherever_it_goes(pixels: int, turned_deg: float):
    line = np.zeros((pixels, pixels), np.float32)
    line[pixels // 2] = 1
    line = cv2.warpAffine(line, cv2.getRotationMatrix2D((pixels // 2, pixels // 2), turned_deg, 1), line.shape)
    moved = spoilt(clip("video_elf_480.webm")[:60:15], lambda one: cv2.filter2D(one, -1, line / line.sum()))

    assert "hint" == seen("video.motion_blur", moved).status


@pytest.mark.parametrize("turned", [False, True])
def test_a_wall_of_even_lines_is_not_smeared(turned):
    """Soft planks and the grain of the camera: sharp along them, soft across, and nobody moved."""
    random = np.random.default_rng(0)
    planks = 120 + 50 * np.sin(np.arange(360) / 14)[:, None] + np.zeros(640)
    frames = [np.clip(planks + random.normal(0, 4, (360, 640)), 0, 255).astype(np.uint8) for _ in range(4)]
    wall = [Drawn(np.ascontiguousarray(one.T if turned else one), at / 4) for at, one in enumerate(frames)]

    assert seen("video.motion_blur", wall).status in {"passed", "not_applicable"}


def pond():
    """Waves that are long one way, and a bird with a sharp outline."""
    waves = cv2.blur(np.random.default_rng(0).normal(0, 60, (360, 640)), (31, 1))
    waves = cv2.GaussianBlur(waves, (0, 0), 0.8) + 120
    return cv2.ellipse(waves, (320, 180), (120, 80), 30, 0, 360, 20, cv2.FILLED)


@pytest.mark.parametrize("turned", [False, True])
def test_what_stands_sharp_before_water_shows_that_nobody_moved(turned):
    still, moved = pond(), smeared(pond())
    for picture, status in ((still, "passed"), (moved, "hint")):
        drawn = np.clip(picture.T if turned else picture, 0, 255).astype(np.uint8)
        frames = [Drawn(np.ascontiguousarray(drawn), at / 4) for at in range(4)]
        assert status == seen("video.motion_blur", frames).status


@pytest.mark.parametrize("contrast", [0.4, 0.2])
def test_poor_light_is_no_missed_focus(contrast):
    frames = spoilt(clip("video_note1_android_rot_gps.mp4"), lambda picture: picture * contrast + 60)
    assert seen("video.sharpness", frames).status in {"passed", "not_applicable"}


def test_a_bare_wall_cannot_be_judged():
    wall = [Drawn(np.full((360, 640), 150, np.uint8), index / 4) for index in range(8)]
    for name in ("video.sharpness", "video.motion_blur", "video.upscaled"):
        assert "not_applicable" == seen(name, wall).status


def test_squares_are_found_at_every_offset():
    """A crop moves the grid of the codec."""
    for offset in (0, 3, 5):
        frames = spoilt(clip("video_face_h264.mp4", 640)[::8], squeezed)
        moved = [Drawn(f.picture[offset:, offset:].copy(), f.at_s) for f in frames]
        assert "hint" == seen("video.blocking", moved).status


def test_woven_fields_are_combed():
    frames = clip("video_station_5s.mp4")
    woven = []
    for now, later in zip(frames[:-4:4], frames[4::4], strict=False):
        picture = now.picture.copy()
        picture[1::2] = np.roll(later.picture, 6, axis=1)[1::2]
        woven.append(Drawn(picture, now.at_s))
    assert "hint" == seen("video.interlaced", woven).status


@pytest.mark.parametrize("turned", [False, True])
def test_bars_are_measured_by_their_area(turned):
    def barred(picture):
        picture = picture.copy()
        picture[:24], picture[-24:] = 4, 4
        return picture.T if turned else picture

    result = seen("video.bars", spoilt(clip("video_station_5s.mp4")[::15], barred))
    assert "hint" == result.status
    assert pytest.approx(20.0, abs=1.0) == result.value


@pytest.mark.parametrize("softness", [0, 6])
def test_a_dark_half_of_the_scene_is_no_bar(softness):
    """A camera sees something in the dark, and what it sees seldom ends in one line."""
    random = np.random.default_rng(0)

    def night(picture):
        light = np.where(np.arange(picture.shape[1]) < picture.shape[1] // 2, 0.0, 1.0)[None]
        light = cv2.GaussianBlur(light, (0, 0), softness) if softness else light
        return picture * light + (random.uniform(0, 14, picture.shape) if not softness else 0)

    assert "passed" == seen("video.bars", spoilt(clip("video_station_5s.mp4")[::15], night)).status


@pytest.mark.parametrize("turns", range(4))
def test_a_bar_on_one_side_alone_is_measured(turns):
    """As an editing app leaves it, with the traces that compression makes beside the edge."""

    def barred(picture):
        picture = np.rot90(picture, turns).copy()
        picture[:, : picture.shape[1] // 5] = 1
        picture[::7, picture.shape[1] // 5 - 1] = 30
        return np.rot90(picture, -turns)

    result = seen("video.bars", spoilt(clip("video_station_5s.mp4")[::15], barred))
    assert "hint" == result.status
    assert pytest.approx(20.0, abs=1.0) == result.value


def test_the_pillars_of_the_shared_media_are_found():
    assert "hint" == seen("video.bars", clip("video_pattern_grey.mp4", 640)).status


def test_a_small_thing_that_moves_is_combed_enough():
    """Something of a fortieth of the picture moves before a wall, in a picture woven from two moments."""
    wall = cv2.GaussianBlur(np.random.default_rng(0).integers(90, 130, (480, 640), np.uint8), (0, 0), 2)
    now, later = wall.copy(), wall.copy()
    now[150:350, 300:340], later[150:350, 312:352] = 220, 220
    woven = np.where(np.arange(480)[:, None] % 2 > 0, later, now)

    assert "passed" == seen("video.interlaced", [Drawn(now, second) for second in range(3)]).status
    assert "hint" == seen("video.interlaced", [Drawn(woven, second) for second in range(3)]).status


@pytest.mark.parametrize("apart", [1, 2])
@pytest.mark.parametrize("file", ["video_note2_android_rot_gps.mp4", "video_station_5s.mp4"])
def test_a_hand_that_hardly_moves_combs_as_well(file, apart):
    """Real pictures one and two frames apart, woven: the comb is a pixel deep in places."""
    frames = clip(file)[20:60]
    lines = np.arange(len(frames[0].picture))[:, None] % 2 > 0
    woven = [
        Drawn(np.where(lines, later.picture, now.picture), now.at_s)
        for now, later in zip(frames[:-apart], frames[apart:], strict=True)
    ]
    assert "passed" == seen("video.interlaced", frames).status
    assert "hint" == seen("video.interlaced", woven).status


def test_pixels_that_were_doubled_are_no_comb():
    """They alternate from line to line on every slope, but from column to column as well."""
    frames = spoilt(clip("video_station_5s.mp4", 320)[::15], lambda one: one.repeat(2, axis=0).repeat(2, axis=1))
    assert "passed" == seen("video.interlaced", frames).status


@pytest.mark.parametrize("sigma", [3, 6])
def test_noise_is_no_comb(sigma):
    """It changes from line to line as much as a comb does, but from every second line as well."""
    random = np.random.default_rng(0)
    seconds = clip("video_station_5s.mp4")[::60]
    frames = spoilt(seconds, lambda picture: picture + random.normal(0, sigma, picture.shape))
    assert "passed" == seen("video.interlaced", frames).status
