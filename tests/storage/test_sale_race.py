"""Sale against withdrawal, at the same moment: each sale is refused, or its buyer is told. There is no third way.

`make test` runs a few hundred rounds; `make faults` runs ten thousand (COMPANION_FAULT_RACES).
"""

import asyncio
import os
import random
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from msgspec import Struct
from psycopg.types.json import Jsonb

from storage import accounts, buyers, consents, sales, screening, withdrawals
from storage.buyers import Registration
from storage.database import Connection, Pool, every, one, pool, run, transaction
from storage.errors import DatabaseBusy, NotForSale
from storage.sales import Offer

ROUNDS = int(os.environ.get("COMPANION_FAULT_RACES", "300"))
#: Each pair sells and withdraws the same recording at once, on two connections of its own.
PAIRS = 8
CHUNK = 500
USES = ["asr_training", "evaluation"]
SHEET = {
    "uses": [{"code": use, "stance": "core"} for use in USES],
    "term": {"duration": "P5Y"},
    "parties": {"buyers": {"excluded_sectors": []}},
    "price": {"royalties": [{"event": "dataset_sale", "share_bps": 5000}]},
    "withdrawal": {"notify_buyers_within": "P1D", "buyers_delete_within": "P30D", "undoes": [], "cannot_undo": []},
}


class Round(Struct, frozen=True):
    """A recording that is sold and withdrawn at once."""

    recording: UUID
    account: UUID
    dataset: UUID


class Start(Struct):
    """How much earlier the sale begins; it follows the outcomes, so that half of the races are lost by each side."""

    lead_s: float = 0.02


class _Id(Struct, frozen=True):
    id: UUID


class Tally(Struct, frozen=True):
    """What stands in the database when everything is over."""

    lines: int
    without_notice: int
    alive: int
    not_withdrawn: int


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Pool]:
    async with pool(database_url, largest=2 * PAIRS) as opened:
        yield opened


CAMPAIGN = """
    INSERT INTO campaigns (slug, title, brief, media, profile, max_bytes, max_duration_ms, rate_currency, rate_micros,
        rate_per_ms, quota_recordings, term_sheet_id, term_sheet_version)
    VALUES (%(name)s, 'Race', 'Race', 'audio', 'speech', 1000, 1000, 'EUR', 1, 1, 1000000, %(name)s, 1) RETURNING id
"""
ROUNDS_OF = """
    WITH made AS (
        INSERT INTO recordings (account_id, campaign_id, sha256, size_bytes, media_type)
        SELECT %(account)s, %(campaign)s, sha256(uuid_send(gen_random_uuid())), 1000, 'audio/wav'
        FROM generate_series(1, %(count)s) RETURNING id, account_id),
    sets AS (
        INSERT INTO datasets (id, slug, title, description)
        SELECT id, 'race-' || id, 'Race', 'One recording' FROM made),
    versions AS (
        INSERT INTO dataset_versions (dataset_id, version, sha256) SELECT id, 1, sha256(uuid_send(id)) FROM made),
    parts AS (
        INSERT INTO dataset_recordings (dataset_id, version, recording_id) SELECT id, 1, id FROM made)
    SELECT id AS recording, account_id AS account, id AS dataset FROM made
"""
CONSENT = """
    INSERT INTO consents (recording_id, account_id, term_sheet_id, term_sheet_version, term_sheet_sha256, locale,
        decisions)
    SELECT r.id, r.account_id, s.id, s.version, s.sha256, 'en', %(decisions)s
    FROM recordings r, term_sheets s WHERE s.id = %(name)s AND r.id = ANY(%(ids)s)
"""
RECEIPT = """
    INSERT INTO consent_receipts (id, consent_id, account_id, jws, sha256, issued_at)
    SELECT uuidv7(), id, account_id, 'not signed', sha256('not signed'), now() FROM consents
    WHERE recording_id = ANY(%(ids)s)
"""
MOVE = "UPDATE recordings SET state = %(state)s, duration_ms = 1000 WHERE id = ANY(%(ids)s)"
TALLY = """
    SELECT count(*) AS lines,
        count(*) FILTER (WHERE NOT EXISTS (SELECT FROM withdrawal_notices n
            WHERE n.sale_id = l.sale_id AND n.recording_id = l.recording_id)) AS without_notice,
        count(*) FILTER (WHERE l.ended_at IS NULL) AS alive,
        count(*) FILTER (WHERE r.state <> 'withdrawn') AS not_withdrawn
    FROM sale_lines l JOIN recordings r ON r.id = l.recording_id WHERE l.recording_id = ANY(%(ids)s)
"""


