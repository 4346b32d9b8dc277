"""Consent: what a contributor decided about every use in a term sheet, for one recording.

Rows are only ever added; the newest counts and the older ones stay as history. The sheet's hash is part of a foreign
key, so a consent that does not resolve to published text cannot be stored. `consent_uses` holds what stands now, use by
use: a sale locks those rows FOR SHARE and a withdrawal FOR UPDATE, so one of the two always sees the other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta, Struct
from psycopg.types.json import Jsonb

from storage import quota
from storage.database import Connection, every, one, run
from storage.errors import ConsentMissing, DecisionMissing, MoveRefused, RecordingMissing, TermsChanged
from storage.recordings import Recording, find, lock, move
from storage.states import State

Decision = Literal["given", "refused"]
#: After these a consent changes nothing any more; withdrawal is a resource of its own.
DECIDED = ("accepted", "held", "withdrawn", "replaced", "expired")
HELD_BY_BUYERS = (
    "Buyers hold a licence on uses that you refuse now: withdraw those first, so that each buyer is told and deletes; "
    "then agree again to the others."
)
DECIDED_ALREADY = "You have decided about this recording already; to take back a use, withdraw it."


class Agreement(Struct, frozen=True):
    """What a contributor agreed to: a sheet by id, version and hash (32 bytes), read in `locale`, use by use.

    `card_sha256` (32 bytes) is the hash of the plain-language card that was shown, when the client says which.
    """

    term_sheet: str
    version: int
    sha256: bytes
    locale: str
    decisions: dict[str, Decision]
    card_sha256: bytes | None = None


class Consent(Struct, frozen=True):
    """A stored consent."""

    id: UUID
    recording_id: UUID
    term_sheet_id: str
    term_sheet_version: int
    term_sheet_sha256: bytes
    card_sha256: bytes | None
    locale: str
    decisions: dict[str, Decision]
    given_at: datetime


class Use(Struct, frozen=True):
    """One use in a term sheet: `core` uses are the offer itself, `optional` ones may be refused."""

    code: str
    stance: Literal["core", "optional", "prohibited"]


class Terms(Struct, frozen=True):
    """The sheet that a recording is offered under: its quote's, else its campaign's as it stands now.

    `review` is "always" where a person looks at every recording of the campaign.
    """

    term_sheet_id: str
    term_sheet_version: int
    sha256: bytes
    uses: list[dict[str, object]]
    review: str


TERMS = """
    SELECT s.id AS term_sheet_id, s.version AS term_sheet_version, s.sha256, s.document -> 'uses' AS uses, c.review
    FROM recordings r
    JOIN campaigns c ON c.id = r.campaign_id
    LEFT JOIN quotes q ON q.id = r.quote_id
    JOIN term_sheets s ON s.id = coalesce(q.term_sheet_id, c.term_sheet_id)
        AND s.version = coalesce(q.term_sheet_version, c.term_sheet_version)
    WHERE r.id = %(recording)s
"""
COLUMNS = """
    id, recording_id, term_sheet_id, term_sheet_version, term_sheet_sha256, card_sha256, locale, decisions, given_at
"""
INSERT = f"""
    INSERT INTO consents (recording_id, account_id, term_sheet_id, term_sheet_version, term_sheet_sha256, card_sha256,
        locale, decisions)
    VALUES (%(recording)s, %(account)s, %(sheet)s, %(version)s, %(sha256)s, %(card)s, %(locale)s, %(decisions)s)
    RETURNING {COLUMNS}
"""
NEWEST = f"SELECT {COLUMNS} FROM consents WHERE recording_id = %(recording)s ORDER BY given_at DESC, id DESC LIMIT 1"


async def give(connection: Connection, account: UUID, recording: UUID, agreement: Agreement) -> Consent:
    """Record a consent; once its receipt is stored, `go_on` lets a recording go on that waited for it.

    The same consent given twice is one consent, except in the last thirty days of a grant: it never renews itself, so
    agreeing again is what renews it; what buyers hold is withdrawn then, and not refused. Raises RecordingMissing,
    TermsChanged when the recording is offered under another sheet, DecisionMissing, and MoveRefused for a recording
    whose consent can no longer change here.
    """
    subject = await lock(connection, account, recording)
    terms = await terms_of(connection, recording)
    if (terms.term_sheet_id, terms.term_sheet_version, terms.sha256) != sheet_of(agreement):
        raise TermsChanged(term_sheet=terms.term_sheet_id, version=terms.term_sheet_version)
    check_decisions([Use(str(use["code"]), use["stance"]) for use in terms.uses], agreement.decisions)  # type: ignore[arg-type]
    # Also while a claim holds it: its owner was told, and the claim may turn out to be unfounded after the end.
    if subject.state in ("accepted", "held") and await ends_soon(connection, recording):
        if await _takes_back(connection, recording, agreement):
            raise MoveRefused(HELD_BY_BUYERS, state=subject.state)
        return await _store(connection, account, recording, agreement)
    present = await newest(connection, recording)
    if present is not None and same(present, agreement):
        return present
    if subject.state in DECIDED:
        raise MoveRefused(DECIDED_ALREADY, state=subject.state)
    return await _store(connection, account, recording, agreement)


class _Licensed(Struct, frozen=True):
    use_code: str


# The recording is locked, so that no sale of it is in flight.
LICENSED = """
    SELECT DISTINCT unnest(line.uses) AS use_code FROM sale_lines line JOIN sales s ON s.id = line.sale_id
    WHERE line.recording_id = %(recording)s AND line.ended_at IS NULL AND s.ends_at > now()
