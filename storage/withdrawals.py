"""Withdrawal: a contributor takes back consent, and every sale stops in the same transaction.

The consent's rows are locked FOR UPDATE; a sale locks them FOR SHARE. So a sale is either over, and its buyer is given
notice here, or it begins afterwards and is refused. What was earned is kept.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from msgspec import Struct

from storage import consents, recordings
from storage.consents import UseStatus
from storage.database import Connection, every, one, run
from storage.errors import MoveRefused, WithdrawalMissing, WithdrawalRefused
from storage.events import Mover, tell

#: Every use that is given now.
ALL = "*"
NOT_GIVEN = "You have not given the uses in `not_given`, or have withdrawn them already; leave them out."
NOT_SELLABLE = "Nobody can buy this recording as it stands, so there is nothing to stop; delete it to take it back."
#: Only what was accepted can have been sold; before, its owner deletes it.
SELLABLE = ("accepted", "held")


class Licence(Struct, frozen=True):
    """A buyer that a withdrawal reaches: what it may not do any more, and until when it must have deleted it."""

    sale_id: UUID
    buyer: str
    country: str
    dataset: str
    version: int
    uses: list[str]
    ends_at: datetime
    delivered_at: datetime | None
    notify_by: datetime
    delete_by: datetime


class Withdrawal(Struct, frozen=True):
    """A withdrawal as it was written; `ended` tells that no use is left, `sheet` is the sheet's part on withdrawal."""

    id: UUID
    recording_id: UUID
    uses: list[str]
    reason: str | None
    ended: bool
    sales_stopped_at: datetime
    buyers: int
    sheet: dict[str, Any]


class Promise(Struct, frozen=True):
    """The sheet's part on withdrawal, and until when our own copies and our backups would be gone."""

    promise: dict[str, Any]
    delete_by: datetime | None
    backups_by: datetime | None


class Preview(Struct, frozen=True):
    """What a withdrawal would do if it were made now."""

    uses: list[str]
    ended: bool
    licences: list[Licence]
    promise: Promise


class _Id(Struct, frozen=True):
    id: UUID


# The sheet's promise counts where it is shorter than ours: buyers hear within a day and delete within thirty.
REACHED = """
    FROM sale_lines line
    JOIN sales s ON s.id = line.sale_id
    JOIN buyers b ON b.id = s.buyer_id
    JOIN datasets d ON d.id = s.dataset_id
    JOIN consents c ON c.id = line.consent_id
    JOIN term_sheets t ON t.id = c.term_sheet_id AND t.version = c.term_sheet_version
    CROSS JOIN LATERAL (SELECT
        now() + least(interval '24 hours', (t.document #>> '{withdrawal,notify_buyers_within}')::interval) AS notify_by,
        now() + least(interval '30 days', (t.document #>> '{withdrawal,buyers_delete_within}')::interval) AS delete_by
    ) clock
    WHERE line.recording_id = %(recording)s AND line.uses && %(uses)s::text[]
      AND line.ended_at IS NULL AND s.ends_at > now()
"""
LICENCES = f"""
    SELECT s.id AS sale_id, b.legal_name AS buyer, b.country, d.title AS dataset, s.version,
        ARRAY(SELECT unnest(line.uses) INTERSECT SELECT unnest(%(uses)s::text[]) ORDER BY 1) AS uses, s.ends_at,
        line.delivered_at, clock.notify_by, clock.delete_by
    {REACHED} ORDER BY s.id LIMIT 1000
"""
NOTIFY = f"""
    INSERT INTO withdrawal_notices (withdrawal_id, sale_id, recording_id, buyer_id, uses, notify_by, delete_by)
    SELECT %(withdrawal)s, s.id, line.recording_id, b.id,
        ARRAY(SELECT unnest(line.uses) INTERSECT SELECT unnest(%(uses)s::text[]) ORDER BY 1), clock.notify_by,
        clock.delete_by
    {REACHED} ORDER BY s.id
"""
INSERT = """
    INSERT INTO withdrawals (recording_id, account_id, uses, reason, ended)
    VALUES (%(recording)s, %(account)s, %(uses)s, %(reason)s, %(ended)s) RETURNING id
"""
STOP = """
    UPDATE consent_uses SET status = 'withdrawn', changed_at = clock_timestamp()
    WHERE recording_id = %(recording)s AND use_code = ANY(%(uses)s)
"""
# A licence on several uses goes on with the ones that are left.
END_LINES = """
    UPDATE sale_lines line SET ended_at = clock_timestamp()
    WHERE line.recording_id = %(recording)s AND line.ended_at IS NULL AND NOT EXISTS (
        SELECT FROM consent_uses u WHERE u.recording_id = line.recording_id AND u.use_code = ANY(line.uses)
            AND u.status = 'given')
"""
PROMISE = """
    SELECT s.document -> 'withdrawal' AS promise,
        now() + least(interval '30 days', (s.document #>> '{withdrawal,delete_at_platform_within}')::interval)
            AS delete_by,
        now() + (s.document #>> '{withdrawal,backups_within}')::interval AS backups_by
    FROM consents c JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE c.recording_id = %(recording)s ORDER BY c.given_at DESC, c.id DESC LIMIT 1
"""
SELECT = """
    SELECT w.id, w.recording_id, w.uses, w.reason, w.ended, w.sales_stopped_at,
        (SELECT count(DISTINCT buyer_id) FROM withdrawal_notices WHERE withdrawal_id = w.id) AS buyers,
        s.document -> 'withdrawal' AS sheet
    FROM withdrawals w
    JOIN LATERAL (SELECT * FROM consents WHERE recording_id = w.recording_id ORDER BY given_at DESC, id DESC LIMIT 1) c
        ON true
    JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
    WHERE w.account_id = %(account)s
"""


