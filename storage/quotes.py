"""Quotes: a binding offer, made before a contributor takes the trouble to record.

A quote keeps one of the campaign's places until it expires, and pins the rate and the term sheet: what the operator
changes afterwards does not touch it. Its row can only be used, once, and never be changed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from msgspec import Struct

from storage import campaigns, quota
from storage.database import Connection, every, one, run
from storage.errors import CampaignMissing, QuoteExpired, QuoteMissing, QuoteUsed, TooManyQuotes

#: Unused quotes that one contributor may hold: enough for an afternoon, too few to empty a campaign.
AT_ONCE = 20


class Offer(Struct, frozen=True):
    """What is offered: `rate_micros` (1e-6 of the currency's unit) for every `rate_per_ms` of accepted recording."""

    id: UUID
    account_id: UUID
    campaign_id: UUID
    rate_currency: str
    rate_micros: int
    rate_per_ms: int
    review_within: timedelta
    term_sheet_id: str
    term_sheet_version: int
    term_sheet_sha256: bytes
    sheet: dict[str, Any]
    created_at: datetime
    expires_at: datetime


class Quote(Struct, frozen=True):
    """A quote as its row stands; `jws` is the signed offer."""

    id: UUID
    campaign_id: UUID
    jws: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None


COLUMNS = "id, campaign_id, jws, created_at, expires_at, used_at"
# A deadline that has passed leaves no time to offer.
OFFER = """
    SELECT uuidv7() AS id, %(account)s::uuid AS account_id, c.id AS campaign_id, c.rate_currency, c.rate_micros,
        c.rate_per_ms, %(review_within)s::interval AS review_within, s.id AS term_sheet_id,
        s.version AS term_sheet_version, s.sha256 AS term_sheet_sha256, s.document AS sheet, now() AS created_at,
        least(now() + %(lasts)s, c.deadline) AS expires_at
    FROM campaigns c JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE c.id = %(campaign)s
"""
HELD = """
    SELECT count(*) AS unused FROM quotes WHERE account_id = %(account)s AND used_at IS NULL AND expires_at > now()
"""
INSERT = """
    INSERT INTO quotes (id, account_id, campaign_id, rate_currency, rate_micros, rate_per_ms, review_within,
        term_sheet_id, term_sheet_version, term_sheet_sha256, jws, created_at, expires_at)
    VALUES (%(id)s, %(account_id)s, %(campaign_id)s, %(rate_currency)s, %(rate_micros)s, %(rate_per_ms)s,
        %(review_within)s, %(term_sheet_id)s, %(term_sheet_version)s, %(term_sheet_sha256)s, %(jws)s, %(created_at)s,
        %(expires_at)s)
"""
LISTING = f"""
    SELECT {COLUMNS} FROM quotes
    WHERE account_id = %(account)s AND (%(before)s::uuid IS NULL OR id < %(before)s)
    ORDER BY id DESC LIMIT %(limit)s
"""
LOCK = """
    SELECT id, used_at IS NOT NULL AS used, expires_at, expires_at <= now() AS expired FROM quotes
    WHERE id = %(quote)s AND account_id = %(account)s AND campaign_id = %(campaign)s FOR UPDATE
"""


class _Held(Struct, frozen=True):
    unused: int


class _Locked(Struct, frozen=True):
    id: UUID
    used: bool
    expires_at: datetime
    expired: bool


async def prepare(
    connection: Connection, account: UUID, campaign: UUID, *, lasts: timedelta, review_within: timedelta
) -> Offer:
    """Make an offer that nobody else is made until the transaction ends; `keep` it once it is signed.

    Raises CampaignMissing, CampaignPaused, CampaignClosed when there is no place or no time left, TooManyQuotes.
    """
    await quota.hold(connection, campaign)
    campaigns.refuse_new((await campaigns.find(connection, campaign)).status)
    offer = await one(
        connection, Offer, OFFER, account=account, campaign=campaign, lasts=lasts, review_within=review_within
    )
    if offer is None:
        raise CampaignMissing
    held = await one(connection, _Held, HELD, account=account)
    if held is not None and held.unused >= AT_ONCE:
        raise TooManyQuotes(unused=held.unused)
    return offer


async def keep(connection: Connection, offer: Offer, jws: str) -> Quote:
    """Write down a signed offer: from now on it binds."""
    values = {name: getattr(offer, name) for name in Offer.__struct_fields__ if name != "sheet"}
    await run(connection, INSERT, **values, jws=jws)
    return Quote(offer.id, offer.campaign_id, jws, offer.created_at, offer.expires_at, None)


async def listing(connection: Connection, account: UUID, *, before: UUID | None, limit: int) -> list[Quote]:
    """List a contributor's quotes, newest first, from the one before `before` on."""
    return await every(connection, Quote, LISTING, account=account, before=before, limit=limit)


async def lock_unused(connection: Connection, account: UUID, campaign: UUID, quote: UUID) -> None:
    """Make sure that a claim may use this quote, and keep others from using it until the transaction ends.

    Raises QuoteMissing, QuoteUsed, QuoteExpired.
    """
    found = await one(connection, _Locked, LOCK, quote=quote, account=account, campaign=campaign)
    if found is None:
        raise QuoteMissing
    if found.used:
        raise QuoteUsed
    if found.expired:
        raise QuoteExpired(expired_at=found.expires_at)


async def use(connection: Connection, quote: UUID) -> None:
    """Mark a quote as used, in the transaction of the claim that it is for; one that is used stays as it is."""
    query = "UPDATE quotes SET used_at = now() WHERE id = %(quote)s AND used_at IS NULL"
    await run(connection, query, quote=quote)
