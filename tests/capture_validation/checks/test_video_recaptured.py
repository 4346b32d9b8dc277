"""A screen that was filmed: found where its grid shows, and no real scene is taken for one."""

import cv2
import numpy as np
import pytest

from capture_validation.checks.video_recaptured import peak_db, third
from capture_validation.frequencies import frequencies, grid
from tests.capture_validation.watching import Drawn, Picture, clip, seen

#: Picture elements of the simulated screen along one pixel of what it shows.
CELL = 4


def filmed_from_a_screen(picture: Picture, scale: float, angle_deg: float) -> Picture:
    """The picture on a display with dark gaps between its elements, filmed at a scale and an angle, and compressed."""
    small = cv2.resize(picture, (400, 300), interpolation=cv2.INTER_AREA)
    element = np.ones((CELL, CELL))
    element[0] *= 0.35
    element[:, 0] *= 0.55
    light = np.kron((small / 255) ** 2.2, np.ones((CELL, CELL))) * np.tile(element, small.shape)
    height, width = light.shape
    size = int(width * scale * 0.9), int(height * scale * 0.9)
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), angle_deg, scale)
    turn[:, 2] += np.array(size) / 2 - (width / 2, height / 2)
    lens = cv2.GaussianBlur(light.astype(np.float32), (0, 0), 0.35 / scale)
    seen_light = np.clip(cv2.warpAffine(lens, turn, size) / element.mean(), 0, 1)
    noise = np.random.default_rng(0).normal(0, 2, seen_light.shape)
    frame = np.clip(seen_light ** (1 / 2.2) * 255 + noise, 0, 255).astype(np.uint8)
    return np.asarray(cv2.imdecode(cv2.imencode(".jpg", frame, [1, 85])[1], 0), np.uint8)


@pytest.mark.parametrize("name", ["video_station_5s.mp4", "video_doorknob_phone.mp4", "video_elf_480.webm"])
@pytest.mark.parametrize(("scale", "angle_deg"), [(0.4, 3.0), (0.44, -2.0)])
def test_a_screen_whose_grid_shows_is_found(name, scale, angle_deg):
    frames = [
        Drawn(filmed_from_a_screen(frame.picture, scale, angle_deg), frame.at_s) for frame in clip(name, 640)[:90:30]
    ]
    assert "hint" == seen("video.recaptured", frames).status


@pytest.mark.parametrize("name", ["video_station_5s.mp4", "video_doorknob_phone.mp4", "video_screen_recording_vfr.mp4"])
def test_a_real_scene_and_a_screen_recording_pass(name):
    """A screen that recorded itself has no grid: it is named by other means, if at all."""
    assert "passed" == seen("video.recaptured", clip(name)).status


def test_a_wall_has_no_peaks():
    assert peak_db(frequencies(np.full((400, 400), 90, np.uint8))) == pytest.approx(0, abs=0.5)


def test_a_fence_that_stands_upright_is_no_screen():
    upright = np.tile((np.arange(512) // 4 % 2 * 200).astype(np.uint8), (512, 1))
    level = peak_db(frequencies(upright))

    assert level is not None
    assert level < 24


def test_a_picture_too_small_for_a_grid_is_not_judged():
    assert peak_db(frequencies(np.zeros((127, 400), np.uint8))) is None
    assert "not_applicable" == seen("video.recaptured", [Drawn(np.zeros((90, 90), np.uint8), 0.0)]).status


@pytest.mark.parametrize("seed", range(20))
def test_the_third_highest_is_found_without_sorting_everything(seed: int):
    """Also where the highest share a row, are equal, or most of the table does not count."""
    random = np.random.default_rng(seed)
    table = random.integers(0, 40, (12, 30)).astype(np.float32)
    table[random.uniform(size=table.shape) < 0.8] = -np.inf
    table[seed % 12, :2] = 41

    assert np.sort(table.ravel())[-3] == third(table)


def test_frequencies_are_those_of_the_squares_spectrum():
    """Every place has the power that NumPy's transform finds there, and stands where the grid says."""
    picture = np.random.default_rng(0).integers(0, 256, (130, 200), np.uint8)
    square = picture[1:129, 36:164].astype(float)
    window = cv2.createHanningWindow((128, 128), cv2.CV_64F) ** 2
    expected = np.abs(np.fft.fftshift(np.fft.rfft2((square - square.mean()) * window), axes=0))[:, 1:-1] ** 2

    powers = frequencies(picture)

    assert powers == pytest.approx(expected, rel=1e-3, abs=1)
    assert all(np.allclose(one, other) for one, other in zip(
        (axis.ravel() for axis in grid(128)), (np.fft.fftshift(np.fft.fftfreq(128)), np.fft.rfftfreq(128)[1:-1]),
        strict=True,
    ))  # fmt: skip


def test_a_picture_of_under_64_pixels_has_no_frequencies():
    assert frequencies(np.zeros((63, 640), np.uint8)) is None
