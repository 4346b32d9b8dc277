"""Bars that an app filled are told from what a camera saw, and black ones as before."""

import cv2
import numpy as np
import pytest

from tests.capture_validation.watching import Drawn, Picture, seen

WALL = cv2.resize(np.random.default_rng(2).integers(30, 226, (40, 72), np.uint8), (640, 360))


def moving(bars: Picture | None = None, width: int = 120) -> list[Drawn]:
    """Two seconds of a scene that moves, four pictures a second, with bars of some content at its sides."""
    pictures = []
    for number in range(8):
        picture = np.roll(WALL, 7 * number, axis=(0, 1))
        if bars is not None:
            picture[:, :width], picture[:, -width:] = bars[:, :width], bars[:, -width:]
        pictures.append(Drawn(picture, number / 4, 0.25))
    return pictures


def compressed(frames: list[Drawn]) -> list[Drawn]:
    """The same as a messenger sends it."""
    coded = (cv2.imencode(".jpg", frame.picture, [cv2.IMWRITE_JPEG_QUALITY, 60])[1] for frame in frames)
    return [
        Drawn(cv2.imdecode(code, cv2.IMREAD_GRAYSCALE), frame.at_s, 0.25)
        for code, frame in zip(coded, frames, strict=True)
    ]


@pytest.mark.parametrize(
    "bars",
    [np.full_like(WALL, 90), np.full_like(WALL, 235), cv2.GaussianBlur(WALL, (0, 0), 25)],
    ids=["grey", "white", "blurred copy"],
)
def test_bars_that_an_app_filled_are_found(bars: Picture):
    for frames in (moving(bars), compressed(moving(bars))):
        told = seen("video.bars", frames)

        assert "filled" == told.code
        assert told.value == pytest.approx(100 * 240 / 640, abs=0.7)


def test_bars_above_and_below_are_found():
    upright = [
        Drawn(np.ascontiguousarray(frame.picture.T), frame.at_s, 0.25) for frame in moving(np.full_like(WALL, 90))
    ]

    assert "filled" == seen("video.bars", upright).code


def test_black_bars_are_called_black():
    told = seen("video.bars", moving(np.full_like(WALL, 16)))

    assert "too-high" == told.code
    assert told.value == pytest.approx(100 * 240 / 640, abs=0.5)


def test_a_scene_without_bars_has_none():
    """Neither one that is sharp everywhere, nor one before bare walls, nor one with a bar on one side alone."""
    bare = np.full_like(WALL, 90)
    one_sided = [
        Drawn(np.concatenate([frame.picture[:, :520], bare[:, 520:]], axis=1), frame.at_s, 0.25) for frame in moving()
    ]
    shade = np.clip((np.arange(640) - 120) / 60, 0, 1) * np.clip((520 - np.arange(640)) / 60, 0, 1)
    soft = [
        Drawn((shade * frame.picture + (1 - shade) * bare).astype(np.uint8), frame.at_s, 0.25) for frame in moving()
    ]

    for frames in (moving(), one_sided, soft):
        assert ("passed", 0.0) == (seen("video.bars", frames).status, seen("video.bars", frames).value)


def test_a_picture_of_a_few_points_has_no_bars():
    for size in ((1, 1), (1, 9), (9, 1), (3, 3)):
        frames = [Drawn(np.full(size, 200, np.uint8), number / 4, 0.25) for number in range(4)]

        assert 0.0 == seen("video.bars", frames).value