"""


async def _takes_back(connection: Connection, recording: UUID, agreement: Agreement) -> bool:
    """Whether a renewal refuses what a buyer may do until the end of the old grant: its buyer would hear nothing."""
    licensed = await every(connection, _Licensed, LICENSED, recording=recording)
    stand = {
        use.use_code
        for use in await every(connection, UseStatus, STANDING, recording=recording)
        if use.status == "given"
    }
    return any(agreement.decisions.get(use.use_code) == "refused" for use in licensed if use.use_code in stand)


class _Soon(Struct, frozen=True):
    soon: bool


ENDS_SOON = """
    SELECT coalesce(max(expires_at) < now() + interval '30 days', false) AS soon
    FROM consent_uses WHERE recording_id = %(recording)s AND status = 'given'
"""


async def ends_soon(connection: Connection, recording: UUID) -> bool:
    """Whether the last use that stands ends within thirty days, which is when its contributor was told of that."""
    found = await one(connection, _Soon, ENDS_SOON, recording=recording)
    return found is not None and found.soon


async def go_on(connection: Connection, account: UUID, recording: UUID) -> Recording:
    """Let a recording go on that waited for its consent only; any other stays where it is."""
    subject = await lock(connection, account, recording)
    if subject.state != "needs_consent":
        return subject
    terms = await terms_of(connection, recording)
    # The campaign may have filled up since the recording was examined.
    place_left = await quota.left(connection, subject.campaign_id, recording)
    to, because = onward(review_always=terms.review == "always", quota_left=place_left)
    return await move(connection, recording, to, by="contributor", because=because)


async def terms_of(connection: Connection, recording: UUID) -> Terms:
    """Give the terms that a recording is offered under. Raises RecordingMissing."""
    terms = await one(connection, Terms, TERMS, recording=recording)
    if terms is None:
        raise RecordingMissing
    return terms


def sheet_of(agreement: Agreement) -> tuple[str, int, bytes]:
    """Name exactly one published text."""
    return agreement.term_sheet, agreement.version, agreement.sha256


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
    # A consent from before cards were pinned says the same.
    card = consent.card_sha256 in (None, agreement.card_sha256)
    said = (sheet, consent.locale, consent.decisions) == (sheet_of(agreement), agreement.locale, agreement.decisions)
    return said and card


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
        card=agreement.card_sha256,
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


Status = Literal["given", "refused", "withdrawn", "expired"]


class UseStanding(Struct, frozen=True):
    """One use of one recording as it stands now, and the sheet under which it was decided."""

    use: Annotated[str, Meta(examples=["asr_training"])]
    status: Status
    term_sheet: Annotated[str, Meta(examples=["voice-standard"])]
    version: Annotated[int, Meta(examples=[1])]
    changed_at: datetime
    expires_at: datetime


class Standing(Struct, frozen=True):
    """Where the consent of one recording stands, use by use."""

    recording: UUID
    uses: list[UseStanding]


class _Row(Struct, frozen=True):
    recording: UUID
    uses: list[dict[str, Any]]


LISTING = """
    SELECT u.recording_id AS recording, jsonb_agg(jsonb_build_object('use', u.use_code, 'status', u.now,
        'term_sheet', c.term_sheet_id, 'version', c.term_sheet_version, 'changed_at', rfc3339(u.changed_at),
        'expires_at', rfc3339(u.expires_at)) ORDER BY u.use_code) AS uses
    FROM recordings r
    JOIN (SELECT *, CASE WHEN status = 'given' AND expires_at <= now() THEN 'expired' ELSE status END AS now
          FROM consent_uses) u ON u.recording_id = r.id
    JOIN consents c ON c.id = u.consent_id
    WHERE r.account_id = %(account)s AND r.state NOT IN ('deleted', 'erased')
      AND (%(before)s::uuid IS NULL OR r.id < %(before)s)
      AND (%(use)s::text IS NULL OR u.use_code = %(use)s)
      AND (%(status)s::text IS NULL OR u.now = %(status)s)
    GROUP BY u.recording_id ORDER BY u.recording_id DESC LIMIT %(limit)s
