"""Words of sound: what speed and pitch leave alone, and what is posted beside them."""

import numpy as np
import pytest
from msgspec import structs

from capture_validation.duplicates.audio_words import (
    DOUBT,
    KEEP,
    Triples,
    frame_of,
    height_of,
    placed,
    span_of,
    triples,
    words,
)
from capture_validation.duplicates.company import Hits, joined
from capture_validation.duplicates.landmarks import HIGH, LOW, Landmarks
from capture_validation.duplicates.lists import Lists
from capture_validation.duplicates.memory import MemoryIndex
from capture_validation.duplicates.proposals import GRID, PLAIN, REPEATED, Proposal, Warp, look_up, propose


def scattered(seconds: int = 60, seed: int = 1) -> Landmarks:
    """Thirty landmarks a second, anywhere but near the edges."""
    random = np.random.default_rng(seed)
    count = 30 * seconds
    return Landmarks(np.sort(random.uniform(0, 62.5 * seconds, count)), random.uniform(LOW + 6, HIGH - 30, count))


def bent(peaks: Landmarks, time: float, pitch: float) -> Landmarks:
    """What a copy would have that plays and sounds so many times faster and higher."""
    return Landmarks(peaks.frame / time, peaks.bin * pitch)


def held(peaks: Landmarks) -> MemoryIndex:
    """An index of one recording, number 7."""
    index = MemoryIndex()
    index.post(7, words(triples(peaks)))
    return index


@pytest.mark.parametrize(("time", "pitch"), [(1.03, 1.03), (0.96, 1.0), (1.0, 2 ** (2 / 12)), (1.05, 0.9)])
def test_a_change_of_speed_and_pitch_leaves_words_alone(time: float, pitch: float) -> None:
    """All but those at the ends of what is looked at."""
    peaks = scattered()
    own = set(words(triples(peaks)).word.tolist())

    copy = set(words(triples(bent(peaks, time, pitch)), DOUBT).word.tolist())

    assert len(own & copy) > 0.6 * len(own)


def test_one_word_in_so_many_is_kept() -> None:
    all_, kept = triples(scattered()), words(triples(scattered()))

    assert len(all_.place) / KEEP == pytest.approx(len(kept.word), rel=0.1)
    assert 0 <= kept.word.min() <= kept.word.max() < 2**31


def anywhere(count: int) -> Triples:
    """Three landmarks each in the middle of a cell that none of the others is in."""
    random = np.random.default_rng(5)
    low, high = (np.array(edge)[:, None] for edge in ((1, 1, 1, -30, -30), (8, 10, 11, 30, 30)))
    return Triples(random.integers(low, high, (5, count)).astype(np.float32), np.zeros(count, np.int64))


def test_neighbouring_cells_are_asked_for_where_a_border_is_near() -> None:
    """In the middle of a cell there is one word to ask for; in a corner there are many."""
    middle = anywhere(4000)
    corner = Triples(middle.parts + np.float32(0.45), middle.place)

    assert len(words(middle).word) == len(words(middle, DOUBT).word)
    assert (1 + 5 + 10 + 10) * 4000 / KEEP == pytest.approx(len(words(corner, DOUBT).word), rel=0.1)


def test_what_lies_beyond_a_border_is_asked_for_by_its_own_word() -> None:
    """What lies a little to the left of a border is posted under one word, a little to the right under the other."""
    middle = anywhere(4000)
    edge = np.array([[0.0], [0.0], [0.0], [1.0], [0.0]], np.float32)
    left, right = (Triples(middle.parts + share * edge, middle.place) for share in (np.float32(0.45), np.float32(0.55)))

    assert set(words(right).word.tolist()) <= set(words(left, DOUBT).word.tolist())


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

    hits = look_up(triples(copy), held(peaks).find)
    best = propose(hits, 3000, PLAIN if warp.plain else GRID)[0]

    assert (7, warp) == (best.recording, best.warp)
    assert 625 == pytest.approx(best.lag, abs=6)


def test_strangers_agree_on_nothing() -> None:
    hits = look_up(triples(scattered(seed=2)), held(scattered()).find)

    assert all(proposal.votes <= 3 for proposal in propose(hits, 3750, (*PLAIN, *GRID)))


def test_what_repeats_itself_asks_a_bounded_number_of_times() -> None:
    """A trill, or a file made of one word, would otherwise be answered with its list a thousand times over."""
    time = np.repeat(np.arange(600) * 6.0, 2)
    asked: list[int] = []

    def find(words: np.ndarray) -> Lists:
        asked.extend(words.tolist())
        return MemoryIndex().find(words)

    look_up(triples(Landmarks(time, np.tile([40.0, 60.0], 600))), find)

    assert max(np.unique(asked, return_counts=True)[1]) <= REPEATED


def pairs(lags: list[int]) -> Hits:
    """Two words for each lag, each time of another recording, which nothing was done to."""
    own = np.tile([10, 20], len(lags))
    nothing = np.zeros(len(own), np.int64)
    recording = np.repeat(np.arange(1, len(lags) + 1), 2)
    return Hits(recording, own, own + np.repeat(lags, 2), nothing, nothing, nothing + 14)


def test_chance_has_to_be_exceeded_in_a_large_index() -> None:
    """Two of ten words that agree on a lag mean something; where thirty pairs agree, each on its own, they do not."""
    crowd = pairs([100 * number for number in range(30)])
    third = joined([crowd, Hits(*np.array([[8], [30], [730], [0], [0], [14]]))])

    assert [Proposal(2, 28, 1, 101, Warp(), 0, 1000)] == propose(pairs([100]), 1000)
    assert [] == propose(crowd, 1000)
    assert [3] == [proposal.votes for proposal in propose(third, 1000)]


def test_two_rare_words_say_more_than_two_common_ones() -> None:
    """Among thirty pairs that agree, one of words that hardly anybody has is no chance."""
    crowd, rare = pairs([100 * number for number in range(30)]), pairs([5000])

    found = propose(joined([crowd, structs.replace(rare, rarity=rare.rarity + 6)]), 1000)

    assert [(5000, 40)] == [(round(proposal.lag, -1), proposal.bits) for proposal in found]
