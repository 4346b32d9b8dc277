"""Queues of the clock: what cannot be done is left for later, and keeps nobody else's waiting."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from minio.deleteobjects import DeleteError
from msgspec import Struct

from api import withdrawal_notices
from api.settings import Settings
from api.validation import Workplace
from storage import availability, buyers, erasures, notices, objects, royalties, sales, settling, sweeping, withdrawn
from storage.availability import Due
from storage.database import Connection, Pool, every, one, run, singly, transaction
from storage.errors import DatabaseBusy, MediaDamaged, StoreUnavailable
from storage.ledger.errors import Overdrawn
from storage.notices import Letter, Order
from storage.objects import Store
from storage.royalties import Settlement
from tests.api import trading
from tests.api.earning import owner
from tests.api.owning import Sold
from tests.api.paying import account_of, confirmed
from tests.api.test_accruals import due

Client = httpx.AsyncClient


class _Count(Struct):
    count: int


class _Id(Struct):
    id: UUID


async def count(database: Pool, query: Any, **values: object) -> int:
    async with transaction(database) as connection:
        found = await one(connection, _Count, query, **values)
    assert found is not None
    return found.count


async def test_a_sale_that_cannot_be_settled_keeps_no_other(
    operator: Client,
    database: Pool,
    place: Workplace,
    contributor: Client,
    campaign: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
):
    """It is the oldest, and the clock begins with it."""
    await trading.listed(database)
    monkeypatch.setattr(sales, "SETTLED_AT_ONCE", 0)
    sold = []
    for _ in range(2):
        dataset = await trading.version(operator, [await trading.accepted(place, contributor, campaign)])
        sold.append((await trading.sell(operator, (await trading.buyer(operator))["id"], dataset)).json()["id"])
    settle_some = royalties.settle_some

    async def failing(connection: Connection, settlement: Settlement) -> int | None:
        if str(settlement.sale_id) == sold[0]:
            raise Overdrawn
        return await settle_some(connection, settlement)

    paid = "SELECT count(*) FROM balance_transactions WHERE type = 'royalty' AND sale_id = %(sale)s"
    with monkeypatch.context() as broken:
        broken.setattr(royalties, "settle_some", failing)
        await settling.settle_sales(database)
    assert [0, 1] == [await count(database, paid, sale=sale) for sale in sold]

    await settling.settle_sales(database)
    assert 1 == await count(database, paid, sale=sold[0])


async def test_money_that_cannot_become_available_keeps_nobody_else_s(
    database: Pool,
    owner_url: str,
    place: Workplace,
    contributor: Client,
    other: Client,
    campaign: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
):
    """Both are in one batch, which is one posting."""
    stuck, free = [
        await owner(database, await trading.accepted(place, client, campaign)) for client in (contributor, other)
    ]
    for account in (stuck, free):
        due(owner_url, account)
    move = availability._move

    async def failing(connection: Connection, currency: str, lines: list[Due]) -> None:
        if any(line.account_id == stuck for line in lines):
            raise Overdrawn
        await move(connection, currency, lines)

    waiting = "SELECT count(*) FROM balance_transactions WHERE account_id = %(owner)s AND released_at IS NULL"
    with monkeypatch.context() as broken:
        broken.setattr(availability, "_move", failing)
        await settling.release(database)
    assert [1, 0] == [await count(database, waiting, owner=who) for who in (stuck, free)]

    await settling.release(database)
    assert 0 == await count(database, waiting, owner=stuck)


async def test_an_object_that_the_store_keeps_is_asked_for_again_in_an_hour(
    database: Pool, app_store: Store, monkeypatch: pytest.MonkeyPatch
):
    """An object lock, as some buckets have: all that is doomed after it would stay for ever."""
    locked, free = f"doomed/{uuid4()}", f"doomed/{uuid4()}"
    for key in (locked, free):
        await app_store.put(key, b"1")
    async with transaction(database) as connection:
        await sweeping.doom(connection, [locked, free])
    remove_objects = app_store.client.remove_objects

    def refusing(bucket_name: str, delete_object_list: Any) -> Any:
        yield from remove_objects(
            bucket_name=bucket_name, delete_object_list=[one for one in delete_object_list if one.name != locked]
        )
        if any(one.name == locked for one in delete_object_list):
            yield DeleteError("AccessDenied", "locked", locked, None)

    with monkeypatch.context() as broken:
        broken.setattr(app_store.client, "remove_objects", refusing)
        while await sweeping.remove_doomed(database, app_store):
            pass

    assert [1, None] == [await app_store.size(key) for key in (locked, free)]
    async with transaction(database) as connection:
        await run(connection, "UPDATE doomed_objects SET due_at = now() WHERE object_key = %(key)s", key=locked)
    await sweeping.remove_doomed(database, app_store)
    assert await app_store.size(locked) is None


async def test_an_erased_account_whose_objects_stay_keeps_no_other(
    database: Pool,
    app_store: Store,
    place: Workplace,
    contributor: Client,
    other: Client,
    campaign: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
):
    """Who left first is purged first; were it the first ten, nobody behind them would ever be purged."""
    monkeypatch.setattr(erasures, "UNPURGED", erasures.UNPURGED.replace("LIMIT 10", "LIMIT 1"))
    first, second = [await trading.accepted(place, client, campaign) for client in (contributor, other)]
    for client in (contributor, other):
        await confirmed(database, await account_of(client, database))
        assert 200 == (await client.delete("/v1/accounts/me")).status_code
    purge = app_store.purge

    async def failing(prefix: str) -> int:
        if first in prefix:
            raise StoreUnavailable
        return await purge(prefix)

    with monkeypatch.context() as broken:
        broken.setattr(app_store, "purge", failing)
        with pytest.raises(StoreUnavailable):
            await erasures.purge(database, app_store)

    assert [1, 0] == [len(await app_store.listing(f"recordings/{recording}/")) for recording in (first, second)]
    await erasures.purge(database, app_store)
    assert [] == await app_store.listing(f"recordings/{first}/")


def letter() -> Letter:
    now = datetime.now(UTC)
    return Letter(Order(uuid4(), uuid4(), uuid4(), 1, None, [], "queued", now, now), uuid4(), "https://x.example/")


async def test_a_notice_that_fails_keeps_no_other(database: Pool, monkeypatch: pytest.MonkeyPatch):
    """A secret that cannot be read, or an answer that comes while the letter is on its way."""
    due = [letter(), letter()]

    async def taken(_connection: Connection) -> list[Letter]:
        return due

    async def told(_database: Pool, _key: bytes, letter: Letter, **_: object) -> bool:
        if letter is due[0]:
            raise MediaDamaged
        return True

    monkeypatch.setattr(notices, "take_due", taken)
    monkeypatch.setattr(withdrawal_notices, "told", told)

    assert 1 == await withdrawal_notices.post_due(database, bytes(32), anywhere=True)


async def test_a_buyer_may_answer_before_its_receiver_has(
    sold: Sold,
    contributor: Client,
    database: Pool,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
):
    """It was told, then: nothing of ours has failed, and it stays as it answered."""
    async with transaction(database) as connection:
        url = "https://buyer.example/"
        await buyers.post_to(connection, settings.master_key, UUID(sold.buyer_id), url)
    assert 202 == (await trading.withdraw(contributor, sold.recording)).status_code
    (order,) = (await sold.buyer.get("/v1/withdrawal-notices")).json()["data"]
    letter = Letter(msgspec.convert(order, Order), UUID(sold.buyer_id), url)

    async def posted(*_: object, **__: object) -> bool:
        answered = await sold.buyer.post(
            f"/v1/withdrawal-notices/{order['id']}/answers", json={"state": "deletion_attested"}
        )
        assert 201 == answered.status_code, answered.text
        return True

    monkeypatch.setattr(withdrawal_notices, "posted", posted)

    assert await withdrawal_notices.told(database, settings.master_key, letter, anywhere=True)
    (after,) = (await sold.buyer.get("/v1/withdrawal-notices")).json()["data"]
    assert "deletion_attested" == after["state"]


async def test_a_receiver_that_is_gone_keeps_nobody_else_s_letters(
    database: Pool, place: Workplace, contributor: Client, operator: Client, campaign: dict[str, Any]
):
    """Its own were to arrive first, and there are more of them than are tried at once."""
    await trading.listed(database)
    withdrawn = []
    for url in ("https://gone.example/", "https://here.example/"):
        recording = await trading.accepted(place, contributor, campaign)
        buyer = await trading.buyer(operator, webhook_url=url)
        sold = await trading.sell(operator, buyer["id"], await trading.version(operator, [recording]))
        assert 201 == sold.status_code, sold.text
        assert 202 == (await trading.withdraw(contributor, recording)).status_code
        async with transaction(database) as connection:
            query = "SELECT id FROM withdrawal_notices WHERE recording_id = %(recording)s"
            withdrawn += [row.id for row in await every(connection, _Id, query, recording=recording)]
    gone, here = withdrawn

    async with transaction(database) as connection:
        await run(
            connection,
            "UPDATE withdrawal_notices SET next_attempt_at = now() + interval '1 day' WHERE id <> ALL(%(ours)s)",
            ours=withdrawn,
        )
        await run(connection, "UPDATE withdrawal_notices SET attempts = 5 WHERE id = %(gone)s", gone=gone)
        first = await notices.take_due(connection, limit=1)

    assert [here] == [one.order.id for one in first]


async def test_what_a_restored_database_does_not_know_goes_in_a_month(
    database: Pool, app_store: Store, place: Workplace, contributor: Client, campaign: dict[str, Any]
):
    """And nothing that a row names, whoever noted it: a restored database may give a key out again."""
    known, unknown = await trading.accepted(place, contributor, campaign), uuid4()
    ours = [f"recordings/{known}/1", f"recordings/{unknown}/1", f"renditions/{unknown}/1-x"]
    for key in ours[1:]:
        await app_store.put(key, b"1")
    waits = (
        "SELECT count(*) FROM doomed_objects WHERE object_key = ANY(%(keys)s) AND due_at > now() + interval '29 days'"
    )

    young = await sweeping.note_unknown(database, app_store)
    for _ in range(2):
        await sweeping.note_unknown(database, app_store, datetime.now(UTC) + timedelta(days=2))

    assert (0, 2) == (young, await count(database, waits, keys=ours))
    async with transaction(database) as connection:
        await run(connection, "UPDATE doomed_objects SET due_at = now() WHERE object_key = ANY(%(keys)s)", keys=ours)
        await sweeping.doom(connection, ours[:1])
    while await sweeping.remove_doomed(database, app_store):
        pass
    assert [True, False, False] == [await app_store.size(key) is not None for key in ours]


async def test_a_bucket_is_listed_page_by_page(app_store: Store, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(objects, "PAGE", 2)
    keys = [f"paged/{number}" for number in range(5)]
    for key in keys:
        await app_store.put(key, b"1")

    pages = [[item.key for item in page] async for page in app_store.pages("paged/")]

    assert [keys[:2], keys[2:4], keys[4:]] == pages


async def test_a_grant_that_cannot_end_keeps_no_other_from_its_end(
    database: Pool,
    place: Workplace,
    contributor: Client,
    campaign: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
):
    """Both are in one transaction, and what is over would stay in use."""
    stuck, free = [await trading.accepted(place, contributor, campaign) for _ in range(2)]
    async with transaction(database) as connection:
        over = "UPDATE consent_uses SET expires_at = now() WHERE recording_id = ANY(%(ids)s)"
        await run(connection, over, ids=[UUID(stuck), UUID(free)])
    move = withdrawn.move

    async def failing(connection: Connection, recording: UUID, *more: Any, **most: Any) -> Any:
        if str(recording) == stuck:
            await connection.execute("SELECT 1 / 0")
        return await move(connection, recording, *more, **most)

    with monkeypatch.context() as broken:
        broken.setattr(withdrawn, "move", failing)
        async with transaction(database) as connection:
            await withdrawn.end(connection)
    states = [(await contributor.get(f"/v1/recordings/{one}")).json()["recording"]["state"] for one in (stuck, free)]
    async with transaction(database) as connection:
        await withdrawn.end(connection)

    assert ["accepted", "withdrawn"] == states
    assert "withdrawn" == (await contributor.get(f"/v1/recordings/{stuck}")).json()["recording"]["state"]


async def test_one_that_waits_too_long_is_left_for_later_and_an_engine_that_is_away_is_not_asked_on(database: Pool):
    """A lock is somebody's own; two in a row that nobody answers are everybody's."""
    asked: list[int] = []

    async def work(_connection: Connection, each: UUID) -> bool:
        asked.append(each.int)
        if each.int in {2, 4, 5}:
            raise DatabaseBusy
        return True

    async def done(*numbers: int) -> list[int]:
        return [each.int for each in await singly(database, [UUID(int=number) for number in numbers], work)]

    assert [1, 3] == await done(1, 2, 3)
    with pytest.raises(DatabaseBusy):
        await done(3, 4, 5, 6)
    assert [1, 2, 3, 3, 4, 5] == asked