REPEATED = """
    AND w.recording_id = %(recording)s AND (w.uses @> %(wanted)s::text[] OR ('*' = ANY(%(wanted)s) AND w.ended))
    ORDER BY w.id DESC LIMIT 1
"""


async def repeated(
    connection: Connection, account: UUID, recording: UUID, wanted: list[str], stand: list[UseStatus]
) -> Withdrawal | None:
    """Find the withdrawal that a phone asks for again, because the answer to the first request was lost."""
    given = {use.use_code for use in stand if use.status == "given"}
    if given if ALL in wanted else given & set(wanted):
        return None
    return await one(connection, Withdrawal, SELECT + REPEATED, account=account, recording=recording, wanted=wanted)


def meant(wanted: list[str], stand: list[UseStatus]) -> tuple[list[str], bool]:
    """Name the uses that are withdrawn, and whether nothing is left then.

    Raises WithdrawalRefused when one of them is not given, and when nothing is.
    """
    given = {use.use_code for use in stand if use.status == "given"}
    uses = given if ALL in wanted else set(wanted)
    if not given:
        raise WithdrawalRefused(not_given=sorted(uses))
    if uses - given:
        raise WithdrawalRefused(NOT_GIVEN, not_given=sorted(uses - given))
    return sorted(uses), uses == given


async def preview(connection: Connection, account: UUID, recording: UUID, wanted: list[str]) -> Preview:
    """Tell what a withdrawal would do. Raises what `withdraw` raises."""
    subject = await recordings.find(connection, account, recording)
    stand = await every(connection, UseStatus, consents.STANDING, recording=recording)
    uses, ended = meant(wanted, stand)
    if subject.state not in SELLABLE:
        raise MoveRefused(NOT_SELLABLE, state=subject.state)
    licences = await every(connection, Licence, LICENCES, recording=recording, uses=uses)
    promise = await one(connection, Promise, PROMISE, recording=recording)
    return Preview(uses, ended, licences, promise or Promise({}, None, None))


async def withdraw(
    connection: Connection,
    account: UUID,
    recording: UUID,
    wanted: list[str],
    reason: str | None,
    *,
    by: Mover = "contributor",
    because: str = "consent-withdrawn",
) -> Withdrawal:
    """Withdraw uses, or all of them with `*`: no sale of them begins after this transaction, and every buyer is told.

    An operator withdraws, too, where somebody else's claim was upheld; `because` says so. What was withdrawn already is
    the withdrawal of then. Raises RecordingMissing, WithdrawalRefused, and MoveRefused for a recording that was never
    accepted.
    """
    subject, stand = await consents.lock_for_withdrawal(connection, account, recording)
    if (before := await repeated(connection, account, recording, wanted, stand)) is not None:
        return before
    uses, ended = meant(wanted, stand)
    if subject.state not in SELLABLE:
        raise MoveRefused(NOT_SELLABLE, state=subject.state)
    made = await one(
        connection, _Id, INSERT, recording=recording, account=account, uses=uses, reason=reason, ended=ended
    )
    assert made is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    await run(connection, NOTIFY, recording=recording, uses=uses, withdrawal=made.id)
    await run(connection, STOP, recording=recording, uses=uses)
    await run(connection, END_LINES, recording=recording)
    if ended:
        await recordings.move(connection, recording, "withdrawn", by=by, because=because)
    facts = {"withdrawal": str(made.id), "uses": uses}
    await tell(connection, account, "consent.withdrawn", recording=recording, by=by, data=facts)
    return await find(connection, account, made.id)


STANDING_USES = """
    SELECT r.id AS recording, array_agg(u.use_code ORDER BY u.use_code) AS uses
    FROM recordings r JOIN consent_uses u ON u.recording_id = r.id AND u.status = 'given'
    WHERE r.account_id = %(account)s AND r.state IN ('accepted', 'held')
      AND ('*' = ANY(%(wanted)s) OR u.use_code = ANY(%(wanted)s))
    GROUP BY r.id ORDER BY r.id LIMIT %(limit)s
"""


class _Standing(Struct, frozen=True):
    recording: UUID
    uses: list[str]


async def withdraw_everywhere(
    connection: Connection, account: UUID, wanted: list[str], reason: str | None, limit: int
) -> tuple[list[Withdrawal], bool]:
    """Withdraw uses from as many as `limit` of the contributor's recordings; tells whether there are more.

    Recordings in which none of them stands are left alone, so repeating it until there are no more ends.
    """
    found = await every(connection, _Standing, STANDING_USES, account=account, wanted=wanted, limit=limit + 1)
    made = [
        await withdraw(connection, account, standing.recording, standing.uses, reason) for standing in found[:limit]
    ]
    return made, len(found) > limit


async def find(connection: Connection, account: UUID, withdrawal: UUID) -> Withdrawal:
    """Give one of the contributor's withdrawals. Raises WithdrawalMissing for anybody else's too."""
    found = await one(
        connection, Withdrawal, SELECT + "AND w.id = %(withdrawal)s", account=account, withdrawal=withdrawal
    )
    if found is None:
        raise WithdrawalMissing
    return found


async def listing(connection: Connection, account: UUID, *, before: UUID | None, limit: int) -> list[Withdrawal]:
    """List a contributor's withdrawals, newest first, from the one before `before` on."""
    return await every(
        connection,
        Withdrawal,
        SELECT + "AND (%(before)s::uuid IS NULL OR w.id < %(before)s) ORDER BY w.id DESC LIMIT %(limit)s",
        account=account,
        before=before,
        limit=limit,
    )
