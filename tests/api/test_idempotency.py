"""Idempotency-Key: the lost answer is heard again, and one request has one effect."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, Any
from unittest.mock import AsyncMock
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from litestar import Litestar, post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.app import create_app
from api.idempotency import _Keeper
from api.settings import Settings
from storage import idempotency
from storage.database import Pool, pool, transaction
from storage.errors import DatabaseBusy, MoveRefused
from tests.api.clients import client_of
from tests.api.paying import account_of, destination, earned


class Order(Struct):
    """What the route of these tests is asked."""

    text: Annotated[str, Meta(max_length=10)]
    refuse: bool = False


EFFECTS: list[str] = []
#: While this is not set, an order is being worked on.
WORKED = asyncio.Event()


@post("/v1/test-orders")
async def order(data: JSONBody[Order]) -> dict[str, Any]:
    """Have an effect that can be counted."""
    if data.refuse:
        raise MoveRefused
    EFFECTS.append(data.text)
    await WORKED.wait()
    return {"number": len(EFFECTS), "text": data.text}


@pytest.fixture(scope="module")
async def ordering(settings: Settings, app: Litestar) -> Litestar:
    """The application with a route whose effect is not idempotent by itself."""
    running = create_app(settings)
    running.register(order)
    running.state.update({"database": app.state.database})
    return running


@pytest.fixture
async def orders(ordering: Litestar, contributor: httpx.AsyncClient) -> httpx.AsyncClient:
    EFFECTS.clear()
    WORKED.set()
    return client_of(ordering, contributor.headers["authorization"].removeprefix("Bearer "))


Ask = Callable[..., Awaitable[httpx.Response]]


async def ask(client: httpx.AsyncClient, key: str, **body: Any) -> httpx.Response:
    return await client.post("/v1/test-orders", json=body, headers={"Idempotency-Key": key})


async def test_a_repeat_hears_the_first_answer_byte_for_byte(orders: httpx.AsyncClient):
    """And says that it is one."""
    first = await ask(orders, "k1", text="a")
    second = await ask(orders, "k1", text="a")

    assert ["a"] == EFFECTS
    assert (201, first.content) == (second.status_code, second.content)
    assert "true" == second.headers["idempotency-replayed"]
    assert "idempotency-replayed" not in first.headers
    assert first.headers["content-type"] == second.headers["content-type"]


async def test_the_same_key_with_another_body_is_refused(orders: httpx.AsyncClient):
    await ask(orders, "k1", text="a")

    answer = await ask(orders, "k1", text="b")

    assert (422, "/problems/idempotency-key-reused") == (answer.status_code, answer.json()["type"])
    assert ["a"] == EFFECTS


async def test_a_repeat_before_the_first_answer_is_told_to_wait(orders: httpx.AsyncClient):
    """Ten at once have one effect."""
    WORKED.clear()
    asked = asyncio.as_completed([ask(orders, "k1", text="a") for _ in range(10)])
    answers = [await next(asked) for _ in range(9)]
    WORKED.set()
    answers.append(await next(asked))

    assert ["a"] == EFFECTS
    assert [201] + [409] * 9 == sorted(answer.status_code for answer in answers)
    waiting = next(answer for answer in answers if answer.status_code == 409)
    assert "/problems/idempotency-key-in-progress" == waiting.json()["type"]
    assert "1" == waiting.headers["retry-after"]


async def test_a_refused_request_frees_its_key_for_the_corrected_one(orders: httpx.AsyncClient):
    """A refusal had no effect, so nothing must be repeated."""
    assert 409 == (await ask(orders, "k1", text="a", refuse=True)).status_code
    assert 400 == (await ask(orders, "k1", text="far too long a text")).status_code

    assert 201 == (await ask(orders, "k1", text="a")).status_code


async def test_a_key_belongs_to_one_account(orders: httpx.AsyncClient, ordering: Litestar, other: httpx.AsyncClient):
    """Another contributor's equal key neither repeats nor reveals anything."""
    await ask(orders, "k1", text="a")

    foreign = client_of(ordering, other.headers["authorization"].removeprefix("Bearer "))
    answer = await ask(foreign, "k1", text="b")

    assert (201, ["a", "b"]) == (answer.status_code, EFFECTS)


