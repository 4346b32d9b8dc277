"""Films that were cut: stretches in their order are one recording, whoever does nearly the same again sends another."""

import numpy as np
import pytest

from capture_validation.duplicates import stretches
from capture_validation.duplicates.motion import Moves, Shared, Singles
from capture_validation.duplicates.stretches import in_stretches
from capture_validation.duplicates.video import HZ
from capture_validation.duplicates.video_match import THRESHOLD, chosen
from tests.capture_validation.duplicates.pictures import Library, clip, fingerprint

STATION, TREE = "video_station_60fps_15s.mp4", "video_tree_fixed.avi"


def walk(seed: int, seconds: float) -> Singles:
    """A place that moves anyhow at a hundred points."""
    return np.cumsum(np.random.default_rng(seed).standard_normal((int(seconds * HZ), 100)), axis=0).astype(np.float32)


def kept(series: Singles, *spans: tuple[float, float]) -> Singles:
    """Only these seconds, one after the other."""
    return np.concatenate([series[int(start * HZ) : int(end * HZ)] for start, end in spans])


def found_in(held: Singles, new: Singles) -> list[tuple[float, float, float]]:
    """Begin in the new and in the held series, and length, in seconds."""
    found = in_stretches(Shared(held, new, 1.0))
    return [] if found is None else [(p.new / HZ, p.held / HZ, p.length / HZ) for p in found.stretches]


def test_stretches_are_found_in_their_order():
    """Three pieces of two to three seconds: each lies where it was, none as long as a film must overlap."""
    held = walk(1, 20)
    new = kept(held, (1, 3.5), (7, 9), (15, 18))

    assert found_in(held, new) == [
        (pytest.approx(at, abs=0.25), pytest.approx(there, abs=0.25), pytest.approx(length, abs=0.5))
        for at, there, length in ((0, 1, 2.5), (2.5, 7, 2), (4.5, 15, 3))
    ]


def test_what_was_put_between_them_belongs_to_none():
    held = walk(1, 12)
    new = np.concatenate((walk(2, 3), kept(held, (2, 5)), walk(3, 3), kept(held, (7, 10))))

    (first, *_), (second, *_) = found_in(held, new)

    assert (first, second) == (pytest.approx(3, abs=0.25), pytest.approx(9, abs=0.25))


def test_stretches_in_another_order_are_no_path():
    """Whatever comes first was recorded first; the longer one of two in exchange is told."""
    held = walk(1, 12)

    ((at, there, _),) = found_in(held, kept(held, (7, 11), (1, 3)))

    assert (at, there) == (pytest.approx(0, abs=0.25), pytest.approx(7, abs=0.25))


def test_strangers_have_no_stretch_that_counts():
    strengths = []
    for seed in range(20):
        found = in_stretches(Shared(walk(seed, 20), walk(100 + seed, 20), 1.0))
        strengths.append(chosen(found.moves, len(found.stretches) - 1) if found else 0.0)

    assert max(strengths) < THRESHOLD / 2


def test_films_too_long_for_it_are_compared_as_a_whole(monkeypatch):
    """Memory is bounded: every moment of one beside every moment of the other."""
    held = walk(1, 20)
    monkeypatch.setattr(stretches, "MOST_PAIRS", 80 * 79)

    assert in_stretches(Shared(held, held, 1.0)) is None


@pytest.mark.parametrize(("correlation", "next_best", "overlap", "cuts", "moments", "copy"), [
    (0.91, 0.2, 40, 3, 20.0, True), (0.82, 0.2, 24, 2, 12.0, True), (0.9, 0.2, 14, 1, 7.0, True),
    # One of two lifts of a weight, hands that point at figures, three seconds of anything, one thing that happens.
    (0.76, 0.08, 15, 0, 9.4, False), (0.68, 0.12, 20, 1, 10.6, False), (0.95, 0.1, 15, 0, 9.0, False),
    (0.92, 0.2, 36, 3, 1.6, False),
    # Whoever does the same again and again agrees elsewhere nearly as well.
    (0.84, 0.74, 40, 3, 20.0, False),
])  # fmt: skip
def test_what_stretches_were_seen_to_agree(correlation, next_best, overlap, cuts, moments, copy):
    assert copy == (chosen(Moves(correlation, 0.0, 1.0, overlap, 1.2, 9.0, next_best, moments), cuts) >= THRESHOLD)


def cut(frames, *spans):
    """A film of which only these seconds are left."""
    out, gone = [], 0.0
    for start, end in spans:
        out += [(at - start + gone, picture) for at, picture in frames if start <= at < end]
        gone += end - start
    return out


def test_a_film_with_seconds_cut_out_is_found_with_each_stretch():
    whole = clip(STATION, 0, 14)
    new = fingerprint(cut(whole, (0.5, 2.5), (4, 6), (8, 11)))

    match = Library(station=fingerprint(whole)).match(new)["station"]

    assert "duplicate" == match.verdict
    assert [0.5, 2.0, 4.0] == pytest.approx([span.held.start_s - span.new.start_s for span in match.spans], abs=0.3)
    assert match.covered > 0.6


@pytest.mark.parametrize("name", [STATION, TREE])
def test_another_minute_of_the_same_camera_is_none_however_it_is_cut(name):
    held, other = fingerprint(clip(name, 0, 7)), cut(clip(name, 7.5, 14.5), (0, 2), (3, 5), (5.5, 7))

    matches = Library(held=held).match(fingerprint(other))

    assert "duplicate" not in [match.verdict for match in matches.values()]
