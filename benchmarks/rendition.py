"""What a cleaned copy costs, and how well it keeps what was not to be hidden.

There is no peer that finds and hides faces and encodes in one go; the floor is the same pictures, decoded and encoded
by the same encoder at the same setting, with nothing looked for. Likeness is SSIM on brightness (Wang et al. 2004,
equation 13, a Gaussian window of 1.5 pixels), outside the places that were hidden and a margin around them; as stored,
and at a long side of 640 pixels, where what an encoder smooths is half gone in both.
"""

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.comparison import cost_of, table
from benchmarks.video import FILMS, MEDIA, TAKE, film
from capture_validation.clean.choices import Choices
from capture_validation.clean.cover import Cover, Place
from capture_validation.clean.left_over import LeftOver
from capture_validation.clean.rendition import looked, render
from capture_validation.decode import VideoFrame, open_recording
from capture_validation.sandbox.warmup import warm_up
from capture_validation.xray.models import models

Levels = NDArray[np.float32]
#: People near and far, in the open and inside, 35 seconds; and a face that fills the picture.
PEOPLE = ("video_courtyard_people.mp4", "video_face_h264.mp4")
#: Every so many pictures are compared, and what lies so near a hidden place, in pixels, is not: the window reaches in.
EVERY, MARGIN = 5, 8
STABLE = 6.5025, 58.5225

#: The long side that copies are also compared at, in pixels: about a phone's.
SMALL = 640

HEAD = ["Cleaned copy", "seconds", "CPU s per s", "x real time", "hidden for s", "SSIM", "lowest", "at 640", "lowest"]


def main() -> None:
    """Make copies of a film and of takes with people, and print what they cost and keep."""
    if not (MEDIA / TAKE).is_file():
        print(f"\nCleaned copies: skipped, there is no {MEDIA / TAKE} (COMPANION_TEST_MEDIA)")
        return
    warm_up()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        phone = film(folder, FILMS[1])
        keep = Choices(faces="keep", seen_agreed=True)
        ways = [(phone, "1080p, encoded only", keep), (phone, "1080p, H.264", Choices())]
        ways.append((phone, "1080p, AV1", Choices(profile="av1")))
        ways += [(MEDIA / people, people, Choices()) for people in PEOPLE]
        rows = [row(file, folder / "copy.mp4", what, choices) for file, what, choices in ways]
    print(table("Cleaned copies: faces looked for five times a second and blurred", HEAD, rows))


def row(file: Path, copy: Path, what: str, choices: Choices) -> list[str]:
    """Make one copy in a process of its own and compare it with its original."""
    cost = cost_of(partial(cleaned, file, copy, choices), models)
    with file.open("rb") as opened:
        cover = Cover(looked(opened, choices, models(), lambda _: None)[0])
    alike, smaller = zip(*likeness(file, copy, cover), strict=True)
    seconds = length_s(file)
    hidden = sum(end - start for start, end in cover.stretches())
    return [
        what, f"{seconds:.1f}", f"{cost.cpu_s / seconds:.2f}", f"{seconds / cost.wall_s:.2f}", f"{hidden:.1f}",
        f"{np.mean(alike):.4f}", f"{min(alike):.4f}", f"{np.mean(smaller):.4f}", f"{min(smaller):.4f}",
    ]  # fmt: skip


def cleaned(file: Path, copy: Path, choices: Choices) -> None:
    """Write the copy, as the sandbox does."""
    cv2.setNumThreads(1)
    with file.open("rb") as opened, copy.open("wb+") as out:
        render(opened, out, choices, models(), LeftOver(), lambda _: None)


def length_s(file: Path) -> float:
    """How long the pictures of a recording are shown."""
    with file.open("rb") as opened, open_recording(opened) as recording:
        for _ in recording.read():
            pass
        return recording.video_end.decoded_duration_s


def brightness(file: Path) -> Iterator[tuple[float, Levels]]:
    """When every fifth picture is shown and its brightness, float32 (height, width), 0 to 255."""
    with file.open("rb") as opened, open_recording(opened) as recording:
        shown = (part for part in recording.read() if isinstance(part, VideoFrame))
        for number, frame in enumerate(shown):
            if number % EVERY == 0:
                yield frame.at_s, frame.luma(max(frame.width, frame.height)).astype(np.float32)


def likeness(file: Path, copy: Path, cover: Cover) -> Iterator[tuple[float, float]]:
    """SSIM of each compared picture outside what is hidden, where anything is left outside: as stored, and at 640."""
    for (at_s, before), (_, after) in zip(brightness(file), brightness(copy), strict=True):
        height, width = (min(sides) for sides in zip(before.shape, after.shape, strict=True))
        pairs = [(before[:height, :width], after[:height, :width])]
        scale = min(1.0, SMALL / max(height, width))
        size = round(width * scale), round(height * scale)
        pairs.append(tuple(np.asarray(cv2.resize(one, size, interpolation=cv2.INTER_AREA)) for one in pairs[0]))
        seen = [open_parts(one.shape, cover.at(at_s)) for one, _ in pairs]
        if all(part.any() for part in seen):
            stored, small = (float(ssim(*pair)[part].mean()) for pair, part in zip(pairs, seen, strict=True))
            yield stored, small


def open_parts(shape: tuple[int, int], places: list[Place]) -> NDArray[np.bool_]:
    """Which pixels lie outside all hidden places, bool (height, width)."""
    seen, (height, width) = np.ones(shape, bool), shape
    for left, top, right, bottom in places:
        rows = slice(max(int(top * height) - MARGIN, 0), int(bottom * height) + MARGIN + 1)
        seen[rows, max(int(left * width) - MARGIN, 0) : int(right * width) + MARGIN + 1] = False
    return seen


def ssim(one: Levels, other: Levels) -> Levels:
    """Structural similarity at every pixel, float32 (height, width), at most 1."""
    means = mean(one), mean(other)
    spreads = mean(one * one) - means[0] ** 2, mean(other * other) - means[1] ** 2
    shared = mean(one * other) - means[0] * means[1]
    light = (2 * means[0] * means[1] + STABLE[0]) / (means[0] ** 2 + means[1] ** 2 + STABLE[0])
    return np.asarray(light * (2 * shared + STABLE[1]) / (sum(spreads) + STABLE[1]), np.float32)


def mean(picture: Levels) -> Levels:
    """The mean around each pixel under a Gaussian window."""
    return np.asarray(cv2.GaussianBlur(picture, (11, 11), 1.5), np.float32)


if __name__ == "__main__":
    main()