@pytest.mark.parametrize("key", ["", "x" * 256, "with space", "über"])
async def test_a_key_that_cannot_be_kept_is_refused(orders: httpx.AsyncClient, key: str):
    answer = await orders.post(
        "/v1/test-orders", json={"text": "a"}, headers=[(b"idempotency-key", key.encode("latin-1"))]
    )

    assert (400, "/problems/idempotency-key-invalid") == (answer.status_code, answer.json()["type"])


async def test_without_a_key_every_request_counts(orders: httpx.AsyncClient):
    for _ in range(2):
        assert 201 == (await orders.post("/v1/test-orders", json={"text": "a"})).status_code

    assert ["a", "a"] == EFFECTS


async def test_a_key_whose_request_died_is_taken_over_after_a_minute(orders: httpx.AsyncClient, database: Pool):
    """A crash between the effect and the kept answer must not lock a phone out."""
    me = (await ask(orders, "k1", text="a")) and await account_id(orders, database)
    async with transaction(database) as connection:
        await connection.execute(
            "UPDATE idempotency_keys SET status = NULL, body = NULL, created_at = now() - interval '61 seconds' "
            "WHERE account_id = %s",
            (me,),
        )

    answer = await ask(orders, "k1", text="a")

    assert (201, ["a", "a"]) == (answer.status_code, EFFECTS)


async def test_a_payout_whose_answer_was_lost_in_a_crash_is_not_made_twice(
    contributor: httpx.AsyncClient, database: Pool, monkeypatch: pytest.MonkeyPatch
):
    """The process died after the payout stood and before its answer was kept; a minute later the phone asks again."""
    me = await account_of(contributor, database)
    await earned(database, me, 20_000_000)
    wish = {"destination": await destination(contributor, database, me), "micros": 6_000_000}
    with monkeypatch.context() as crashed:
        crashed.setattr(_Keeper, "_record", AsyncMock())
        await contributor.post("/v1/payouts", json=wish, headers={"Idempotency-Key": "p1"})
    soon = await contributor.post("/v1/payouts", json=wish, headers={"Idempotency-Key": "p1"})
    await aged(database, me)

    late = await contributor.post("/v1/payouts", json=wish, headers={"Idempotency-Key": "p1"})
    listed = (await contributor.get("/v1/payouts")).json()["data"]

    assert (409, "/problems/idempotency-key-in-progress") == (soon.status_code, soon.json()["type"])
    assert (409, "/problems/idempotency-answer-lost") == (late.status_code, late.json()["type"])
    assert [6_000_000] == [payout["amount"]["micros"] for payout in listed]


async def aged(database: Pool, account: UUID) -> None:
    """Let somebody's keys have been taken a minute ago."""
    query = "UPDATE idempotency_keys SET created_at = now() - interval '61 seconds' WHERE account_id = %s"
    async with transaction(database) as connection:
        await connection.execute(query, (account,))


async def test_work_that_lasts_longer_than_a_minute_is_not_done_twice(contributor: httpx.AsyncClient, database: Pool):
    """A sale of a hundred thousand recordings takes minutes; whoever asks again meanwhile waits."""
    me = await account_of(contributor, database)
    asked = (me, "sale", b"h" * 32)
    async with transaction(database) as connection:
        await idempotency.take(connection, *asked)
    await aged(database, me)
    async with transaction(database) as connection:
        first = await idempotency.take(connection, *asked)
        assert isinstance(first, idempotency.Taken)
    await aged(database, me)
    async with transaction(database) as connection:
        cursor = await connection.execute("SELECT created_at FROM idempotency_keys WHERE account_id = %s", (me,))
        working = idempotency.Taken((await cursor.fetchone())[0])  # type: ignore[index]

        assert await idempotency.bind(connection, me, "sale", working)
        with pytest.raises(DatabaseBusy):
            await impatient(database, *asked)
        assert not await idempotency.bind(connection, me, "sale", first)
    async with transaction(database) as connection:
        kept = await idempotency.take(connection, *asked)

    assert isinstance(kept, idempotency.Kept)
    assert kept.lost


