"""Tax: where a contributor lives, their tax number sealed under their key, and what is withheld by which rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import Meta, Struct

from storage.database import Connection, every, one, run
from storage.encryption import seal, subject_key
from storage.payout_errors import RuleDiffers


class Profile(Struct, frozen=True):
    """What may be shown of a tax profile; the number itself is not read back."""

    residence: str
    tax_id_hint: str | None
    updated_at: datetime


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is withheld, in hundredths of a per cent, of whoever lives there; `because` is what they read."""

    code: Annotated[str, Meta(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*\Z")]
    residence: Annotated[str, Meta(pattern=r"^([A-Z]{2}|\*)\Z")]
    needs_tax_id: bool = False
    bps: Annotated[int, Meta(ge=0, le=10_000)]
    since: datetime
    because: str


class Year(Struct, frozen=True):
    """What one year (UTC) brought in one currency, in micros; what was taken back or came back is subtracted."""

    year: int
    currency: str
    gross_micros: int
    fee_micros: int
    tax_micros: int
    net_micros: int
    paid_micros: int
    complete: bool


class Applied(Struct, frozen=True):
    """The rule that fits somebody now."""

    code: str
    bps: int
    because: str


class _Code(Struct, frozen=True):
    code: str


class _Reason(Struct, frozen=True):
    because: str


PROFILE = "SELECT residence, tax_id_hint, updated_at FROM tax_profiles WHERE account_id = %(account)s"
KEEP = """
    INSERT INTO tax_profiles (account_id, residence, tax_id, tax_id_hint)
    VALUES (%(account)s, %(residence)s, %(tax_id)s, %(hint)s)
    ON CONFLICT (account_id) DO UPDATE SET residence = EXCLUDED.residence, updated_at = now(),
        tax_id = EXCLUDED.tax_id, tax_id_hint = EXCLUDED.tax_id_hint
"""
APPLIED = "SELECT code, bps, because FROM withholding_rule(%(account)s)"
ADD_RULE = """
    INSERT INTO withholding_rules (code, residence, needs_tax_id, bps, since, because)
    VALUES (%(code)s, %(residence)s, %(needs_tax_id)s, %(bps)s, %(since)s, %(because)s)
    ON CONFLICT (residence, needs_tax_id, since) DO NOTHING
"""
# The same moment for the same people with other words or another rate; or a code that stands for somebody else, whose
# words they would read.
DIFFERS = """
    SELECT code FROM withholding_rules
    WHERE (residence, needs_tax_id, since) = (%(residence)s, %(needs_tax_id)s, %(since)s)
        AND (code, bps, because) <> (%(code)s, %(bps)s, %(because)s)
       OR code = %(code)s AND (residence, needs_tax_id) <> (%(residence)s, %(needs_tax_id)s)
    LIMIT 1
"""


YEARS = """
    SELECT date_part('year', created_at AT TIME ZONE 'UTC')::int AS year, currency,
        coalesce(sum(gross_micros) FILTER (WHERE NOT paid), 0)::bigint AS gross_micros,
        sum(fee_micros)::bigint AS fee_micros, sum(tax_micros)::bigint AS tax_micros,
        coalesce(sum(net_micros) FILTER (WHERE NOT paid), 0)::bigint AS net_micros,
        coalesce(-sum(net_micros) FILTER (WHERE paid), 0)::bigint AS paid_micros,
        date_part('year', min(created_at) AT TIME ZONE 'UTC') < date_part('year', now() AT TIME ZONE 'UTC') AS complete
    FROM balance_transactions CROSS JOIN LATERAL (SELECT type IN ('payout', 'payout_return') AS paid) AS kind
    WHERE account_id = %(account)s GROUP BY 1, 2 ORDER BY 1 DESC, 2
"""
REASON = """
    SELECT because FROM withholding_rules WHERE code = %(code)s AND since <= %(at)s ORDER BY since DESC LIMIT 1
"""
# Whoever lives where a tax number now changes what is withheld, and has given none.
ACTION_REQUIRED = """
    SELECT tell(account_id, 'tax.action_required', NULL, 'operator',
                jsonb_build_object('residence', residence, 'status', 'number-missing'))
    FROM (SELECT account_id, residence FROM tax_profiles
          WHERE tax_id IS NULL AND (residence = ANY (%(residences)s) OR '*' = ANY (%(residences)s))
          ORDER BY account_id) AS concerned
"""


async def profile(connection: Connection, account: UUID) -> Profile | None:
    """Read somebody's tax profile, if they gave one."""
    return await one(connection, Profile, PROFILE, account=account)


async def keep(connection: Connection, master_key: bytes, account: UUID, residence: str, tax_id: str | None) -> None:
    """Keep a tax profile in place of the one before; a number that is not given again is gone."""
    sealed = None
    if tax_id is not None:
        sealed = seal(await subject_key(connection, master_key, account), account, tax_id.encode())
    hint = None if tax_id is None else tax_id[-3:]
    await run(connection, KEEP, account=account, residence=residence, tax_id=sealed, hint=hint)


async def applied(connection: Connection, account: UUID) -> Applied:
    """Find the rule that fits somebody now."""
    found = await one(connection, Applied, APPLIED, account=account)
    return found or Applied("nothing-withheld", 0, "")


async def add_rules(connection: Connection, rules: Sequence[Rule]) -> int:
    """Add rules to the table and return how many were new; rules are never changed, a later one takes their place.

    Whoever could have less withheld by giving a tax number hears of it. Raises RuleDiffers for one that would be left
    out although it says something else than the one that is there.
    """
    added = []
    for rule in rules:
        if await one(connection, _Code, DIFFERS, **msgspec.structs.asdict(rule)):
            raise RuleDiffers(code=rule.code, residence=rule.residence, since=rule.since.isoformat())
        if await run(connection, ADD_RULE, **msgspec.structs.asdict(rule)):
            added.append(rule)
    asking = [rule.residence for rule in added if rule.needs_tax_id]
    if asking:
        await run(connection, ACTION_REQUIRED, residences=asking)
    return len(added)


async def reason(connection: Connection, code: str, at: datetime) -> str | None:
    """Give the sentence of a rule as it stood at a moment."""
    found = await one(connection, _Reason, REASON, code=code, at=at)
    return None if found is None else found.because


async def years(connection: Connection, account: UUID) -> list[Year]:
    """Add up every year of somebody, the newest first."""
    return await every(connection, Year, YEARS, account=account)
