"""Frozen, repeated, cut, shaken and flickering pictures, made from real clips."""

import cv2
import numpy as np
import pytest

from capture_validation.checks.video_scene_cuts import quarters
from tests.capture_validation.watching import Drawn, clip, covers, retimed, seen, still

MOTION = ["video.flicker", "video.frozen", "video.repeated_frames", "video.scene_cuts", "video.shake"]


def scene():
    """Five seconds of a street at thirty pictures a second, hand-held."""
    return [frame for index, frame in enumerate(clip("video_station_5s.mp4")) if index % 2 == 0]


@pytest.mark.parametrize("name", MOTION)
@pytest.mark.parametrize(
    "file", ["video_station_5s.mp4", "video_rabbit_320.mp4", "video_face_av1.mp4", "video_bear_vp9.webm"]
)
def test_clean_clips_pass(name, file):
    assert seen(name, clip(file, 640)).status in {"passed", "not_applicable"}


def test_a_frozen_stretch_is_found_where_it_is():
    frames = scene()
    frozen = [Drawn(frames[45].picture, f.at_s) if 1.0 <= f.at_s < 4.7 else f for f in frames]
    result = seen("video.frozen", frozen)
    assert "failed" == result.status
    assert pytest.approx(3.7, abs=0.3) == result.value
    assert covers(result, 1.0, 4.7)


def test_a_still_with_a_trace_of_noise_is_still_frozen():
    """Compression leaves a trace between repeated frames."""
    rng = np.random.default_rng(1)
    trace = [np.where(rng.random((240, 320)) < 0.01, 1, 0).astype(np.uint8) for _ in range(8)]
    frozen = [Drawn(scene()[9].picture + trace[index % 8], index / 30) for index in range(120)]
    assert "failed" == seen("video.frozen", frozen).status