async def impatient(database: Pool, account: UUID, key: str, asked: bytes) -> None:
    """Try to take a key, and wait a moment only."""
    async with transaction(database) as connection:
        await connection.execute("SET LOCAL lock_timeout = '200ms'")
        await idempotency.take(connection, account, key, asked)


async def test_a_request_that_was_overtaken_does_not_overwrite_the_answer(orders: httpx.AsyncClient, database: Pool):
    """The time at which the key was taken fences it."""
    me = await account_id(orders, database)
    async with transaction(database) as connection:
        slow = await idempotency.take(connection, me, "k9", b"h" * 32)
        await connection.execute(
            "UPDATE idempotency_keys SET created_at = now() - interval '61 seconds' WHERE account_id = %s", (me,)
        )
    async with transaction(database) as connection:
        quick = await idempotency.take(connection, me, "k9", b"h" * 32)
        assert isinstance(slow, idempotency.Taken)
        assert isinstance(quick, idempotency.Taken)
        await idempotency.keep(connection, me, "k9", slow, 201, [], b"slow")
        await idempotency.keep(connection, me, "k9", quick, 201, [], b"quick")
        kept = await idempotency.take(connection, me, "k9", b"h" * 32)

    assert isinstance(kept, idempotency.Kept)
    assert b"quick" == kept.body


async def account_id(client: httpx.AsyncClient, database: Pool) -> Any:
    async with transaction(database) as connection:
        cursor = await connection.execute(
            "SELECT account_id FROM sessions JOIN access_tokens ON session_id = sessions.id WHERE hash = sha256(%s)",
            (client.headers["authorization"].removeprefix("Bearer ").encode(),),
        )
        row = await cursor.fetchone()
    assert row is not None
    return row[0]


async def test_an_answer_goes_out_even_when_it_cannot_be_kept(caplog: pytest.LogCaptureFixture):
    """The database went away after the effect: the phone must not hear that nothing happened."""
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    away = pool("postgresql://nobody@127.0.0.1:1/nowhere")
    keeper = _Keeper(away, uuid4(), "k1", idempotency.Taken(datetime.now(UTC)), send)
    await keeper({"type": "http.response.start", "status": 201, "headers": []})
    await keeper({"type": "http.response.body", "body": b"done", "more_body": False})

    assert [201, b"done"] == [sent[0]["status"], sent[1]["body"]]
    assert "could not be kept" in caplog.text


async def test_a_body_that_is_too_large_is_refused_before_its_key_is_taken(orders: httpx.AsyncClient):
    answer = await orders.post("/v1/test-orders", content=b" " * 1_000_001, headers={"Idempotency-Key": "k1"})

    assert 413 == answer.status_code
    assert 201 == (await ask(orders, "k1", text="a")).status_code


async def test_a_secret_that_is_shown_once_is_not_kept_in_the_clear(operator: httpx.AsyncClient, owner_url: str):
    """Only its hash is kept elsewhere; whoever lost the answer still hears it again."""
    wish = {"legal_name": "Harbour", "country": "DE", "sector": "speech_technology", "purpose": "Recognition."}
    headers = {"Idempotency-Key": str(uuid4())}
    made = await operator.post(
        "/v1/operator/buyers", json={**wish, "webhook_url": "https://buyer.example/hooks"}, headers=headers
    )
    buyer = made.json()["buyer"]["id"]
    keys = [await operator.post(f"/v1/operator/buyers/{buyer}/keys", headers={"Idempotency-Key": "k"}) for _ in "ab"]

    with psycopg.connect(owner_url) as connection:
        kept = [bytes(row[0]) for row in connection.execute("SELECT body FROM idempotency_keys WHERE body IS NOT NULL")]
    for secret in (made.json()["webhook_secret"], keys[0].json()["secret"]):
        assert not any(secret.encode() in body for body in kept)
    assert kept
    assert keys[0].content == keys[1].content
    assert "true" == keys[1].headers["idempotency-replayed"]
