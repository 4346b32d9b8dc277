"""Events: every move is heard once, live or later."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from httpx_sse import EventSource, ServerSentEvent, aconnect_sse
from litestar import Litestar, Request

from api.events import read_events, told
from storage.database import Pool, transaction
from storage.events import tell
from tests.api.taking import TUS, claim, send, speech

Campaign = dict[str, Any]
Client = httpx.AsyncClient


@pytest.fixture
async def phone(contributor: Client, served: str) -> AsyncIterator[Client]:
    """The contributor at a real server, because a stream has to be read while it is written."""
    async with httpx.AsyncClient(base_url=served, headers=contributor.headers, timeout=20) as client:
        yield client


async def heard(
    phone: Client, count: int, open_now: asyncio.Event | None = None, **headers: str
) -> list[ServerSentEvent]:
    """The next events of the stream; `open_now` is set when it is open."""
    events: list[ServerSentEvent] = []
    async with asyncio.timeout(20), aconnect_sse(phone, "GET", "/v1/events", headers=headers) as stream:
        assert 200 == stream.response.status_code
        if open_now:
            open_now.set()
        async for event in stream.aiter_sse():
            events.append(event)
            if len(events) == count:
                break
    return events


async def test_moves_are_heard_as_they_happen(phone: Client, campaign: Campaign) -> None:
    """The stream is open before anything happens."""
    open_now = asyncio.Event()
    listening = asyncio.create_task(heard(phone, 3, open_now))
    await asyncio.wait_for(open_now.wait(), 20)
    data = speech()
    claimed = (await claim(phone, campaign, data)).json()
    await send(phone, claimed["upload"]["url"], data)

    events = await listening

    assert ["1", "2", "3"] == [event.id for event in events]
    assert ["recording.claimed", "recording.uploading", "recording.validating"] == [event.event for event in events]
    assert {claimed["id"]} == {json.loads(event.data)["recording"] for event in events}


async def test_a_phone_that_comes_back_misses_nothing(phone: Client, campaign: Campaign) -> None:
    """Last-Event-ID says where it was; nothing comes twice."""
    for _ in range(3):
        await claim(phone, campaign, speech())

    events = await heard(phone, 2, **{"Last-Event-ID": "1"})

    assert ["2", "3"] == [event.id for event in events]


async def test_events_can_be_asked_for_instead(contributor: Client, campaign: Campaign) -> None:
    """The cursor goes on where the last answer ended, now or later."""
    await claim(contributor, campaign, speech())
    first = (await contributor.get("/v1/events")).json()
    await claim(contributor, campaign, speech())
    second = (await contributor.get("/v1/events", params={"cursor": first["next_cursor"]})).json()
    third = (await contributor.get("/v1/events", params={"cursor": second["next_cursor"]})).json()

    assert [[1], [2], []] == [[event["number"] for event in page["data"]] for page in (first, second, third)]


async def test_numbers_have_no_gaps_under_many_moves_at_once(contributor: Client, campaign: Campaign) -> None:
    """An event never becomes visible before an earlier one."""
    claims = await asyncio.gather(*(claim(contributor, campaign, speech()) for _ in range(10)))
    await asyncio.gather(*(contributor.delete(claimed.json()["upload"]["url"], headers=TUS) for claimed in claims))

    events = (await contributor.get("/v1/events")).json()["data"]

    assert list(range(1, 21)) == [event["number"] for event in events]


async def test_another_contributors_events_are_not_heard(
    contributor: Client, other: Client, campaign: Campaign
) -> None:
    """Everybody has a story of their own."""
    await claim(contributor, campaign, speech())

    assert [] == (await other.get("/v1/events")).json()["data"]


async def test_a_stream_ends_when_its_session_is_signed_out(
    contributor: Client, campaign: Campaign, app: Litestar, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stolen phone hears nothing any more; the token is checked at every heartbeat."""
    monkeypatch.setattr("api.events.HEARTBEAT_S", 0.1)
    account = UUID((await contributor.get("/v1/me")).json()["id"])
    header = (b"authorization", contributor.headers["Authorization"].encode())
    request: Any = Request({"type": "http", "headers": [header], "litestar_app": app})  # type: ignore[typeddict-item]
    stream = told(request, app.state.database, app.state.bell, account, after=0)
    await claim(contributor, campaign, speech())

    begun = [await anext(stream) for _ in range(3)]
    assert 204 == (await contributor.delete("/v1/sessions/current")).status_code
    async with asyncio.timeout(5):
        rest = [piece async for piece in stream]

    assert b"recording.claimed" in begun[1]
    assert b": still here\n" == begun[2]
    assert {b": still here\n"} >= set(rest)
    assert 1 == len(list(EventSource(told_again(begun + rest)).iter_sse()))


