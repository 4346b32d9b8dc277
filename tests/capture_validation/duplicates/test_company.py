"""Company: words of an answer that agree with others; compiled and not, the same ones are left."""

import importlib
from collections import defaultdict
from math import log2
from threading import Event
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_validation.duplicates import company, proposals
from capture_validation.duplicates.audio_words import Words, placed
from capture_validation.duplicates.company import BLOCK, HIGHER, LONGER, RAREST, ROUGH_HEIGHT, ROUGH_LAG, Hits
from capture_validation.duplicates.lists import Lists


@pytest.fixture(scope="module")
def counting() -> ModuleType:
    """The compiled loops, by whose import only a process pays that runs these tests: it takes seconds."""
    return importlib.import_module("capture_validation.duplicates.counting")


@pytest.fixture(params=["company", "counting"])
def count(request: pytest.FixtureRequest):
    """Either way to count, of which a test is to say the same."""
    return company.in_company if request.param == "company" else request.getfixturevalue("counting").in_company


def question(seed: int, asked: int, longest: int, seconds: int) -> tuple[Words, Lists]:
    """Words that are asked for, some twice or three times, and lists of random recordings in two pieces.

    A third of the lists lie on several pages.
    """
    random = np.random.default_rng(seed)
    word = np.sort(random.integers(0, 2 * asked, asked))
    known = random.permutation(np.unique(word))[: asked // 2 + 1]
    known = random.permutation(np.append(known, random.choice(known, len(known) // 3)))
    size = random.integers(1, longest + 1, len(known))
    held = np.stack([random.integers(1, 4, size.sum()), anywhere(random, int(size.sum()), 60)], axis=1)
    half = int(size[: len(size) // 2].sum())
    sent = np.frombuffer(held[half:].astype(">i4").tobytes(), ">i4").reshape(-1, 2)
    pieces = held[:half].astype(np.int32), sent
    return Words(word, anywhere(random, asked, seconds)), Lists(known, size, pieces)


def anywhere(random: np.random.Generator, count: int, seconds: int) -> np.ndarray:
    """Words heard at any time, at many heights, of many durations."""
    return placed(random.uniform(0, 62.5 * seconds, count), *random.uniform(0, 0.6, (2, count)))


def rows(hits: Hits) -> list[tuple[int, ...]]:
    """Hits in order."""
    columns = hits.recording, hits.own, hits.there, hits.height, hits.span, hits.rarity
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def pairs(asked: Words, lists: Lists) -> list[tuple[int, ...]]:
    """What may be a copy by height and duration, one after the other in plain Python."""
    answers = defaultdict(list)
    begin, held = 0, np.concatenate(lists.pieces)
    for word, size in zip(lists.word.tolist(), lists.size.tolist(), strict=True):
        answers[word] += held[begin : begin + size].tolist()
        begin += size
    out = []
    for word, here in zip(asked.word.tolist(), asked.place.tolist(), strict=True):
        for recording, there in answers[word]:
            height, span = (here >> 5 & 255) - (there >> 5 & 255), (there & 31) - (here & 31)
            if abs(height) <= HIGHER and abs(span) <= LONGER:
                rarity = max(1, RAREST - round(log2(len(answers[word]))))
                out.append((recording, here >> 13, there >> 13, height, span, rarity))
    return out


def agree(one: tuple[int, ...], two: tuple[int, ...]) -> bool:
    """Whether two words of 12 s agree so closely that they share a cell of one table or the other."""
    lag, height = abs((one[2] - one[1]) - (two[2] - two[1])), abs(one[3] - two[3])
    near = (lag < ROUGH_LAG // 2 and height == 0) or (lag == 0 and height < ROUGH_HEIGHT // 2)
    return one[0] == two[0] and one[1] // BLOCK == two[1] // BLOCK and near


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 60), st.integers(1, 60))
def test_what_is_compiled_leaves_the_same_words(
    counting: ModuleType, seed: int, asked: int, longest: int, seconds: int
) -> None:
    """Bit by bit, whatever the size of the tables and however much has to be said."""
    given_ = question(seed, asked, longest, seconds)

    for least in (0, 31, 60):
        assert rows(company.in_company(*given_, least)) == rows(counting.in_company(*given_, least))


def test_nothing_that_has_company_is_left_out_and_most_of_the_rest_is(count) -> None:
    asked, lists = question(3, 200, 40, 20)
    every = pairs(asked, lists)

    left = rows(count(asked, lists))

    accompanied = [one for one in every if sum(agree(one, other) for other in every) > 1]
    assert 20 < len(accompanied)
    assert set(accompanied) <= set(left) <= set(every)
    assert len(left) < 0.7 * len(every)


def test_much_has_to_be_said_together(count) -> None:
    """Three words that agree on a recording and a lag say enough, or two of which one says half; else two do not."""
    asked, lists = question(3, 100, 1, 10)
    two, three = (agreeing(asked, lists, words) for words in (2, 3))

    assert [500] * 3 == [row[2] - row[1] for row in rows(count(asked, three, 60))]
    assert [500] * 2 == [row[2] - row[1] for row in rows(count(asked, two, 46))]
    assert [] == rows(count(asked, two, 60))


def agreeing(asked: Words, lists: Lists, words: int) -> Lists:
    """Lists in which recording 9 has the first so many words that are known, half a minute later, and nobody else."""
    place = dict(zip(asked.word.tolist(), asked.place.tolist(), strict=True))
    held = [[9, place[word] + (500 << 13)] for word in np.intersect1d(lists.word, asked.word)[:words].tolist()]
    known = np.intersect1d(lists.word, asked.word)[:words]
    return Lists(known, np.ones(words, np.int64), (np.array(held, np.int32),))


def test_nobody_has_company_where_there_is_nobody(count) -> None:
    """No list, no word, and one word alone."""
    nothing = Lists(np.zeros(0, np.int64), np.zeros(0, np.int64), ())
    one = Lists(np.array([5]), np.array([1]), (np.array([[1, 40]], np.int32),))

    assert [] == rows(count(Words(np.array([5]), np.array([40])), nothing))
    assert [] == rows(count(Words(np.zeros(0, np.int64), np.zeros(0, np.int64)), one))
    assert [] == rows(count(Words(np.array([5]), np.array([40])), one))


def test_a_large_answer_is_counted_by_what_is_compiled(counting: ModuleType, monkeypatch) -> None:
    """And only a large one: what a small index answers does not pay for a compiler. From then on all is compiled."""
    used = []
    monkeypatch.setattr(proposals, "WORTH_IT", Event())
    monkeypatch.setattr(company, "in_company", lambda *_: used.append("small"))
    monkeypatch.setattr(counting, "in_company", lambda *_: used.append("large"))
    monkeypatch.setattr(proposals, "words", lambda *_: Words(np.arange(10), np.zeros(10, np.int64)))

    for size in (proposals.LARGE - 1, proposals.LARGE):
        lists = Lists(np.arange(10), np.full(10, size), (np.zeros((10 * size, 2), np.int32),))
        proposals.look_up(None, lambda _, lists=lists: lists)
        used.append(proposals.WORTH_IT.is_set())

    assert ["small", False, "large", True] == used
