"""Sales: a buyer gets a licence on recordings of a dataset version, for some uses, a purpose and a term.

Everything is decided in the transaction that writes the sale. It locks what it sells, so that a withdrawal comes wholly
before the sale and is seen, or wholly after it and finds the sale's lines: nothing is sold without its contributor's
consent, or without the buyer hearing of its end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

import psycopg.errors
from msgspec import Meta, Struct
from msgspec.structs import asdict, replace

from storage import buyers, consents, datasets, notices, screening
from storage.database import Connection, every, one, run
from storage.errors import BuyerRefused, LicenceOver, NotForSale, SaleMissing
from storage.ledger.amounts import share, split
from storage.ledger.errors import CurrencyUnknown, PostingDiffers
from storage.royalties import BATCH as SETTLED_AT_ONCE
from storage.royalties import open_settlement, settle_sale


class Offer(Struct, frozen=True):
    """What a buyer wants: a version of a dataset for these uses until `ends_at`, at a price in micros.

    With `without_refused` what may not be sold is left out; otherwise one such recording stops the whole sale, so that
    a price is never paid for less than was talked about.
    """

    buyer_id: UUID
    dataset_id: UUID
    version: int
    uses: list[str]
    purpose: str
    ends_at: datetime
    currency: str
    price_micros: int
    without_refused: bool = False


class Sale(Struct, frozen=True):
    """A sale as it was written; `recordings` counts its lines, `ended` those that may not be used any more."""

    id: UUID
    buyer_id: UUID
    dataset_id: UUID
    version: Annotated[int, Meta(examples=[1])]
    uses: Annotated[list[str], Meta(examples=[["asr_training"]])]
    purpose: Annotated[str, Meta(examples=["Speech recognition for hospital documentation."])]
    starts_at: datetime
    ends_at: datetime
    currency: Annotated[str, Meta(examples=["EUR"])]
    price_micros: Annotated[int, Meta(examples=[250_000_000])]
    recordings: int
    ended: int
    created_at: datetime


class Candidate(Struct, frozen=True):
    """A recording that is to be sold; `refused` says why it may not be, and `share_bps` what its contributor gets.

    `term_sheet` is the `id/versions/n` that its contributor agreed to.
    """

    recording_id: UUID
    account_id: UUID
    consent_id: UUID | None
    duration_ms: int
    share_bps: int
    term_sheet: str | None
    refused: str | None


class _Id(Struct, frozen=True):
    id: UUID


#: Why a recording may not be sold, in the order of how much a reason says; one is enough. A sheet is long and is read
#: once, not for each of its recordings.
CANDIDATES = """
    WITH sheets AS MATERIALIZED (
        SELECT id, version, document #> '{parties,buyers,excluded_sectors}' ? %(sector)s AS excludes,
            NOT document #> '{territory,include}' ?| ARRAY['worldwide', %(country)s]
                OR document #> '{territory,exclude}' ? %(country)s AS elsewhere,
            (SELECT (royalty ->> 'share_bps')::int FROM jsonb_array_elements(document #> '{price,royalties}') AS royalty
             WHERE royalty ->> 'event' = 'dataset_sale' LIMIT 1) AS share_bps
        FROM term_sheets)
    SELECT r.id AS recording_id, r.account_id, c.id AS consent_id, coalesce(r.duration_ms, 0) AS duration_ms,
        coalesce(s.share_bps, 0) AS share_bps, s.id || '/versions/' || s.version AS term_sheet,
        CASE
            WHEN r.state IN ('held', 'withdrawn', 'erased') THEN r.state
            WHEN r.state <> 'accepted' THEN 'not-accepted'
            WHEN EXISTS (SELECT FROM third_party_claims t WHERE t.recording_id = r.id AND t.state = 'open')
                THEN 'claimed'
            WHEN a.consent_paused_at IS NOT NULL THEN 'consent-paused'
            WHEN EXISTS (SELECT FROM refused_companies f WHERE f.account_id = r.account_id AND f.folded = %(company)s)
                THEN 'company-refused'
            WHEN c.id IS NULL THEN 'no-consent'
            WHEN s.excludes THEN 'sector-excluded'
            WHEN s.elsewhere THEN 'territory-excluded'
            WHEN (SELECT count(*) FROM consent_uses u WHERE u.recording_id = r.id AND u.use_code = ANY(%(uses)s)
                  AND u.status = 'given') < cardinality(%(uses)s::text[]) THEN 'use-not-given'
            WHEN EXISTS (SELECT FROM consent_uses u WHERE u.recording_id = r.id AND u.use_code = ANY(%(uses)s)
                         AND u.expires_at < %(ends_at)s) THEN 'term-too-short'
        END AS refused
    FROM dataset_recordings d
        JOIN recordings r ON r.id = d.recording_id JOIN accounts a ON a.id = r.account_id
        LEFT JOIN LATERAL (SELECT * FROM consents WHERE recording_id = r.id ORDER BY given_at DESC, id DESC LIMIT 1) c
            ON true
        LEFT JOIN sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE d.dataset_id = %(dataset)s AND d.version = %(version)s AND d.recording_id = ANY(%(recordings)s) ORDER BY r.id
"""
#: As many recordings are locked and looked at in one statement, which may take fifteen seconds.
CHUNK = 5000


KEYED = """
    SELECT id, (buyer_id, dataset_id, version, uses, purpose, ends_at, currency, price_micros) = (%(buyer_id)s,
        %(dataset_id)s, %(version)s, %(uses)s::text[], %(purpose)s, %(ends_at)s, %(currency)s, %(price_micros)s) AS same
    FROM sales WHERE key = %(key)s
"""


class _Keyed(Struct, frozen=True):
    id: UUID
    same: bool


async def sell_once(connection: Connection, offer: Offer, key: str) -> Sale:
    """Write a sale, or give the one that was written under this key.

    Raises PostingDiffers when that is another one, and what `sell` raises.
    """
    # Whoever sells under the same key at this moment is waited for.
    await run(connection, "SELECT pg_advisory_xact_lock(hashtextextended('sale ' || %(key)s, 0))", key=key)
    before = await one(connection, _Keyed, KEYED, key=key, **asdict(offer))
    if before is None:
        return await sell(connection, offer, key=key)
    if not before.same:
        raise PostingDiffers("This key belongs to another sale.")
    return await find(connection, before.id)


async def sell(connection: Connection, offer: Offer, *, key: str | None = None) -> Sale:
    """Write a sale and its lines in the caller's transaction.

    Its contributors hear of it and are paid in the same transaction where they are few. Where they are many it is left
    for `settling.settle_sales`, which never holds more than a few accounts: nobody waits minutes for somebody's sale.

    Raises BuyerMissing, BuyerRefused, DatasetMissing, LicenceOver, CurrencyUnknown, and NotForSale with the recordings
    that may not be sold.
    """
    if offer.ends_at <= datetime.now(UTC):
        raise LicenceOver
    buyer = await cleared(connection, offer.buyer_id)
    await datasets.version(connection, offer.dataset_id, offer.version)
    candidates = await examined(connection, offer, buyer)
    refused = {str(line.recording_id): line.refused for line in candidates if line.refused is not None}
    sold = [line for line in candidates if line.refused is None]
    if not sold or (refused and not offer.without_refused):
        raise NotForSale(refused=dict(list(refused.items())[:100]), refused_count=len(refused))
    sale = await _write(connection, offer, key, sorted({line.term_sheet for line in sold if line.term_sheet}))
    await _write_lines(connection, sale, offer, sold)
    await _still_allowed(connection, sale, buyer)
    await open_settlement(connection, sale)
    if len(sold) <= SETTLED_AT_ONCE:
        await settle_sale(connection, sale)
    return await find(connection, sale)


async def cleared(connection: Connection, buyer: UUID) -> buyers.Buyer:
    """Give a buyer that may be sold to, judged now and kept so until the sale stands.

    Raises BuyerMissing, BuyerRefused.
    """
    await screening.screen(connection, buyer)
    found = await buyers.find(connection, buyer)
    if found.screening != "cleared":
        raise BuyerRefused(screening=found.screening, because=found.screening_because)
    if await notices.ignored(connection, buyer):
        raise BuyerRefused(screening=found.screening, because="withdrawal-ignored")
    return found


async def examined(connection: Connection, offer: Offer, buyer: buyers.Buyer) -> list[Candidate]:
    """Look at every recording of the version; the ones that may be sold are kept so until the transaction ends.

    They are locked first and looked at afterwards: what a withdrawal wrote while we waited for its rows is only seen by
    the next statement, and what becomes sellable between the two is left for the next sale.
    """
    listed = await datasets.recordings(connection, offer.dataset_id, offer.version)
    found = []
    for start in range(0, len(listed), CHUNK):
        found += await _examined(connection, offer, buyer, listed[start : start + CHUNK])
    return found


async def _examined(
    connection: Connection, offer: Offer, buyer: buyers.Buyer, listed: Sequence[UUID]
) -> list[Candidate]:
    locked = await consents.lock_for_sale(connection, listed, offer.uses, offer.ends_at)
    uses = Counter(grant.recording_id for grant in locked)
    candidates = await every(
        connection,
        Candidate,
        CANDIDATES,
        dataset=offer.dataset_id,
        version=offer.version,
        recordings=listed,
        uses=offer.uses,
        ends_at=offer.ends_at,
        sector=buyer.sector,
        country=buyer.country,
        company=screening.fold(buyer.legal_name),
    )
    return [
        candidate
        if candidate.refused or uses[candidate.recording_id] == len(offer.uses)
        else replace(candidate, refused="not-yet")
        for candidate in candidates
    ]


INSERT = """
    INSERT INTO sales (buyer_id, dataset_id, version, uses, purpose, ends_at, currency, price_micros, term_sheets,
        key)
    VALUES (%(buyer)s, %(dataset)s, %(version)s, %(uses)s, %(purpose)s, %(ends_at)s, %(currency)s, %(price)s,
        %(sheets)s, %(key)s) RETURNING id
"""
INSERT_LINES = """
    INSERT INTO sale_lines (sale_id, recording_id, account_id, consent_id, uses, duration_ms, currency, fee_micros,
        share_bps, contributor_micros)
    SELECT %(sale)s, line.recording, line.account, line.consent, %(uses)s, line.duration, %(currency)s, line.fee,
        line.share, line.contributor
    FROM unnest(%(recordings)s::uuid[], %(accounts)s::uuid[], %(consents)s::uuid[], %(durations)s::bigint[],
        %(fees)s::bigint[], %(shares)s::int[], %(contributors)s::bigint[])
        AS line(recording, account, consent, duration, fee, share, contributor)
"""
#: Lines are checked and go into their passports a statement at a time, which may take fifteen seconds: these take a
#: quarter of one on a busy machine.
BATCH = 500


async def _write(connection: Connection, offer: Offer, key: str | None, sheets: list[str]) -> UUID:
    try:
        made = await one(
            connection,
            _Id,
            INSERT,
            buyer=offer.buyer_id,
            dataset=offer.dataset_id,
            version=offer.version,
            uses=offer.uses,
            purpose=offer.purpose,
            ends_at=offer.ends_at,
            currency=offer.currency,
            price=offer.price_micros,
            sheets=sheets,
            key=key,
        )
    except psycopg.errors.ForeignKeyViolation as error:
        raise CurrencyUnknown(currency=offer.currency) from error
    assert made is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    return made.id


async def _write_lines(connection: Connection, sale: UUID, offer: Offer, sold: Sequence[Candidate]) -> None:
    """Divide the price by length, which is what the sheets' pools say, and each fee as the recording's sheet says."""
    fees = split(offer.price_micros, [line.duration_ms for line in sold])
    for start in range(0, len(sold), BATCH):
        await _write_batch(connection, sale, offer, sold[start : start + BATCH], fees[start : start + BATCH])


async def _write_batch(
    connection: Connection, sale: UUID, offer: Offer, sold: Sequence[Candidate], fees: Sequence[int]
) -> None:
    await run(
        connection,
        INSERT_LINES,
        sale=sale,
        uses=offer.uses,
        currency=offer.currency,
        recordings=[line.recording_id for line in sold],
        accounts=[line.account_id for line in sold],
        consents=[line.consent_id for line in sold],
        durations=[line.duration_ms for line in sold],
        fees=fees,
        shares=[line.share_bps for line in sold],
        contributors=[share(fee, line.share_bps) for fee, line in zip(fees, sold, strict=True)],
    )


# A large sale is written for minutes, and neither of the two locks what it reads.
SAID_NO = """
    SELECT l.recording_id,
        CASE WHEN a.consent_paused_at IS NOT NULL THEN 'consent-paused' ELSE 'company-refused' END AS refused
    FROM sale_lines l JOIN accounts a ON a.id = l.account_id
    WHERE l.sale_id = %(sale)s AND (a.consent_paused_at IS NOT NULL OR EXISTS (
        SELECT FROM refused_companies f WHERE f.account_id = l.account_id AND f.folded = %(company)s))
    LIMIT 100
"""


class _SaidNo(Struct, frozen=True):
    recording_id: UUID
    refused: str


async def _still_allowed(connection: Connection, sale: UUID, buyer: buyers.Buyer) -> None:
    """Look once more at who paused consent, or refused the company, while the sale was written. Raises NotForSale."""
    late = await every(connection, _SaidNo, SAID_NO, sale=sale, company=screening.fold(buyer.legal_name))
    if late:
        raise NotForSale(refused={str(line.recording_id): line.refused for line in late}, refused_count=len(late))


COLUMNS = """
    s.id, s.buyer_id, s.dataset_id, s.version, s.uses, s.purpose, s.starts_at, s.ends_at, s.currency, s.price_micros,
    (SELECT count(*) FROM sale_lines WHERE sale_id = s.id) AS recordings,
    (SELECT count(*) FROM sale_lines WHERE sale_id = s.id AND ended_at IS NOT NULL) AS ended, s.created_at
"""
LISTING = f"""
    SELECT {COLUMNS} FROM sales s WHERE %(before)s::uuid IS NULL OR s.id < %(before)s
    ORDER BY s.id DESC LIMIT %(limit)s
"""


async def find(connection: Connection, sale: UUID) -> Sale:
    """Give a sale. Raises SaleMissing."""
    found = await one(connection, Sale, f"SELECT {COLUMNS} FROM sales s WHERE s.id = %(sale)s", sale=sale)
    if found is None:
        raise SaleMissing
    return found


async def listing(connection: Connection, *, before: UUID | None = None, limit: int = 50) -> list[Sale]:
    """List sales, newest first, from the one before `before` on."""
    return await every(connection, Sale, LISTING, before=before, limit=limit)


class RecordingUse(Struct, frozen=True):
    """One buyer's use of a recording, as its contributor reads it; money in micros of `currency`."""

    sale: UUID
    buyer: str
    country: str
    sector: str
    purpose: str
    dataset: str
    version: int
    uses: list[str]
    starts_at: datetime
    ends_at: datetime
    delivered_at: datetime | None
    ended_at: datetime | None
    # How far the buyer is with the newest withdrawal of it; see `notices`.
    notice: str | None
    currency: str
    fee_micros: int
    share_bps: Annotated[int, Meta(description="Your part of the fee in hundredths of a percent, as your terms say.")]
    contributor_micros: int


USES = """
    SELECT s.id AS sale, b.legal_name AS buyer, b.country, b.sector, s.purpose, d.title AS dataset, s.version,
        line.uses, s.starts_at, s.ends_at, line.delivered_at, line.ended_at, line.currency, line.fee_micros,
        line.share_bps, line.contributor_micros,
        (SELECT n.state FROM withdrawal_notices n WHERE n.sale_id = s.id AND n.recording_id = line.recording_id
            ORDER BY n.id DESC LIMIT 1) AS notice
    FROM sale_lines line JOIN sales s ON s.id = line.sale_id JOIN buyers b ON b.id = s.buyer_id
        JOIN datasets d ON d.id = s.dataset_id
    WHERE line.recording_id = %(recording)s AND (%(before)s::uuid IS NULL OR s.id < %(before)s)
    ORDER BY s.id DESC LIMIT %(limit)s
"""


async def uses_of(
    connection: Connection, recording: UUID, *, before: UUID | None = None, limit: int = 50
) -> list[RecordingUse]:
    """List who licensed a recording of the caller's own, newest first."""
    return await every(connection, RecordingUse, USES, recording=recording, before=before, limit=limit)
