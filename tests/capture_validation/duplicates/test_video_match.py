"""Matching pictures: a copy is found whatever was done to it, another minute of the same camera is not."""

import cv2
import numpy as np
import pytest

from capture_validation.duplicates import video_match
from capture_validation.duplicates.geometry import Similarity
from capture_validation.duplicates.motion import Moves, Shared, Singles, agreement
from capture_validation.duplicates.video_match import FAINT, THRESHOLD, KeyPair, strength
from tests.capture_validation.duplicates.pictures import Library, clip, fingerprint

STATION, TREE = "video_station_60fps_15s.mp4", "video_tree_fixed.avi"
RABBIT, ELF = "video_rabbit_320.mp4", "video_elf_480.webm"


@pytest.fixture(scope="module")
def library():
    return Library(
        station=fingerprint(clip(STATION, 0, 7)),
        tree=fingerprint(clip(TREE, 0, 7)),
        rabbit=fingerprint(clip(RABBIT)),
        elf=fingerprint(clip(ELF)),
    )


def each(change):
    return lambda frames: [(at, change(picture)) for at, picture in frames]


CHANGES = {
    "nothing": lambda frames: frames,
    "half the size": each(lambda p: cv2.resize(p, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)),
    "darker": each(lambda p: (p * 0.6).astype(np.uint8)),
    "mirrored": each(lambda p: p[:, ::-1]),
    "turned": each(np.rot90),
    "a corner of 70 %": each(lambda p: p[: int(0.7 * len(p)), : int(0.7 * p.shape[1])]),
    "right side of 60 %": each(lambda p: p[:, int(0.4 * p.shape[1]) :]),
    "letterbox": each(lambda p: np.pad(p, ((30, 30), (0, 0)))),
    "half the frames": lambda frames: frames[::2],
    "1.1 times faster": lambda frames: [(at / 1.1, picture) for at, picture in frames],
    "excerpt of 4 s": lambda frames: [(at - 1.5, picture) for at, picture in frames if 1.5 <= at < 5.5],
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_changed_copy_is_found(library, change):
    found = library.match(fingerprint(CHANGES[change](clip(STATION, 0, 7))))

    assert ["station"] == [name for name, match in found.items() if match.verdict == "duplicate"]


def test_the_change_is_told(library):
    found = library.match(fingerprint(CHANGES["mirrored"](clip(STATION, 0, 7))))["station"]

    assert found.transformation.mirrored
    assert 1.0 == pytest.approx(found.transformation.scale, abs=0.03)


def test_an_excerpt_says_where_it_comes_from(library):
    (span,) = library.match(fingerprint(CHANGES["excerpt of 4 s"](clip(STATION, 0, 7))))["station"].spans

    assert 1.5 == pytest.approx(span.held.start_s - span.new.start_s, abs=0.3)


@pytest.mark.parametrize(("name", "start"), [(STATION, 7.5), (TREE, 8.0), (TREE, 16.0)])
def test_another_minute_of_the_same_camera_is_no_duplicate(library, name, start):
    """The place is recognised, the recording is another one."""
    found = library.match(fingerprint(clip(name, start, start + 7)))

    assert [] == [name for name, match in found.items() if match.verdict == "duplicate"]


def moving(seed: int, noise: float = 0.0) -> Shared:
    """Seven seconds that move anyhow at a hundred points, and the same under noise; or, without noise, others."""
    drawn = np.random.default_rng(seed).standard_normal((3, 28, 100)).astype(np.float32)
    held, own, other = np.cumsum(drawn, axis=1)
    return Shared(held, held + noise * own if noise else other, 1.0)


def test_a_faint_motion_is_a_copy_where_it_stands_out_of_its_own_luck():
    """Strong compression leaves a tree in the wind a third of its motion, and that at one offset alone."""
    found = agreement(moving(1, noise=2.5))

    assert FAINT < found.correlation < THRESHOLD
    assert (1.0, 0.0) == (found.pace, found.offset)
    assert strength(found) >= THRESHOLD


def test_a_change_of_pace_needs_more_evidence():
    """Whoever does the same thing again, a little slower, sends another recording."""
    again, copy = (Moves(correlation, 0.0, 0.8, 22, 1.2, 8.0) for correlation in (0.52, 0.9))

    assert strength(again) < THRESHOLD <= strength(copy)


def lifting(seed: int, repeats: int) -> Singles:
    """A weight that is lifted again and again, each time nearly as before, at a hundred points."""
    lift = np.cumsum(np.random.default_rng(5).standard_normal((14, 100)), axis=0)
    own = np.cumsum(np.random.default_rng(seed).standard_normal((14 * repeats, 100)), axis=0)
    return np.asarray(np.tile(lift - lift[0], (repeats, 1)) + 0.6 * own, np.float32)


def test_whoever_repeats_themselves_sends_another_recording():
    """Two lifts of one weight before one camera correlate .73; but so does every other lift."""
    held, again = lifting(1, 4), lifting(2, 4)
    copy = held + 0.1 * np.random.default_rng(3).standard_normal(held.shape).astype(np.float32)

    repeated, copied = agreement(Shared(held, again, 1.0)), agreement(Shared(held, copy, 1.0))

    assert repeated.correlation > THRESHOLD
    assert strength(repeated) < THRESHOLD <= strength(copied)


@pytest.mark.parametrize(("correlation", "above", "next_best", "verdict"), [
    (0.73, 3.2, 0.64, "alike"), (0.76, 1.4, 0.71, "alike"), (0.48, 6.0, 0.15, "alike"), (0.48, 8.3, 0.15, "duplicate"),
    (0.99, 2.8, 0.9, "duplicate"), (0.74, 3.3, 0.02, "duplicate"), (0.79, 5.3, -0.16, "duplicate"),
])  # fmt: skip
def test_what_pairs_of_films_were_seen_to_agree(correlation, above, next_best, verdict):
    """Two lifts, two stretches of a growing drawing, two attempts in a gymnasium; a faint copy; one that repeats.

    And copies of four seconds, whose few other offsets are nothing like them.
    """
    assert verdict == video_match._verdict(Moves(correlation, 0.0, 1.0, 20, 1.2, above, next_best))


@pytest.mark.parametrize(("pace", "overlap", "verdict"), [
    (1.0, 14, "duplicate"), (1.0, 11, "alike"), (1.5, 11, "not-enough-content"), (1.5, 20, "duplicate"),
])  # fmt: skip
def test_a_few_seconds_need_more_evidence(pace, overlap, verdict):
    """Nine readings of a hand that sets down bottles agree at .73 at another pace, which needs three seconds."""
    assert verdict == video_match._verdict(Moves(0.73, 0.0, pace, overlap, 1.2, 7.6))


@pytest.mark.parametrize("seed", range(8))
def test_another_motion_is_luck(seed):
    assert strength(agreement(moving(seed))) < FAINT


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_moves_nothing_agrees(seed):
    """Strong compression freezes a tree for seconds; beside that, rounding looked like an agreement of 2.9."""
    drawn = np.random.default_rng(seed).standard_normal((3, 28, 100))
    held, _, other = 30 * np.cumsum(drawn, axis=1, dtype=np.float32)
    frozen = np.concatenate((np.repeat(other[:1], 20, axis=0), other[:8]))

    found = agreement(Shared(held, frozen, 1.0))

    assert -1 <= found.correlation <= 1
    assert strength(found) < FAINT


def happens(at_s, until_s=9.0):
    """Eight seconds of a still place, in which something appears, and goes."""
    picture = clip(STATION, 0, 7)[0][1]
    shown = picture.copy()
    shown[60:110, 100:150] = 255
    return fingerprint([(i / 15, shown if at_s <= i / 15 < until_s else picture) for i in range(120)])


@pytest.mark.parametrize(("one", "other"), [((3.0,), (5.0,)), ((2.0, 3.0), (4.0, 5.5))])
def test_a_single_moment_is_no_evidence(one, other):
    """A light that is switched on before a fixed camera, at another time of another recording: a person looks."""
    found = Library(one=happens(*one)).match(happens(*other))

    assert "not-enough-content" == found["one"].verdict


def test_a_copy_in_which_three_things_happen_is_one():
    """Cuts between slides are few moments, and enough of them are evidence."""
    slides = [clip(STATION, 0, 7)[0][1] // (1 + number % 2) + 20 * (number == 2) for number in range(4)]
    slides[1][50:120, 50:120], slides[3][120:170, 150:260] = 250, 5
    show = fingerprint([(i / 15, slides[i // 32]) for i in range(128)])

    assert "duplicate" == Library(show=show).match(show)["show"].verdict


@pytest.mark.parametrize(("inliers", "correlation", "copy"), [(6, 0.5, True), (6, 0.4, False), (5, 0.9, False)])
def test_few_points_are_a_place_where_the_motion_agrees(monkeypatch, inliers, correlation, copy):
    """What is small in a busy picture has few points left; without the motion they may be luck."""
    geometry = Similarity(1.0, 0.0, 0.0, 0.0, False, inliers)
    monkeypatch.setattr(video_match, "_place", lambda *_: geometry)
    monkeypatch.setattr(video_match, "shared", lambda *_: moving(1))
    monkeypatch.setattr(video_match, "agreement", lambda _: Moves(correlation, 0.0, 1.0, 28, 1.0, 0.0))

    seen = video_match.compare(None, None, [KeyPair(1.0, 0, 0, False)])

    assert copy == (seen is not None)


def test_a_place_of_many_points_is_told_though_fewer_move_more_alike(monkeypatch):
    """The still place of a stranger goes to a person, whatever a second geometry of six points says."""
    places = iter([Similarity(1.0, 0.0, 0.0, 0.0, False, 12), Similarity(0.5, 0.0, 0.0, 0.0, False, 6)])
    said = iter([0.1, 0.3])
    monkeypatch.setattr(video_match, "_place", lambda *_: next(places))
    monkeypatch.setattr(video_match, "shared", lambda *_: moving(1))
    monkeypatch.setattr(video_match, "agreement", lambda _: Moves(next(said), 0.0, 1.0, 28, 0.1, 0.0))

    seen = video_match.compare(None, None, 2 * [KeyPair(1.0, 0, 0, False)])

    assert seen is not None
    assert 12 == seen.geometry.inliers


def test_another_object_on_the_same_table_is_no_duplicate(library):
    found = library.match(fingerprint(clip("video_monster_480.webm")))

    assert [] == [name for name, match in found.items() if match.verdict == "duplicate"]


def test_a_still_is_not_enough_content_and_no_duplicate():
    """Two stills of one poster: the same place, and nothing moves that could tell."""
    picture = clip(STATION, 0, 7)[0][1]
    still = fingerprint([(i / 10, picture) for i in range(80)])

    found = Library(still=still).match(still)

    assert "not-enough-content" == found["still"].verdict


def test_one_second_of_the_same_place_is_not_enough_content():
    """Four readings of motion agree by luck, so two encodings of a blink go to a person."""
    found = Library(face=fingerprint(clip("video_face_h264.mp4"))).match(fingerprint(clip("video_face_av1.mp4")))

    assert "not-enough-content" == found["face"].verdict


def test_a_black_picture_and_a_still_prove_nothing():
    """Black has no place to be found by, a still no motion; neither costs what a film costs."""
    black = fingerprint([(second, np.zeros((180, 320), np.uint8)) for second in range(60)])
    still = fingerprint([(second, clip(ELF, 0, 1)[0][1]) for second in range(60)])

    assert (False, {}) == (black.enough, Library(black=black).match(black))
    assert "not-enough-content" == Library(still=still).match(still)["still"].verdict
    assert len(black.stored().to_bytes()) < 4_000
    assert len(still.stored().to_bytes()) < 110_000
