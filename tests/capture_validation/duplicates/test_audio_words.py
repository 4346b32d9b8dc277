"""Words of sound: what speed and pitch leave alone, and what is posted beside them."""

import numpy as np
import pytest

from capture_validation.duplicates.audio_words import (
    KEEP,
    frame_of,
    height_of,
    placed,
    span_of,
    triples,
    words,
)
from capture_validation.duplicates.landmarks import HIGH, LOW, Landmarks
from capture_validation.duplicates.proposals import GRID, PLAIN, Hits, Postings, Proposal, Warp, look_up, propose


def scattered(seconds: int = 60, seed: int = 1) -> Landmarks:
    """Thirty landmarks a second, anywhere but near the edges."""
    random = np.random.default_rng(seed)
    count = 30 * seconds
    return Landmarks(np.sort(random.uniform(0, 62.5 * seconds, count)), random.uniform(LOW + 6, HIGH - 30, count))


def bent(peaks: Landmarks, time: float, pitch: float) -> Landmarks:
    """What a copy would have that plays and sounds so many times faster and higher."""
    return Landmarks(peaks.frame / time, peaks.bin * pitch)


class Held:
    """An index of one recording, number 7."""

    def __init__(self, peaks: Landmarks) -> None:
        own = words(triples(peaks))
        order = np.argsort(own.word, kind="stable")
        self.word, self.place = own.word[order], own.place[order]

    def find(self, asked: np.ndarray) -> Postings:
        first, last = np.searchsorted(self.word, asked), np.searchsorted(self.word, asked, "right")
        hit = np.concatenate([np.arange(a, b) for a, b in zip(first, last, strict=True)])
        which = np.repeat(np.arange(len(asked)), last - first)
        return Postings(which, np.full(len(hit), 7), self.place[hit])


@pytest.mark.parametrize(("time", "pitch"), [(1.03, 1.03), (0.96, 1.0), (1.0, 2 ** (2 / 12)), (1.05, 0.9)])
def test_a_change_of_speed_and_pitch_leaves_words_alone(time: float, pitch: float) -> None:
    """All but those at the ends of what is looked at."""
    peaks = scattered()
    own = set(words(triples(peaks)).word.tolist())

    copy = set(words(triples(bent(peaks, time, pitch)), doubts=6).word.tolist())

    assert len(own & copy) > 0.6 * len(own)


def test_one_word_in_so_many_is_kept() -> None:
    all_, kept = triples(scattered()), words(triples(scattered()))

    assert len(all_.place) / KEEP == pytest.approx(len(kept.word), rel=0.1)
    assert 0 <= kept.word.min() <= kept.word.max() < 2**31


def test_what_is_posted_beside_a_word_reads_back() -> None:
    """Frames are exact up to the longest recording; height and duration are known to a percent and an eighth."""
    place = placed(np.array([0.0, 225_000.0]), np.array([0.5, 2.6]), np.array([0.0, 3.4]))

    assert [0, 225_000] == frame_of(place).tolist()
    assert [45, 234] == height_of(place).tolist()
    assert [0, 31] == span_of(place).tolist()
    assert place.max() < 2**31


@pytest.mark.parametrize("warp", [Warp(), *GRID])
def test_one_look_up_tells_what_was_done(warp: Warp) -> None:
    """The change and the lag of a copy that begins 10 s into the original."""
    peaks = scattered()
    late = peaks.frame > 625
    copy = bent(Landmarks(peaks.frame[late] - 625, peaks.bin[late]), warp.time, warp.pitch)

    hits = look_up(triples(copy), Held(peaks).find)
    best = propose(hits, 3000, PLAIN if warp.plain else GRID)[0]

    assert (7, warp) == (best.recording, best.warp)
    assert 625 == pytest.approx(best.lag, abs=6)


def test_strangers_agree_on_nothing() -> None:
    hits = look_up(triples(scattered(seed=2)), Held(scattered()).find)

    assert all(proposal.votes <= 3 for proposal in propose(hits, 3750, (*PLAIN, *GRID)))


def test_chance_has_to_be_exceeded_in_a_large_index() -> None:
    """Two of a hundred thousand words agree on a lag by chance; of ten words they do not."""
    lone = Hits(*(np.array(one) for one in ([1, 1], [10, 20], [110, 120], [0, 0], [0, 0])), fewest=2)
    crowd = Hits(lone.recording, lone.own, lone.there, lone.height, lone.span, fewest=3)

    assert [Proposal(2, 1, 101, Warp(), 0, 1000)] == propose(lone, 1000)
    assert [] == propose(crowd, 1000)
