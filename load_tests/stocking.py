"""A hundred thousand recordings that may be sold, put into a service's own database before a run.

Uploading as many would measure uploads for a day. Every row is what the service itself writes, through its own tables,
triggers and functions: accounts, a campaign under a published sheet, recordings that move state by state, consents use
by use, signed receipts, passports, renditions. Only the bytes are missing, but for the few that buyers fetch. The
campaign pays royalties and nothing for accepting, as campaigns of archives do, so that every posting is the sale's.
"""

from __future__ import annotations

import asyncio
import hashlib
import io
import os
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.resources import files
from typing import Any
from uuid import UUID

import msgspec
import rfc8785
from msgspec import Struct
from msgspec.structs import replace
from psycopg.types.json import Jsonb

from api import receipts
from api.app import bucket_of
from api.settings import Settings
from api.signing import Signatures, Signer, sign
from load_tests.goods import PRICE, Goods, Person
from storage import accounts, buyers, campaigns, datasets, encryption, screening, sessions, term_sheets
from storage.buyers import Registration
from storage.consents import Consent
from storage.database import Connection, Pool, every, one, pool, run, transaction
from storage.encryption import Layout, SealingFile
from storage.ledger.amounts import share
from storage.objects import Store, open_store
from storage.receipts import Grounds

#: Recordings of one transaction, of one account, and whose renditions are really there; the length of each.
BATCH, EACH, FETCHED, LENGTH_MS = 200, 100, 100, 11_000
#: How many contributors have a phone in their hand during the run.
PEOPLE = 100
#: As many batches are written at once: more than processors would only wait for each other.
AT_ONCE = 2
#: How often it is said how far it is.
SAID = 4000
PERSON = "no password opens this account"
LIST = b"kind,value,because\nname,Nord Aggression Holding,a load test's\n"
BUYER = Registration("Harbour Speech GmbH", "DE", "speech_technology", "Speech recognition for hospitals.")


class _Sheet(Struct, frozen=True):
    sha256: bytes
    document: dict[str, Any]


class _Made(Struct, frozen=True):
    id: UUID
    account_id: UUID


class _Id(Struct, frozen=True):
    id: UUID


class _Agreed(Struct, frozen=True):
    """A consent without a receipt, and what the receipt has to say; see `receipts.Grounds`."""

    id: UUID
    recording_id: UUID
    card_sha256: bytes | None
    given_at: datetime
    decisions: dict[str, Any]
    receipt: UUID
    issued_at: datetime
    account_id: UUID
    recording_sha256: bytes


SHEET = "SELECT sha256, document FROM term_sheets WHERE id = %(sheet)s AND version = %(version)s"
RECORDINGS = """
    INSERT INTO recordings (account_id, campaign_id, language, sha256, size_bytes, media_type)
    SELECT account, %(campaign)s, 'en', sha256(uuid_send(gen_random_uuid())), 352000, 'audio/wav'
    FROM unnest(%(accounts)s::uuid[]) AS account, generate_series(1, %(each)s) RETURNING id, account_id
"""
CONSENTS = """
    INSERT INTO consents (recording_id, account_id, term_sheet_id, term_sheet_version, term_sheet_sha256, locale,
        decisions)
    SELECT recording, account, %(sheet)s, %(version)s, %(sha256)s, 'en', %(decisions)s
    FROM unnest(%(recordings)s::uuid[], %(accounts)s::uuid[]) AS made(recording, account)
"""
AGREED = """
    SELECT c.id, c.recording_id, c.card_sha256, c.given_at, c.decisions, uuidv7() AS receipt,
        clock_timestamp() AS issued_at, c.account_id, r.sha256 AS recording_sha256
    FROM consents c JOIN recordings r ON r.id = c.recording_id WHERE c.recording_id = ANY(%(recordings)s)
"""
RECEIPTS = """
    INSERT INTO consent_receipts (id, consent_id, account_id, jws, sha256, issued_at)
    SELECT * FROM unnest(%(ids)s::uuid[], %(consents)s::uuid[], %(accounts)s::uuid[], %(jws)s::text[],
        %(sha256)s::bytea[], %(issued)s::timestamptz[])
"""
MOVE = """
    UPDATE recordings SET state = %(state)s, moved_by = %(by)s, duration_ms = %(length)s,
        object_key = 'recordings/' || id || '/1'
    WHERE id = ANY(%(recordings)s)
"""
MOVES = (("uploading", "contributor"), ("validating", "contributor"), ("accepted", "worker"))
# In the transaction that accepts them, so that no worker sets out to make a copy of bytes that are not there.
RENDITIONS = """
    WITH done AS (UPDATE privacy SET due = false WHERE recording_id = ANY(%(recordings)s))
    INSERT INTO renditions (recording_id, number, object_key, sha256, size_bytes, media_type, edits, removed_ms)
    SELECT recording, 1, 'renditions/' || recording || '/1', sha256, size, 'audio/flac', '[]', 0
    FROM unnest(%(recordings)s::uuid[], %(sha256)s::bytea[], %(sizes)s::bigint[]) AS copy(recording, sha256, size)
"""


