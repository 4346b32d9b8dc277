"""A decoded picture gives the same brightness whichever way it is asked for."""

from collections.abc import Iterator

import av
import cv2
import numpy as np
import pytest

from capture_validation.decode import VideoFrame, open_recording
from capture_validation.pictures import Scaler, narrowed, shrunk
from tests.media import media

#: Eight bits upright and turned, ten bits turned, AV1 in portrait, VP9, and a format that mixes brightness and colours.
NAMES = [
    "video_station_5s.mp4", "video_keys_rot90.mov", "video_keys_rot270.mov", "video_fire_android_rot180_gps.mp4",
    "video_roof_iphone_dolbyvision.mov", "video_roof_av1_hdr_portrait.mp4", "video_bear_vp9.webm",
    "video_tree_fixed.avi",
]  # fmt: skip


def first(name: str) -> Iterator[VideoFrame]:
    with media(name).open("rb") as file, open_recording(file) as recording:
        yield next(part for part in recording.read() if isinstance(part, VideoFrame))


@pytest.mark.parametrize("name", NAMES)
def test_the_middle_is_cut_from_the_whole_picture(name: str):
    for frame in first(name):
        whole = frame.luma(max(frame.width, frame.height)).astype(int)
        top, left = (frame.height - 128) // 2, (frame.width - 128) // 2

        apart = np.abs(frame.middle(128) - whole[top : top + 128, left : left + 128])
        # FFmpeg rounds dark tones down where a file names its range; a picture moved by one pixel is 5 apart.
        assert apart.mean() < 1.5
        assert apart.max() <= 6


def test_the_middle_has_its_pixels_as_they_are_stored():
    """Stretched to squares, a picture would lose the codec's own squares: so did films of the first camera phones."""
    stored = np.random.default_rng(2).integers(0, 256, (288, 352)).astype(np.uint8)
    grey = av.VideoFrame.from_ndarray(np.vstack([stored, np.full((144, 352), 128, np.uint8)]), "yuvj420p")
    frame = VideoFrame(grey, 0.0, 0.04, 90, 16 / 11, Scaler())

    assert (288, 512) == (frame.width, frame.height)
    assert np.array_equal(np.rot90(stored, -1)[112:240, 80:208], frame.middle(128))


@pytest.mark.parametrize("name", NAMES)
def test_a_glance_shows_what_the_small_picture_shows(name: str):
    """It leaves lines out, so edges differ, but neither the light nor the scene."""
    for frame in first(name):
        small, glance = frame.luma(160), frame.glance(160)

        assert small.shape == glance.shape
        assert abs(float(small.mean()) - float(glance.mean())) < 2
        blurred = [cv2.GaussianBlur(one, (0, 0), 2).ravel() for one in (small, glance)]
        assert np.corrcoef(*blurred)[0, 1] > 0.99


@pytest.mark.parametrize("size", [(180, 1920), (180, 1281), (181, 1280), (240, 854), (270, 1440), (100, 200)])
@pytest.mark.parametrize("bits", [8, 10])
def test_halving_first_changes_no_brightness(size: tuple[int, int], bits: int):
    """Whether the sides divide by two or not, and whole pixels of the result or parts of them fall on a pair."""
    noise = np.random.default_rng(1).uniform(0, 1 << bits, size)
    lines = cv2.GaussianBlur(noise, (0, 0), 3).astype(np.uint8 if bits == 8 else np.uint16)

    apart = shrunk(lines, 160, 90).astype(int) - cv2.resize(lines, (160, 90), interpolation=cv2.INTER_AREA)

    assert (90, 160) == apart.shape
    assert abs(apart).max() <= 2 << bits - 8
    assert abs(apart.mean()) < 0.2


def test_a_picture_that_was_forgotten_cannot_be_looked_at():
    with media("video_station_5s.mp4").open("rb") as file, open_recording(file) as recording:
        frame = next(part for part in recording.read() if isinstance(part, VideoFrame))
        frame.forget()

    for look in (frame.glance, lambda: frame.middle(64), frame.luma):
        with pytest.raises(RuntimeError, match="only until"):
            look()


@pytest.mark.parametrize("size", [(240, 848), (190, 2704), (184, 1376)])
@pytest.mark.parametrize("bits", [8, 10])
def test_what_does_not_come_out_even_is_nearly_the_same(size: tuple[int, int], bits: int):
    """A picture as rich as can be, every pixel of the result unlike the next, and no lighter or darker as a whole."""
    noise = np.random.default_rng(1).uniform(0, 1, size)
    rich = cv2.GaussianBlur(noise, (0, 0), sigmaX=size[1] / 160, sigmaY=size[0] / 90)
    spread = (rich - rich.min()) / np.ptp(rich) * ((1 << bits) - 1)
    lines = spread.astype(np.uint8 if bits == 8 else np.uint16)

    whole = cv2.resize(lines, (160, 90), interpolation=cv2.INTER_AREA).astype(int)
    apart = (shrunk(lines, 160, 90) - whole) / (1 << bits - 8)

    assert whole.std() > 20 << bits - 8
    assert abs(apart).mean() < 2
    assert abs(apart.mean()) < 0.2


@pytest.mark.parametrize("parts", [2, 4, 6, 12, 24])
def test_lines_are_narrowed_as_opencv_averages_them(parts: int):
    """Usual widths are even parts of each other; no number comes out another way by more than 1."""
    lines = np.random.default_rng(0).integers(0, 256, (45, 80 * parts), np.uint8)
    lines[:2] = 255

    apart = narrowed(lines, 80).astype(int) - cv2.resize(lines, (80, 45), interpolation=cv2.INTER_AREA)

    assert abs(apart).max() <= 1
    assert abs(float(apart.mean())) < 0.1
