"""The picture of a pair: time of the new recording against time of the held one, and what they share.

Every dot is a word that both contain. A copy draws a straight line; two takes of one sentence draw a cloud.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from capture_validation.duplicates.audio import FRAME_S
from capture_validation.duplicates.audio_words import DOUBT, frame_of, triples, words
from capture_validation.duplicates.evidence import Match
from capture_validation.duplicates.recording import Fingerprints
from capture_validation.duplicates.video import VideoFingerprint
from capture_validation.duplicates.visual_words import visual_words
from capture_validation.sheet import font

#: Letters that are read on a telephone, where the picture is shown at less than half its size.
WIDTH, HEIGHT, EDGE, LETTERS = 900, 700, 96, 13
PAPER, INK, DOT, LINE, BAND = (255, 255, 255), (40, 40, 40), (30, 80, 170), (190, 40, 30), (250, 205, 190)
#: More dots than this would hide the line.
MOST_DOTS = 20_000

Times = NDArray[np.float64]


def alignment_picture(new: Fingerprints, held: Fingerprints, names: tuple[str, str], match: Match) -> Image.Image:
    """Draw a match, RGB 900 × 700. `names` are those of the new recording and of the held one."""
    picture = Image.new("RGB", (WIDTH, HEIGHT), PAPER)
    draw = ImageDraw.Draw(picture)
    scale = (WIDTH - 2 * EDGE) / max(new.seconds, 0.1), (HEIGHT - 2 * EDGE) / max(held.seconds, 0.1)
    _axes(draw, names, (new.seconds, held.seconds), match)
    for span in match.spans:
        ends = (span.new.start_s, span.held.start_s), (span.new.end_s, span.held.end_s)
        draw.line([(EDGE + a * scale[0], HEIGHT - EDGE - b * scale[1]) for a, b in ends], fill=BAND, width=13)
    x, y = shared_times(new, held, match)
    for left, up in zip((EDGE + x * scale[0]).tolist(), (HEIGHT - EDGE - y * scale[1]).tolist(), strict=True):
        draw.ellipse((left - 2, up - 2, left + 2, up + 2), fill=DOT)
    return picture


def save_picture(path: Path, picture: Image.Image) -> None:
    """Write a picture as PNG, whatever the path is called."""
    picture.save(path, format="PNG")


def shared_times(new: Fingerprints, held: Fingerprints, match: Match) -> tuple[Times, Times]:
    """When the words both contain are heard or seen, seconds of the new and of the held recording."""
    if match.kind == "video" and new.video and held.video:
        ours, theirs = _seen(new.video, mirrored=match.transformation.mirrored), _seen(held.video, mirrored=False)
    elif new.audio and held.audio:
        own, other = words(triples(new.audio.peaks), DOUBT), words(triples(held.audio.peaks))
        ours = own.word, np.asarray(frame_of(own.place) * FRAME_S, np.float64)
        theirs = other.word, np.asarray(frame_of(other.place) * FRAME_S, np.float64)
    else:
        return np.zeros(0), np.zeros(0)
    return _common(ours, theirs)


def _seen(video: VideoFingerprint, *, mirrored: bool) -> tuple[NDArray[np.int64], Times]:
    nothing = np.zeros(0, np.int64)
    found = [visual_words(key.features.mirrored if mirrored else key.features.bits).ravel() for key in video.keys]
    times = [np.full(len(word), key.at_s) for word, key in zip(found, video.keys, strict=True)]
    return np.concatenate([nothing, *found]), np.concatenate([np.zeros(0), *times])


def _common(ours: tuple[NDArray[np.int64], Times], theirs: tuple[NDArray[np.int64], Times]) -> tuple[Times, Times]:
    order = np.argsort(theirs[0], kind="stable")
    word, time = theirs[0][order], theirs[1][order]
    first, last = np.searchsorted(word, ours[0]), np.searchsorted(word, ours[0], "right")
    count = np.minimum(last - first, 50)
    begin = np.repeat(first - np.cumsum(count) + count, count)
    hit = begin + np.arange(int(count.sum()))
    x, y = np.repeat(ours[1], count), time[hit]
    step = max(1, len(x) // MOST_DOTS)
    return x[::step], y[::step]


def _axes(draw: ImageDraw.ImageDraw, names: tuple[str, str], seconds: tuple[float, float], match: Match) -> None:
    draw.rectangle((EDGE, EDGE, WIDTH - EDGE, HEIGHT - EDGE), outline=INK, width=2)
    _text(draw, (WIDTH / 2, HEIGHT - 24), f"new: {_short(names[0])}, {seconds[0]:.1f} s", INK)
    _text(draw, (WIDTH / 2, 70), f"held, upwards: {_short(names[1])}, {seconds[1]:.1f} s", INK)
    _text(draw, (WIDTH / 2, 28), f"{match.verdict}, evidence {match.strength:g} of {match.threshold:g} needed", LINE)
    for quarter in range(0, 5, 2):
        x, y = EDGE + (WIDTH - 2 * EDGE) * quarter / 4, HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * quarter / 4
        _text(draw, (x, HEIGHT - EDGE + 24), f"{seconds[0] * quarter / 4:.1f}", INK)
        _text(draw, (EDGE / 2, y), f"{seconds[1] * quarter / 4:.1f}", INK)


def _text(draw: ImageDraw.ImageDraw, at: tuple[float, float], words: str, colour: tuple[int, int, int]) -> None:
    draw.text(at, words, colour, font(LETTERS), anchor="mm")


def _short(name: str, most: int = 26) -> str:
    return name if len(name) <= most else f"{name[: most - 9]}…{name[-8:]}"