class Maker(Struct, frozen=True):
    """What it takes to make recordings: the engines, the key that signs, the campaign and its sheet."""

    database: Pool
    store: Store
    settings: Settings
    signer: Signer
    campaign: UUID
    sheet: campaigns.Draft
    text: _Sheet


def stocked(environment: Mapping[str, str], wanted: int) -> Goods:
    """Put so many recordings (at most 100,000, whole batches) where this environment leads; takes minutes."""
    return asyncio.run(stock(Settings.from_environment(environment), max(1, wanted // BATCH) * BATCH))


async def stock(settings: Settings, wanted: int) -> Goods:
    """Make everything, saying how far it is."""
    began = time.perf_counter()
    async with pool(settings.database_url) as database, open_store(*bucket_of(settings)) as store:
        maker = await prepared(database, store, settings)
        made: list[_Made] = []
        fetched: dict[UUID, str] = {}
        while len(made) < wanted:
            left = min(AT_ONCE, (wanted - len(made)) // BATCH)
            for some, real in await asyncio.gather(*(batch(maker, first=not made and not n) for n in range(left))):
                made += some
                fetched |= real
            print(
                f"{len(made):,} of {wanted:,} recordings may be sold, {time.perf_counter() - began:.0f} s", flush=True
            )
        return await offered(maker, made, fetched)


async def prepared(database: Pool, store: Store, settings: Settings) -> Maker:
    """Open a campaign for this run, under a sheet of its own."""
    shown = msgspec.json.decode(
        (files("api") / "demo_data" / "campaign-read-speech.json").read_bytes(), type=campaigns.Draft
    )
    name = f"load-{os.urandom(6).hex()}"
    signer = await Signatures(database, settings.master_key).signer()
    async with transaction(database) as connection:
        text = await royalties_only(connection, name, shown)
        draft = replace(
            shown, slug=name, term_sheet_id=name, term_sheet_version=1, rate_micros=0, quota_recordings=1_000_000,
            prompts=[],
        )  # fmt: skip
        campaign = await campaigns.open_campaign(connection, draft)
        assert campaign is not None  # noqa: S101 - its name was drawn a moment ago.
        if await one(connection, _Id, "SELECT id FROM screening_lists LIMIT 1") is None:
            await screening.load(connection, LIST)
    return Maker(database, store, settings, signer, campaign, draft, text)


async def royalties_only(connection: Connection, name: str, shown: campaigns.Draft) -> _Sheet:
    """Publish the demonstration's sheet as one that pays nothing for accepting, as its campaign could not else."""
    text = await one(connection, _Sheet, SHEET, sheet=shown.term_sheet_id, version=shown.term_sheet_version)
    assert text is not None  # noqa: S101 - `companion run` publishes it before it is ready.
    price = text.document["price"]
    unpaid = {**price, "rates": [{**rate, "micros": 0} for rate in price["rates"]]}
    document = {**text.document, "id": name, "version": 1, "price": unpaid}
    await term_sheets.publish(connection, document)
    return _Sheet(hashlib.sha256(term_sheets.canonical(document)).digest(), document)


async def batch(maker: Maker, *, first: bool) -> tuple[list[_Made], dict[UUID, str]]:
    """Make a batch of recordings with their people; of the first one some renditions are really there."""
    async with transaction(maker.database) as connection:
        people = [
            (await accounts.create(connection, f"{os.urandom(8).hex()}@example.org", PERSON)).id
            for _ in range(BATCH // EACH)
        ]
        asked = {"campaign": maker.campaign, "accounts": people, "each": EACH}
        made = await every(connection, _Made, RECORDINGS, **asked)
        await agreed(connection, maker, made)
        ids = [recording.id for recording in made]
        for state, by in MOVES:
            await run(connection, MOVE, recordings=ids, state=state, by=by, length=LENGTH_MS)
        copies = [os.urandom(20_000) for _ in made[: FETCHED if first else 0]]
        for recording, copy in zip(made, copies, strict=False):
            await kept(connection, maker, recording, copy)
        hashes = [hashlib.sha256(copy).digest() for copy in copies] + [os.urandom(32) for _ in ids[len(copies) :]]
        await run(connection, RENDITIONS, recordings=ids, sha256=hashes, sizes=[20_000] * len(ids))
    return made, {recording: sha256.hex() for recording, sha256 in zip(ids[: len(copies)], hashes, strict=False)}


async def agreed(connection: Connection, maker: Maker, made: Sequence[_Made]) -> None:
    """Give every use that the sheet offers, and sign what each contributor keeps of it."""
    ids = [recording.id for recording in made]
    uses = [use["code"] for use in maker.text.document["uses"] if use["stance"] != "prohibited"]
    sheet = {"sheet": maker.sheet.term_sheet_id, "version": maker.sheet.term_sheet_version, "sha256": maker.text.sha256}
    owners = [recording.account_id for recording in made]
    decisions = Jsonb(dict.fromkeys(uses, "given"))
    await run(connection, CONSENTS, recordings=ids, accounts=owners, decisions=decisions, **sheet)
    rows = await every(connection, _Agreed, AGREED, recordings=ids)
    words = [receipt(maker, row) for row in rows]
    await run(
        connection,
        RECEIPTS,
        ids=[row.receipt for row in rows],
        consents=[row.id for row in rows],
        accounts=[row.account_id for row in rows],
        jws=[sign(maker.signer, text, typ=receipts.TYP) for text in words],
        sha256=[hashlib.sha256(text).digest() for text in words],
        issued=[row.issued_at for row in rows],
    )


def receipt(maker: Maker, row: _Agreed) -> bytes:
    """Write a receipt as the service does."""
    sheet = (maker.sheet.term_sheet_id, maker.sheet.term_sheet_version, maker.text.sha256)
    consent = Consent(row.id, row.recording_id, *sheet, row.card_sha256, "en", row.decisions, row.given_at)
    grounds = Grounds(row.receipt, row.issued_at, row.account_id, row.recording_sha256, maker.text.document)
    return rfc8785.dumps(receipts.document(consent, grounds, "http://load.test"))


async def kept(connection: Connection, maker: Maker, recording: _Made, copy: bytes) -> None:
    """Put a rendition into the store, sealed as the worker seals it."""
    key = await encryption.subject_key(connection, maker.settings.master_key, recording.account_id)
    layout = Layout(len(copy))
    sealing: Any = SealingFile(io.BytesIO(copy), layout, key, recording.id)
    await maker.store.put_file(f"renditions/{recording.id}/1", sealing, layout.object_size)


CODES = "SELECT recording_id AS id, code FROM recording_codes WHERE recording_id = ANY(%(recordings)s)"


class _Code(Struct, frozen=True):
    id: UUID
    code: str


async def offered(maker: Maker, made: Sequence[_Made], fetched: Mapping[UUID, str]) -> Goods:
    """Publish all of it as one version, and open the accounts of those who sell, buy and watch."""
    async with transaction(maker.database) as connection:
        name = f"load-{os.urandom(6).hex()}"
        dataset = await datasets.create(connection, name, "Read speech", "Sentences, read aloud.")
        await datasets.publish(connection, dataset.id, [recording.id for recording in made])
        codes = await every(connection, _Code, CODES, recordings=list(fetched))
        buyer = await buyers.register(connection, BUYER)
        _, key = await buyers.new_key(connection, buyer.id)
        operator = await accounts.create(connection, f"{name}@example.org", PERSON, "operator")
        # A recording each, evenly over all of them; of few recordings several belong to one person with several phones.
        held = made[:: max(1, len(made) // PEOPLE)][:PEOPLE]
        people = [await signed_in(connection, row.account_id, row.id) for row in held]
        seller = await signed_in(connection, operator.id)
    return Goods(
        operator=seller,
        buyer=buyer.id,
        key=key,
        dataset=dataset.id,
        recordings=len(made),
        fetched={row.code: fetched[row.id] for row in codes},
        people=people,
        owed_micros=EACH * share(PRICE, share_of(maker.text.document)),
    )


def share_of(sheet: Mapping[str, Any]) -> int:
    """What a contributor gets of a sale by a sheet, in hundredths of a percent."""
    return next(int(one["share_bps"]) for one in sheet["price"]["royalties"] if one["event"] == "dataset_sale")


async def signed_in(connection: Connection, account: UUID, recording: UUID | None = None) -> Person:
    """Open a session."""
    _, tokens = await sessions.start(connection, account, "load test")
    return Person(tokens.access_token, tokens.refresh_token, recording)
