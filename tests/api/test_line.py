"""The line: a few at a time, fair between accounts, and nobody is lost in it."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api import line as line_module
from api.errors import Overloaded
from api.line import Line


async def test_a_crowd_that_signs_up_leaves_places_to_readers():
    """Each waits for a password to be hashed, two at a time; reading goes on beside them."""
    line = Line(running=8, waiting=100)
    crowd = [asyncio.create_task(line.enter(b"%d" % number, line_module.HASHING)) for number in range(50)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    signing_up = line.busy
    await asyncio.wait_for(line.enter(b"reader", 0), 1)
    line.leave(b"reader")
    line.leave(b"0", line_module.HASHING)
    await asyncio.sleep(0)

    assert (2, 2, 2) == (signing_up, line.busy, line.hashing)
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)


async def test_a_claim_does_not_wait_for_passwords():
    """A crowd that signs up has all the places it may have, and each is held for as long as hashing takes."""
    line = Line(running=8, waiting=100)
    crowd = [asyncio.create_task(line.enter(b"%d" % number, line_module.HASHING)) for number in range(50)]
    await asyncio.sleep(0)

    await asyncio.wait_for(line.enter(b"claims", 1), 1)

    assert 3 == line.busy
    for task in crowd:
        task.cancel()
    await asyncio.gather(*crowd, return_exceptions=True)


async def serve(line: Line, account: bytes, served: list[bytes], urgency: int = 0) -> None:
    await line.enter(account, urgency)
    served.append(account)
    try:
        await asyncio.sleep(0)
    finally:
        line.leave(account, urgency)


async def test_whoever_asks_little_goes_before_whoever_asks_much():
    """A thousand requests of one phone do not make another phone wait."""
    line, served = Line(running=1, waiting=100), []
    greedy = [asyncio.create_task(serve(line, b"greedy", served)) for _ in range(50)]
    await asyncio.sleep(0)
    modest = asyncio.create_task(serve(line, b"modest", served))

    await asyncio.gather(modest, *greedy)

    # One was running, and the first few of anybody's requests count alike.
    assert served.index(b"modest") <= 1 + line_module.ALIKE + 1


async def test_one_account_never_has_all_the_places():
    """Whoever comes in the middle of somebody's hundred requests shares the process with a few of them only."""
    line = Line(running=8, waiting=100)
    greedy = [asyncio.create_task(line.enter(b"greedy", 0)) for _ in range(50)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    at_first = line.busy
    for _ in range(20):
        line.leave(b"greedy")
        await asyncio.sleep(0)
    later = line.busy
    await asyncio.wait_for(line.enter(b"modest", 0), 1)

    assert (line_module.ALIKE + 1, line_module.BEYOND) == (at_first, later)
    assert line_module.BEYOND + 1 == line.busy
    for task in greedy:
        task.cancel()
    await asyncio.gather(*greedy, return_exceptions=True)


async def test_reading_goes_before_beginning_something_new():
    """Among equals: new work makes more work."""
    line, served = Line(running=1, waiting=10), []
    await line.enter(b"first", 0)
    waiting = [
        asyncio.create_task(serve(line, b"claims", served, 1)),
        asyncio.create_task(serve(line, b"reads", served, 0)),
    ]
    await asyncio.sleep(0)
    line.leave(b"first")
    await asyncio.gather(*waiting)

    assert [b"reads", b"claims"] == served


async def test_a_full_line_sends_the_weakest_claim_away():
    """The newcomer takes the place of the one who has most here already."""
    line, served = Line(running=1, waiting=6), []
    await line.enter(b"greedy", 0)
    greedy = [asyncio.create_task(serve(line, b"greedy", served)) for _ in range(6)]
    await asyncio.sleep(0)
    modest = asyncio.create_task(serve(line, b"modest", served))
    await asyncio.sleep(0)
    line.leave(b"greedy")
    ended = await asyncio.gather(modest, *greedy, return_exceptions=True)

    assert [Overloaded] == [type(end) for end in ended if end is not None]
    assert ended[0] is None
    assert (0, 0, {}) == (line.busy, len(line.places), dict(line.present))
    assert 1 == line.turned_away


async def test_who_waits_too_long_is_sent_away_and_forgotten(monkeypatch: pytest.MonkeyPatch):
    """Nobody stands there for ever."""
    monkeypatch.setattr(line_module, "LONGEST_WAIT_S", 0.01)
    line = Line(running=1, waiting=10)
    await line.enter(b"first", 0)

    with pytest.raises(Overloaded):
        await line.enter(b"second", 0)

    line.leave(b"first")
    assert (0, 0, {}) == (line.busy, len(line.places), dict(line.present))


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.sampled_from(["serve", "cancel"])), max_size=40))
@settings(max_examples=100, deadline=None)
def test_every_place_is_given_back(story: list[tuple[bytes, str]]):
    """Whatever is cancelled, served or sent away, in any order: in the end nobody is in the line."""

    async def told() -> Line:
        line, served = Line(running=2, waiting=5), []
        tasks = []
        for account, what in story:
            tasks.append(asyncio.create_task(serve(line, account, served)))
            if what == "cancel":
                await asyncio.sleep(0)
                tasks[-1].cancel()
            assert line.busy <= 2
        await asyncio.gather(*tasks, return_exceptions=True)
        return line

    line = asyncio.run(told())

    assert (0, [], {}, {}) == (line.busy, line.places, dict(line.present), dict(line.served))