def test_what_hardly_moves_in_the_dark_is_not_refused():
    """Two flies on black, of which one turns a little now and then: all else is as still as any frozen picture."""
    frames = []
    for index in range(150):
        picture = np.full((512, 512), 9, np.uint8)
        cv2.ellipse(picture, (150, 200), (40, 14), 20 + index // 4 % 3, 0, 360, 220, -1)
        cv2.ellipse(picture, (330, 310), (40, 14), 70, 0, 360, 200, -1)
        frames.append(Drawn(picture, index / 30))
    result = seen("video.frozen", frames)
    assert ("hint", "hardly-moves", 3.0) == (result.status, result.code, result.value)
    assert result.parameters["still_s"] > 4


def test_every_second_frame_repeated_is_a_fake_frame_rate():
    doubled = [Drawn(frame.picture, (2 * i + half) / 60) for i, frame in enumerate(scene()[:90]) for half in (0, 1)]
    result = seen("video.repeated_frames", doubled)
    assert "hint" == result.status
    assert pytest.approx(50.0, abs=3.0) == result.value


def test_repetition_is_found_where_it_is():
    frames = scene()
    held = [frames[i - i % 2] if 1.5 <= frame.at_s < 3.5 else frame for i, frame in enumerate(frames)]
    assert covers(seen("video.repeated_frames", retimed(held, (f.at_s for f in frames))), 1.5, 3.5)


def test_the_doubled_part_of_the_shared_media_is_found():
    """This clip shows 60 pictures a second for five seconds, then every picture twice."""
    result = seen("video.repeated_frames", clip("video_station_60fps_15s.mp4", 160))
    assert "hint" == result.status
    assert covers(result, 5.0, 15.5)


def test_a_still_scene_is_not_repetition():
    assert "passed" == seen("video.repeated_frames", still(90)).status


def test_a_cut_is_counted_and_shown():
    other = clip("video_rabbit_320.mp4")
    spliced = retimed([*scene()[:60], *other[:60], *scene()[60:120]], (index / 30 for index in range(180)))
    result = seen("video.scene_cuts", spliced)
    assert 2.0 == result.value
    assert [2.0, 4.0] == [span.start_s for span in result.spans]


@pytest.mark.parametrize("at", [0, -1])
def test_a_black_picture_at_the_edge_is_no_shot(at):
    """Some phones begin with one."""
    frames = scene()[:60]
    frames[at] = Drawn(np.zeros_like(frames[at].picture), frames[at].at_s)
    assert "passed" == seen("video.scene_cuts", frames).status


def test_a_flash_is_no_cut():
    frames = scene()
    frames[70] = Drawn(np.full_like(frames[70].picture, 250), frames[70].at_s)
    assert "passed" == seen("video.scene_cuts", frames).status


def test_a_lamp_that_is_switched_on_is_no_cut():
    lit = [Drawn((f.picture * (1.0 if i < 45 else 0.55)).astype(np.uint8), f.at_s) for i, f in enumerate(still(90))]
    assert "passed" == seen("video.scene_cuts", lit).status


def test_a_wall_that_crosses_into_the_next_class_of_brightness_is_no_cut():
    """Nearly all its pixels change their class, by two levels."""
    soft = cv2.GaussianBlur(np.random.default_rng(5).normal(0, 60, (120, 160)), (0, 0), 9)
    wall = np.clip(158 + soft, 154, 159).astype(np.uint8)
    frames = [Drawn(wall + np.uint8(4 if index >= 30 else 0), index / 30) for index in range(60)]
    assert "passed" == seen("video.scene_cuts", frames).status


def test_what_happens_in_a_pause_is_no_cut():
    """The camera hung for a second; the pause is told by its own check."""
    other = clip("video_rabbit_320.mp4")
    paused = retimed([*scene()[:60], *other[:60]], (index / 30 + (index >= 60) for index in range(120)))
    assert "passed" == seen("video.scene_cuts", paused).status


def shaken(frames, share):
    """The frames moved by a trembling hand: three tones between 4 and 9 Hz in each direction."""
    rng, moved = np.random.default_rng(3), []
    tones, phases = rng.uniform(4, 9, (2, 3)), rng.uniform(0, 6.28, (2, 3))
    for frame in frames:
        height, width = frame.picture.shape
        dx, dy = (np.sin(6.28 * tones * frame.at_s + phases).sum(axis=1) / 3 * share * width).tolist()
        matrix = np.float32([[1.15, 0, dx - 0.075 * width], [0, 1.15, dy - 0.075 * height]])
        moved.append(Drawn(cv2.warpAffine(frame.picture, matrix, (width, height)), frame.at_s))
    return moved


def test_a_trembling_hand_is_found_where_it_is():
    frames = scene()
    mixed = [trembling if 1.5 <= f.at_s < 4.0 else f for f, trembling in zip(frames, shaken(frames, 0.05), strict=True)]
    result = seen("video.shake", mixed)
    assert "hint" == result.status
    assert covers(result, 1.5, 4.0, within_s=0.5)


def test_an_even_pan_is_no_shake():
    wide = cv2.resize(scene()[0].picture, (960, 240))
    pan = [Drawn(wide[:, 4 * index : 4 * index + 320].copy(), index / 30) for index in range(120)]
    assert "passed" == seen("video.shake", pan).status


@pytest.mark.parametrize("depth", [0.03, 0.1])
def test_a_lamp_that_pulses_is_found(depth):
    pulsing = [
        Drawn((f.picture * (0.9 + depth * np.sin(6.28 * 10.3 * f.at_s))).astype(np.uint8), f.at_s) for f in scene()
    ]
    assert "hint" == seen("video.flicker", pulsing).status


def test_flicker_is_shown_where_it_is():
    pulsing = [
        Drawn((f.picture * (0.9 + 0.05 * np.sin(6.28 * 10.3 * f.at_s))).astype(np.uint8), f.at_s)
        if 1 <= f.at_s < 3
        else f
        for f in scene()
    ]
    assert covers(seen("video.flicker", pulsing), 1.0, 3.0)


def test_a_moving_part_is_no_flicker():
    """Wings that beat in a third of the picture make the whole of it brighter and darker."""
    beating = []
    for frame in scene():
        picture = frame.picture.copy()
        wings = picture[:, : picture.shape[1] // 3]
        wings[:] = np.clip(wings * (1 + 0.6 * np.sin(6.28 * 10.3 * frame.at_s)), 0, 255)
        beating.append(Drawn(picture, frame.at_s))
    assert "passed" == seen("video.flicker", beating).status


def test_what_is_swept_past_the_lens_is_no_flicker():
    """Dark and light things fly past, so that each picture is brighter or darker as a whole than the one before."""
    random = np.random.default_rng(0)
    frames = []
    for index in range(90):
        things = cv2.resize(random.integers(0, 256, (9, 16), np.uint8), (320, 180), interpolation=cv2.INTER_CUBIC)
        frames.append(Drawn(things, index / 30))
    assert seen("video.flicker", frames).status in {"passed", "not_applicable"}


def test_leaps_between_repeated_pictures_are_no_flicker():
    """Fifteen pictures a second written out as thirty, while the light slowly changes: it goes by steps."""
    ramp = [0.4 + 0.6 * abs(np.sin(2 * (i - i % 2) / 30)) for i in range(150)]
    frames = [Drawn((scene()[0].picture * light).astype(np.uint8), i / 30) for i, light in enumerate(ramp)]
    assert "not_applicable" == seen("video.flicker", frames).status


@pytest.mark.parametrize("size", [(2, 160), (1, 1)])
def test_a_picture_without_parts_cannot_flicker(size):
    frames = [Drawn(np.full(size, 90 + index % 3 * 40, np.uint8), index / 30) for index in range(30)]
    assert "not_applicable" == seen("video.flicker", frames).status


@pytest.mark.parametrize("size", [(90, 160), (91, 121), (1, 1)])
def test_the_shares_of_each_quarter_make_a_whole(size):
    """Also where an odd side makes quarters of different size; one that has no pixels has no shares."""
    shares = quarters(np.random.default_rng(0).integers(0, 256, size, np.uint8)).reshape(4, 16).sum(axis=1)

    assert [1.0] * (4 if min(size) > 1 else 1) == pytest.approx(sorted(shares)[-4 if min(size) > 1 else -1 :])