"""


async def listing(
    connection: Connection, account: UUID, *, status: Status | None, use: str | None, before: UUID | None, limit: int
) -> list[Standing]:
    """List where a contributor's consents stand, by recording, newest first; only what `status` and `use` ask for."""
    rows = await every(connection, _Row, LISTING, account=account, status=status, use=use, before=before, limit=limit)
    return [msgspec.convert(row, Standing, from_attributes=True) for row in rows]


class Licensable(Struct, frozen=True):
    """A recording that may be sold for one use until `expires_at`, and the sheet by which its contributor is paid."""

    recording_id: UUID
    account_id: UUID
    use_code: str
    consent_id: UUID
    term_sheet_id: str
    term_sheet_version: int
    expires_at: datetime


# A recording may get another title meanwhile, but `recordings.move` waits: the weakest lock, which its own excludes.
# Recordings first, here and in `lock_for_withdrawal`: who locks in one order cannot wait for each other in a ring.
FOR_SALE = """
    SELECT u.recording_id, r.account_id, u.use_code, u.consent_id, c.term_sheet_id, c.term_sheet_version, u.expires_at
    FROM recordings r
    JOIN consent_uses u ON u.recording_id = r.id
    JOIN consents c ON c.id = u.consent_id
    WHERE r.id = ANY(%(recordings)s) AND r.state = 'accepted'
      AND u.use_code = ANY(%(uses)s) AND u.status = 'given' AND u.expires_at >= %(until)s
    ORDER BY r.id, u.use_code FOR KEY SHARE OF r FOR SHARE OF u
"""


async def lock_for_sale(
    connection: Connection, recordings: Sequence[UUID], uses: Sequence[str], until: datetime
) -> list[Licensable]:
    """Give what of this may be sold until then, and keep it so until the transaction ends.

    What is missing may not be sold: refused, withdrawn, held, not accepted, or granted for a shorter time. A withdrawal
    that runs now ends before this answers; one that begins later waits, and finds the sale.
    """
    return await every(connection, Licensable, FOR_SALE, recordings=list(recordings), uses=list(uses), until=until)


class UseStatus(Struct, frozen=True):
    """One use of one recording, as its contributor's consent stands now."""

    use_code: str
    status: Literal["given", "refused", "withdrawn"]
    expires_at: datetime


#: Where the consent of a recording stands, use by use.
STANDING = """
    SELECT use_code, status, expires_at FROM consent_uses WHERE recording_id = %(recording)s ORDER BY use_code
"""
FOR_WITHDRAWAL = STANDING + " FOR UPDATE"


async def lock_for_withdrawal(
    connection: Connection, account: UUID, recording: UUID
) -> tuple[Recording, list[UseStatus]]:
    """Give a recording of the contributor's and where its consent stands, when no sale of it is in flight any more.

    Until the transaction ends, no sale can begin. Raises RecordingMissing.
    """
    subject = await lock(connection, account, recording)
    return subject, await every(connection, UseStatus, FOR_WITHDRAWAL, recording=recording)


# By account, because each one's row is locked on the way; a use whose end was told is not told again.
TELL_ENDING = """
    WITH ending AS (
        UPDATE consent_uses SET expiry_told_at = now()
        WHERE status = 'given' AND expiry_told_at IS NULL AND expires_at < now() + interval '30 days'
        RETURNING recording_id, use_code, expires_at),
    told AS (
        SELECT r.account_id, r.id, jsonb_build_object('uses', jsonb_agg(e.use_code ORDER BY e.use_code),
            'expires_at', rfc3339(min(e.expires_at))) AS data
        FROM ending e JOIN recordings r ON r.id = e.recording_id WHERE r.state IN ('accepted', 'held')
        GROUP BY r.account_id, r.id ORDER BY r.account_id, r.id)
    SELECT tell(account_id, 'consent.expiring', id, 'clock', data) FROM told
"""


async def tell_ending(connection: Connection) -> int:
    """Tell contributors, once, of grants that end within thirty days; return for how many recordings."""
    return await run(connection, TELL_ENDING)
