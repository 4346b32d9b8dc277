"""Rates: what every campaign pays and ever paid; a change is a new version with its reason, and never looks back."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import psycopg.errors
from msgspec import Struct

from storage.database import Connection, every, one, run
from storage.errors import CampaignMissing, RateBelowTerms, TermSheetMissing
from storage.ledger.errors import CurrencyUnknown


class Rate(Struct, frozen=True):
    """One version of a campaign's rate: `micros` for every `per_ms`; `until` is None while it counts."""

    id: UUID
    campaign_id: UUID
    campaign_title: str
    media: Literal["audio", "video"]
    languages: list[str]
    currency: str
    micros: int
    per_ms: int
    since: datetime
    until: datetime | None
    because: str | None
    term_sheet_id: str
    term_sheet_version: int


LISTING = """
    SELECT v.id, v.campaign_id, c.title AS campaign_title, c.media, c.languages, v.currency, v.micros, v.per_ms,
        v.since, v.because, c.term_sheet_id, c.term_sheet_version,
        (SELECT min(next.since) FROM campaign_rates next WHERE next.campaign_id = v.campaign_id AND next.id > v.id)
            AS until
    FROM campaign_rates v JOIN campaigns c ON c.id = v.campaign_id
        JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE (%(before)s::uuid IS NULL OR v.id < %(before)s)
      AND (%(media)s::text IS NULL OR c.media = %(media)s)
      AND (%(language)s::text IS NULL OR c.languages = '{}' OR EXISTS (
          SELECT FROM unnest(c.languages) AS spoken
          WHERE lower(%(language)s) IN (lower(spoken), lower(split_part(spoken, '-', 1)))))
      AND (%(territory)s::text IS NULL OR (
          s.document #> '{territory,include}' ?| ARRAY['worldwide', %(territory)s]
          AND NOT coalesce(s.document #> '{territory,exclude}', '[]') ? %(territory)s))
    ORDER BY v.id DESC LIMIT %(limit)s
"""


async def listing(
    connection: Connection,
    *,
    media: str | None = None,
    language: str | None = None,
    territory: str | None = None,
    before: UUID | None = None,
    limit: int = 50,
) -> list[Rate]:
    """List rates, the newest version first; `territory` is a country that the campaign's sheet licences for."""
    return await every(
        connection,
        Rate,
        LISTING,
        media=media,
        language=language,
        territory=territory,
        before=before,
        limit=limit,
    )


class Terms(Struct, frozen=True):
    """What a campaign pays now, and what its term sheet takes from that."""

    currency: str
    micros: int
    per_ms: int
    languages: list[str]
    max_duration_ms: int
    term_sheet_id: str
    term_sheet_version: int
    fees: list[dict[str, Any]]
    hold: str


TERMS = """
    SELECT c.rate_currency AS currency, c.rate_micros AS micros, c.rate_per_ms AS per_ms, c.languages,
        c.max_duration_ms, c.term_sheet_id, c.term_sheet_version,
        coalesce(s.document #> '{price,fees}', '[]') AS fees, coalesce(s.document #>> '{payout,hold}', 'P0D') AS hold
    FROM campaigns c JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE c.id = %(campaign)s
"""


async def terms(connection: Connection, campaign: UUID) -> Terms:
    """Give what a campaign pays now. Raises CampaignMissing."""
    found = await one(connection, Terms, TERMS, campaign=campaign)
    if found is None:
        raise CampaignMissing
    return found


class Promise(Struct, frozen=True):
    """What a term sheet says an hour or a minute pays, and how much more where it is given to nobody else."""

    rates: list[dict[str, Any]]
    premium_bps: int


PROMISE = """
    SELECT coalesce(document #> '{price,rates}', '[]') AS rates,
        coalesce((document #>> '{exclusivity,premium_bps}')::int, 0) AS premium_bps
    FROM term_sheets WHERE id = %(sheet)s AND version = %(version)s
"""
PER_MS = {"PT1M": 60_000, "PT1H": 3_600_000}


async def check_promise(
    connection: Connection, sheet: str, version: int, currency: str, micros: int, per_ms: int
) -> None:
    """Let through a rate that is no less than what the card of a sheet tells; a sheet without rates promises none.

    Contributors read the card before they record, so no campaign may pay less than its card says. Raises
    RateBelowTerms, TermSheetMissing.
    """
    promise = await one(connection, Promise, PROMISE, sheet=sheet, version=version)
    if promise is None:
        raise TermSheetMissing
    due = [rate for rate in promise.rates if rate["currency"] == currency]
    kept = all(
        micros * PER_MS[rate["per"]] * 10_000 >= rate["micros"] * (10_000 + promise.premium_bps) * per_ms
        for rate in due
    )
    if promise.rates and not (due and kept):
        raise RateBelowTerms(term_sheet=sheet, version=version)


CHANGE = """
    UPDATE campaigns SET rate_currency = %(currency)s, rate_micros = %(micros)s, rate_per_ms = %(per_ms)s,
        rate_because = %(because)s
    WHERE id = %(campaign)s
"""


async def change(connection: Connection, campaign: UUID, currency: str, micros: int, per_ms: int, because: str) -> None:
    """Let a campaign pay another rate from now on. Raises CampaignMissing, RateBelowTerms, CurrencyUnknown.

    Whatever was quoted or claimed before keeps its rate: it is pinned on the recording.
    """
    try:
        changed = await run(
            connection, CHANGE, campaign=campaign, currency=currency, micros=micros, per_ms=per_ms, because=because
        )
    except psycopg.errors.ForeignKeyViolation as error:
        raise CurrencyUnknown(currency=currency) from error
    if not changed:
        raise CampaignMissing
    now = await terms(connection, campaign)
    await check_promise(connection, now.term_sheet_id, now.term_sheet_version, currency, micros, per_ms)