async def prepared(database: Pool, count: int) -> list[Round]:
    """Accept so many recordings, with consent, each in a dataset of its own."""
    name = f"race-{os.urandom(6).hex()}"
    async with transaction(database) as connection:
        await screening.load(connection, b"kind,value,because\ncountry,XX,test\n")
        await run(
            connection,
            "INSERT INTO term_sheets VALUES (%(name)s, 1, sha256(convert_to(%(name)s, 'UTF8')), %(sheet)s)",
            name=name,
            sheet=Jsonb(SHEET),
        )
        campaign = await one(connection, _Id, CAMPAIGN, name=name)
        assert campaign is not None
    rounds: list[Round] = []
    while len(rounds) < count:
        async with transaction(database) as connection:
            rounds += await accepted(connection, name, campaign.id, min(CHUNK, count - len(rounds)))
    return rounds


async def accepted(connection: Connection, name: str, campaign: UUID, count: int) -> list[Round]:
    """Accept a chunk of recordings of one account."""
    account = await accounts.create(connection, f"{os.urandom(8).hex()}@example.org", "no password", "contributor")
    made = await every(connection, Round, ROUNDS_OF, account=account.id, campaign=campaign, count=count)
    ids = [one.recording for one in made]
    decisions = Jsonb(dict.fromkeys(USES, "given"))
    await run(connection, CONSENT, name=name, ids=ids, decisions=decisions)
    await run(connection, RECEIPT, ids=ids)
    for state in ("uploading", "validating", "accepted"):
        await run(
            connection, f"UPDATE recordings SET state = '{state}', duration_ms = 1000 WHERE id = ANY(%(i)s)", i=ids
        )
    return made


async def raced(database: Pool, buyer: UUID, subject: Round, tally: Counter[str], start: Start) -> None:
    """Sell and withdraw one recording at once."""
    ends_at = datetime.now(UTC) + timedelta(days=365)
    offer = Offer(buyer, subject.dataset, 1, USES, "Race.", ends_at, "EUR", 1000)

    async def sell() -> None:
        try:
            async with transaction(database) as connection:
                await sales.sell(connection, offer)
            tally["sold"] += 1
            start.lead_s *= 0.9
        except NotForSale:
            tally["refused"] += 1
            start.lead_s /= 0.9
        except DatabaseBusy:
            # On a machine that is overloaded a sale is told to come back; nothing was sold.
            tally["busy"] += 1

    async def withdraw() -> None:
        await asyncio.sleep(start.lead_s * random.uniform(0.5, 1.5))
        while tally["withdrawn"] < ROUNDS:
            with suppress(DatabaseBusy):
                async with transaction(database) as connection:
                    await withdrawals.withdraw(connection, subject.account, subject.recording, ["*"], None)
                tally["withdrawn"] += 1
                return

    await asyncio.gather(sell(), withdraw())


@pytest.mark.timeout(3000)
async def test_no_sale_goes_without_refusal_or_notice(database: Pool):
    """Sixteen connections, a sale and a withdrawal of the same recording in each round."""
    began = time.monotonic()
    waiting = await prepared(database, ROUNDS)
    ids = [subject.recording for subject in waiting]
    # Five hundred recordings have one owner, whose row everybody locks: mixed, pairs wait for each other now and then.
    random.shuffle(waiting)
    tally: Counter[str] = Counter()

    async def pair() -> None:
        async with transaction(database) as connection:
            wish = Registration(f"Racer {os.urandom(4).hex()}", "DE", "speech_technology", "Races.")
            buyer = await buyers.register(connection, wish)
        start = Start()
        while waiting:
            await raced(database, buyer.id, waiting.pop(), tally, start)

    await asyncio.gather(*(pair() for _ in range(PAIRS)))
    async with transaction(database) as connection:
        stands = await one(connection, Tally, TALLY, ids=ids)

    print(f"\n{ROUNDS} rounds in {time.monotonic() - began:.0f} s: {dict(tally)}, {stands}")
    assert {"sold", "refused", "withdrawn"} <= set(tally)
    assert (ROUNDS, ROUNDS) == (tally["sold"] + tally["refused"] + tally["busy"], tally["withdrawn"])
    assert Tally(tally["sold"], 0, 0, 0) == stands


async def test_the_race_can_be_lost(database: Pool, monkeypatch: pytest.MonkeyPatch):
    """Without the sale's lock and without the database's own guard, sales slip through: the test above can fail."""
    lockless = consents.FOR_SALE.replace("FOR KEY SHARE OF r FOR SHARE OF u", "")
    monkeypatch.setattr(consents, "FOR_SALE", lockless)
    subject = (await prepared(database, 1))[0]
    async with transaction(database) as connection:
        wish = Registration(f"Racer {os.urandom(4).hex()}", "DE", "speech_technology", "Races.")
        buyer = await buyers.register(connection, wish)
    offer = Offer(buyer.id, subject.dataset, 1, USES, "Race.", datetime.now(UTC) + timedelta(days=9), "EUR", 1000)

    async with database.connection() as first, first.transaction():
        # The sale has looked and is about to write; the withdrawal does not wait for it.
        seen = await sales.examined(first, offer, buyer)
        async with transaction(database) as second:
            await withdrawals.withdraw(second, subject.account, subject.recording, ["*"], None)

    assert [None] == [candidate.refused for candidate in seen]