def told_again(pieces: list[bytes]) -> httpx.Response:
    """A whole stream as a client reads it."""
    return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=b"".join(pieces))


@pytest.mark.parametrize("cursor", ["x", "-1", "1e3", "9" * 30])
async def test_a_cursor_that_is_no_number_is_refused(contributor: Client, cursor: str) -> None:
    """With the name of the parameter."""
    answer = await contributor.get("/v1/events", params={"cursor": cursor})

    assert (400, "cursor") == (answer.status_code, answer.json()["errors"][0]["pointer"])


async def test_news_that_are_no_moves_stand_in_the_same_line(
    contributor: Client, database: Pool, campaign: Campaign
) -> None:
    """Money and licences are heard of in the same gap-free stream."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]
    async with transaction(database) as connection:
        owner = "SELECT account_id FROM recordings WHERE id = %s"
        account = (await (await connection.execute(owner, [recording])).fetchone())[0]
        await tell(connection, account, "earning.created", recording=UUID(recording), data={"micros": 1})
        await tell(connection, account, "statement.issued")

    heard = (await contributor.get("/v1/events")).json()["data"]

    assert [1, 2, 3] == [event["number"] for event in heard]
    assert ["recording.claimed", "earning.created", "statement.issued"] == [event["kind"] for event in heard]
    assert [None, {"micros": 1}, None] == [event["data"] for event in heard]
    assert [recording, recording, None] == [event["recording"] for event in heard]


async def test_a_phone_that_is_ahead_of_a_restored_database_hears_everything(phone: Client, campaign: Campaign) -> None:
    """What the database counts now are other events than those the phone has seen; it would hear nothing for long."""
    await claim(phone, campaign, speech())

    listed = (await phone.get("/v1/events", params={"cursor": "40"})).json()
    streamed = await heard(phone, 1, **{"Last-Event-ID": "40"})
    reached = (await phone.get("/v1/events", params={"cursor": listed["next_cursor"]})).json()

    assert [1] == [event["number"] for event in listed["data"]]
    assert ["1"] == [event.id for event in streamed]
    assert ([], listed["next_cursor"]) == (reached["data"], reached["next_cursor"])


#: What is told in code, `tell(…, "noun.what_happened"`, and by the database, `tell(…, 'noun.what_happened'`.
TOLD = re.compile(r"""tell(?:_each)?\([^;]*?["']([a-z_]+\.[a-z_]*)["']""")
ROOT = Path(__file__).parent.parent.parent


def test_every_kind_that_is_told_is_explained():
    """Whoever writes an app knows kinds from nowhere else than the description of the route."""
    sources = [path.read_text() for folder in ("api", "storage") for path in (ROOT / folder).rglob("*.*y")]
    sources += [path.read_text() for path in (ROOT / "storage/migrations").glob("*.sql")]
    kinds = {kind for source in sources for kind in TOLD.findall(source)}
    explained = read_events.fn.__doc__ or ""

    assert {"consent.withdrawn", "payout.", "campaign.changed", "dispute.answered"} <= kinds
    assert set() == {kind for kind in kinds if f"`{kind}`" not in explained}
