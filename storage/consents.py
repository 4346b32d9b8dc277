"""Consent: what a contributor decided about every use in a term sheet, for one recording.

Rows are only ever added; the newest counts and the older ones stay as history. The sheet's hash is part of a foreign
key, so a consent that does not resolve to published text cannot be stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Literal
from uuid import UUID

from msgspec import Struct
from psycopg.types.json import Jsonb

from storage import quota
from storage.database import Connection, one
from storage.errors import ConsentMissing, DecisionMissing, MoveRefused, TermsChanged
from storage.recordings import State, find, lock, move

Decision = Literal["given", "refused"]
#: After these a consent changes nothing any more; withdrawal is a resource of its own.
DECIDED = ("accepted", "held", "withdrawn", "replaced", "expired")


class Agreement(Struct, frozen=True):
    """What a contributor agreed to: a sheet by id, version and hash (32 bytes), read in `locale`, use by use."""

    term_sheet: str
    version: int
    sha256: bytes
    locale: str
    decisions: dict[str, Decision]


class Consent(Struct, frozen=True):
    """A stored consent."""

    id: UUID
    recording_id: UUID
    term_sheet_id: str
    term_sheet_version: int
    term_sheet_sha256: bytes
    locale: str
    decisions: dict[str, Decision]
    given_at: datetime


class Use(Struct, frozen=True):
    """One use in a term sheet: `core` uses are the offer itself, `optional` ones may be refused."""

    code: str
    stance: Literal["core", "optional", "prohibited"]


class Terms(Struct, frozen=True):
    """The sheet of a recording's campaign; `review` is "always" where a person looks at every recording of it."""

    term_sheet_id: str
    term_sheet_version: int
    sha256: bytes
    uses: list[dict[str, object]]
    review: str


TERMS = """
    SELECT c.term_sheet_id, c.term_sheet_version, s.sha256, s.document -> 'uses' AS uses, c.review
    FROM campaigns c JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE c.id = %(campaign)s
"""
COLUMNS = """
    id, recording_id, term_sheet_id, term_sheet_version, term_sheet_sha256, locale, decisions, given_at
"""
INSERT = f"""
    INSERT INTO consents
        (recording_id, account_id, term_sheet_id, term_sheet_version, term_sheet_sha256, locale, decisions)
    VALUES (%(recording)s, %(account)s, %(sheet)s, %(version)s, %(sha256)s, %(locale)s, %(decisions)s)
    RETURNING {COLUMNS}
"""
NEWEST = f"SELECT {COLUMNS} FROM consents WHERE recording_id = %(recording)s ORDER BY given_at DESC, id DESC LIMIT 1"


async def give(connection: Connection, account: UUID, recording: UUID, agreement: Agreement) -> Consent:
    """Record a consent; a recording that waited for it goes on in the same transaction.

    The same consent given twice is one consent. Raises RecordingMissing, TermsChanged when the campaign uses another
    sheet, DecisionMissing, and MoveRefused for a recording whose consent can no longer change here.
    """
    subject = await lock(connection, account, recording)
    terms = await one(connection, Terms, TERMS, campaign=subject.campaign_id)
    asked = terms and (terms.term_sheet_id, terms.term_sheet_version, terms.sha256)
    if terms is None or asked != (agreement.term_sheet, agreement.version, agreement.sha256):
        raise TermsChanged(term_sheet=terms and terms.term_sheet_id, version=terms and terms.term_sheet_version)
    check_decisions([Use(str(use["code"]), use["stance"]) for use in terms.uses], agreement.decisions)  # type: ignore[arg-type]
    present = await newest(connection, recording)
    if present is not None and same(present, agreement):
        return present
    if subject.state in DECIDED:
        raise MoveRefused(state=subject.state)
    consent = await _store(connection, account, recording, agreement)
    if subject.state == "needs_consent":
        # The campaign may have filled up since the recording was examined.
        place_left = await quota.left(connection, subject.campaign_id)
        to, because = onward(review_always=terms.review == "always", quota_left=place_left)
        await move(connection, recording, to, by="contributor", because=because)
    return consent


def onward(*, review_always: bool, quota_left: bool) -> tuple[State, str]:
    """Where a recording goes that only waited for its consent, and why.

    A full campaign never rejects it: its owner recorded in time, so a person decides whether one more is taken.
    """
    if not quota_left:
        return "in_review", "quota-reached"
    return ("in_review", "campaign-review") if review_always else ("accepted", "consent-given")


def check_decisions(uses: list[Use], decisions: Mapping[str, Decision]) -> None:
    """Demand a decision of its own for every use that is offered, and none about anything else.

    Silence is never consent, so an optional use must be refused or given by name; a core use is what the campaign
    collects recordings for, so without it there is nothing to agree on. Raises DecisionMissing.
    """
    offered = {use.code: use for use in uses if use.stance != "prohibited"}
    for code in decisions:
        if code not in offered:
            raise DecisionMissing(
                "The term sheet does not offer this use, so nothing can be decided about it.", use=code
            )
    for code, use in offered.items():
        if code not in decisions:
            raise DecisionMissing(use=code)
        if use.stance == "core" and decisions[code] == "refused":
            raise DecisionMissing(
                "This use is what the campaign collects recordings for; it cannot be refused.", use=code
            )


def same(consent: Consent, agreement: Agreement) -> bool:
    """Whether a stored consent says exactly what is given again."""
    sheet = (consent.term_sheet_id, consent.term_sheet_version, consent.term_sheet_sha256)
    return (*sheet, consent.locale, consent.decisions) == (
        agreement.term_sheet,
        agreement.version,
        agreement.sha256,
        agreement.locale,
        agreement.decisions,
    )


async def _store(connection: Connection, account: UUID, recording: UUID, agreement: Agreement) -> Consent:
    stored = await one(
        connection,
        Consent,
        INSERT,
        recording=recording,
        account=account,
        sheet=agreement.term_sheet,
        version=agreement.version,
        sha256=agreement.sha256,
        locale=agreement.locale,
        decisions=Jsonb(agreement.decisions),
    )
    assert stored is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    return stored


async def newest(connection: Connection, recording: UUID) -> Consent | None:
    """Give the consent that counts for a recording of the caller's own, if there is one."""
    return await one(connection, Consent, NEWEST, recording=recording)


async def read(connection: Connection, account: UUID, recording: UUID) -> Consent:
    """Give the consent that counts. Raises RecordingMissing, ConsentMissing."""
    await find(connection, account, recording)
    consent = await newest(connection, recording)
    if consent is None:
        raise ConsentMissing
    return consent
