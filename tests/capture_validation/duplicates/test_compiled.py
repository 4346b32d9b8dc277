"""Compiled loops: whatever they are given, they say what NumPy says."""

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import pytest

from capture_validation.duplicates import audio_words
from capture_validation.duplicates.alignment import Held, Line, Texture, align
from capture_validation.duplicates.audio_words import Triples, Words, triples, words
from capture_validation.duplicates.company import BLOCK, HIGHER, LONGER, Hits
from capture_validation.duplicates.compiled import WORTH_IT
from capture_validation.duplicates.landmarks import LOW, Landmarks
from capture_validation.duplicates.proposals import GRID, PLAIN, Warp, propose

Said = TypeVar("Said")
SLOPES = np.arange(-7, 8) * 0.001


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the process as it was: other tests compile nothing."""
    before = WORTH_IT.is_set()
    yield
    WORTH_IT.set() if before else WORTH_IT.clear()


def both(said: Callable[[], Said]) -> tuple[Said, Said]:
    """What NumPy says, and what is compiled."""
    WORTH_IT.clear()
    one = said()
    WORTH_IT.set()
    return one, said()


def landmarks(seed: int, count: int) -> Landmarks:
    """Landmarks anywhere, some at the same time and some long after all others."""
    random = np.random.default_rng(seed)
    frame = np.append(np.rint(random.uniform(0, 3 * count, count)), [10 * count, 10 * count + 20]) / 8
    return Landmarks(frame, random.uniform(LOW, 230, count + 2))


def pairs(said: Words) -> list[tuple[int, int]]:
    """Words and places in order."""
    return sorted(zip(said.word.tolist(), said.place.tolist(), strict=True))


@pytest.mark.parametrize("count", [0, 1, 3, 400])
def test_triples_are_the_same(count: int) -> None:
    one, two = both(lambda: triples(landmarks(count, count)))

    assert one.place.tolist() == two.place.tolist()
    assert one.parts.tolist() == two.parts.tolist()


@pytest.mark.parametrize("doubt", [0.0, audio_words.DOUBT, 1.0])
def test_words_are_the_same(doubt: float) -> None:
    """Those beyond one border, two and three; and those that lie on a border."""
    random = np.random.default_rng(5)
    parts = random.uniform(0, 9, (5, 3000)).astype(np.float32)
    parts[3:] -= 5
    parts[:, :500] = np.rint(2 * parts[:, :500]) / 2
    given = Triples(parts, random.integers(0, 1 << 31, 3000))

    one, two = both(lambda: pairs(words(given, doubt)))

    assert one == two
    assert 3000 / audio_words.KEEP / 2 < len(one) < 26 * 3000 / audio_words.KEEP * 2


@pytest.mark.parametrize("warps", [PLAIN, GRID])
@pytest.mark.parametrize("least", [0, 40])
def test_proposals_are_the_same(warps: tuple[Warp, ...], least: int) -> None:
    random = np.random.default_rng(least)
    own = random.integers(0, 4 * BLOCK, 4000)
    there = np.maximum(0, own + random.integers(-150, 150, 4000))
    height, span = random.integers(-HIGHER, HIGHER + 1, 4000), random.integers(-LONGER, LONGER + 1, 4000)
    given = Hits(random.choice([7, 9, 2**31 - 1], 4000), own, there, height // 4, span, random.integers(1, 24, 4000))

    one, two = both(lambda: propose(given, 4 * BLOCK, warps, 1000, least))

    assert one == two
    assert 20 < len(one)
    assert [] == propose(given, 4 * BLOCK, warps, 1000, 10_000)


def textures(seed: int, frames: int, held: int, lag: int) -> tuple[Texture, Held]:
    """Two recordings of which half the bits agree where they overlap, with pauses."""
    random = np.random.default_rng(seed)
    bits, firm, other = random.integers(0, 2**63, (3, 2 * held + 2 * frames + abs(lag)), np.int64).astype(np.uint64)
    new = bits[frames + lag : 2 * frames + lag] ^ (other[:frames] & random.choice([0, 255], frames).astype(np.uint64))
    loud = random.random(held) > 0.2
    return Texture(new, firm[:frames]), Held(bits[frames : frames + 2 * held : 2].copy(), loud)


def near(line: Line | None) -> tuple[float, ...] | None:
    """A line as numbers: NumPy adds single precision in another order."""
    if line is None:
        return None
    exact = line.slope, line.lag, line.centre, line.first, line.last, line.begin, line.end
    return *exact, pytest.approx(line.strength, rel=1e-4, abs=1e-4), pytest.approx(line.share, rel=1e-4)


@pytest.mark.parametrize("frames", [62, 63, 300, 1487])
@pytest.mark.parametrize("held", [40, 500, 3000])
@pytest.mark.parametrize("lag", [-31, 0, 17, 1200])
def test_lines_are_the_same(frames: int, held: int, lag: int) -> None:
    """Copies from their beginning, before it, and beyond the end of what is held."""
    new, other = textures(frames + held, frames, held, lag)

    for proposed in (lag, lag + 5, lag - 300):
        one, two = both(lambda proposed=proposed: align(new, other, proposed, SLOPES))

        assert near(one) == (None if two is None else (*near(two)[:7], two.strength, two.share))


def test_a_copy_has_a_line_that_is_compiled_too() -> None:
    new, held = textures(8, 1487, 3000, 400)

    lines = both(lambda: align(new, held, 402, SLOPES))

    assert [400, 400] == [line.lag for line in lines if line]
    assert all(line.strength > 24 and line.share > 0.9 for line in lines if line)
