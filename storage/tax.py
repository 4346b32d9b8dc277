"""Tax: where a contributor lives, their tax number sealed under their key, and what is withheld by which rule."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from storage.database import Connection, one, run
from storage.encryption import seal, subject_key


class Profile(Struct, frozen=True):
    """What may be shown of a tax profile; the number itself is not read back."""

    residence: str
    tax_id_hint: str | None
    updated_at: datetime


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is withheld, in hundredths of a per cent, of whoever lives there; `because` is what they read."""

    code: str
    residence: str
    needs_tax_id: bool = False
    bps: int
    since: datetime
    because: str


class Applied(Struct, frozen=True):
    """The rule that fits somebody now."""

    code: str
    bps: int
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
    """Add rules to the table and return how many were new; rules are never changed, a later one takes their place."""
    added = 0
    for rule in rules:
        added += await run(connection, ADD_RULE, **msgspec.structs.asdict(rule))
    return added
