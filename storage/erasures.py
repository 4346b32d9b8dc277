"""Erasure (GDPR Art. 17): an account goes with every byte and word of it; what others need to prove stays.

Its keys are destroyed, which makes every copy unreadable wherever it lies, also in backups; then rows and objects go.
What stays for the legal period names a random pseudonym and nobody: that a consent was given and withdrawn, what was
sold, and what was earned and paid.

A backup would bring an erased account back. So every erasure is written down in the bucket, away from the database, and
`replay` erases again whatever a restored database has of it.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

import msgspec
from msgspec import Struct

from storage import attempts, payouts
from storage.database import Connection, Pool, every, one, run, transaction
from storage.errors import PayoutUnderWay, StoreUnavailable
from storage.objects import Store
from storage.sessions import ERASED
from storage.withdrawals import ALL, withdraw

logger = logging.getLogger("companion.erasures")

#: Where the log of erasures lies in the bucket: one small object for each account.
LOG = "erasures/"


class Erasure(Struct, frozen=True):
    """That an account was erased, and when; nothing here says who it was."""

    account: UUID
    erased_at: datetime


class Erased(Struct, frozen=True):
    """What was erased, as its owner is told in the end."""

    account: UUID
    pseudonym: str
    recordings: int
    erased_at: datetime


class _Subject(Struct, frozen=True):
    pseudonym: str
    email: str | None
    erased_at: datetime | None
    now: datetime


class _Id(Struct, frozen=True):
    id: UUID


LOCK = """
    SELECT pseudonym, email, erased_at, clock_timestamp() AS now FROM accounts WHERE id = %(account)s FOR UPDATE
"""
PAYOUT_UNDER_WAY = """
    SELECT id FROM payouts WHERE account_id = %(account)s
        AND state IN ('requested', 'approved', 'submitted', 'in_transit') LIMIT 1
"""
WAITING = """
    SELECT id FROM payouts WHERE account_id = %(account)s AND state IN ('requested', 'approved') ORDER BY id
"""
END_WRITING = "UPDATE uploads SET busy_token = NULL, busy_until = NULL WHERE account_id = %(account)s"
RECORDINGS = "SELECT id FROM recordings WHERE account_id = %(account)s ORDER BY id FOR UPDATE"
SOLD = """
    SELECT DISTINCT r.id FROM recordings r JOIN sale_lines line ON line.recording_id = r.id
    WHERE r.account_id = %(account)s AND r.state IN ('accepted', 'held') AND line.ended_at IS NULL ORDER BY r.id
"""
#: In this order: what names an object is read before it is forgotten. Triggers of the move to `erased` write the event,
#: end every sale's line, and let go of renditions and fingerprints; the words in events go once the account is erased.
STEPS = (
    """
    INSERT INTO doomed_objects (object_key)
    SELECT object_key FROM recordings WHERE account_id = %(account)s AND object_key IS NOT NULL
    """,
    """
    WITH gone AS (DELETE FROM upload_chunks USING uploads
        WHERE upload_id = uploads.id AND account_id = %(account)s RETURNING object_key)
    INSERT INTO doomed_objects (object_key) SELECT object_key FROM gone
    """,
    """
    DELETE FROM procrastinate_jobs USING recordings
    WHERE args ->> 'recording' = recordings.id::text AND account_id = %(account)s
        AND status IN ('todo', 'failed', 'cancelled')
    """,
    "DELETE FROM reports USING recordings WHERE recording_id = recordings.id AND account_id = %(account)s",
    """
    UPDATE recordings SET state = 'erased', moved_by = 'contributor', moved_because = NULL
    WHERE account_id = %(account)s AND state <> 'erased'
    """,
    # A hash of the content would tell whoever has a copy whose it was; only the signed receipt still names it.
    """
    UPDATE recordings SET object_key = NULL, title = NULL, language = NULL, prompt_id = NULL, moved_because = NULL,
        sha256 = sha256(uuid_send(gen_random_uuid())), media_type = 'application/octet-stream'
    WHERE account_id = %(account)s
    """,
    "UPDATE disputes SET text = '', answer = NULL, because = NULL WHERE account_id = %(account)s",
    "UPDATE withdrawals SET reason = NULL WHERE account_id = %(account)s AND reason IS NOT NULL",
    """
    UPDATE payout_destinations SET sealed = NULL, hint = '', removed_at = coalesce(removed_at, now())
    WHERE account_id = %(account)s
    """,
    "DELETE FROM tax_profiles WHERE account_id = %(account)s",
    "DELETE FROM data_budgets WHERE account_id = %(account)s",
    "DELETE FROM refused_companies WHERE account_id = %(account)s",
    "DELETE FROM notification_settings WHERE account_id = %(account)s",
    "DELETE FROM idempotency_keys WHERE account_id = %(account)s",
    "DELETE FROM familiar_networks WHERE account_id = %(account)s",
    "DELETE FROM sessions WHERE account_id = %(account)s AND id IS DISTINCT FROM %(session)s",
    "DELETE FROM refresh_tokens WHERE session_id = %(session)s",
    # Its token opens nothing any more, but for the farewell: an answer that was lost on the way holds the only receipt.
    f"""
    UPDATE sessions SET device = NULL, revoked_at = clock_timestamp(), revoked_because = '{ERASED}'
    WHERE account_id = %(account)s
    """,
    "DELETE FROM subject_keys WHERE account_id = %(account)s",
    """
    UPDATE accounts SET email = NULL, password_hash = '', erased_at = coalesce(erased_at, %(now)s), purged_at = NULL
    WHERE id = %(account)s
    """,
    "UPDATE recording_events SET because = NULL, data = NULL WHERE account_id = %(account)s",
)


async def erase(
    connection: Connection, account: UUID, *, session: UUID | None = None, anew: bool = False
) -> Erased | None:
    """Erase an account in the caller's transaction, asked for in `session`; None when there is none.

    Done twice, it does nothing the second time, unless it is to be done `anew`, which is how a log is replayed: a
    restored store may have brought bytes back that a restored database does not know of. Raises PayoutUnderWay while
    money is on its way to the account, because the bank account's number would be lost with it.
    """
    # Somebody with thousands of recordings, each with events and a passport, is erased in one transaction all the same.
    await run(connection, "SET LOCAL statement_timeout = '10min'")
    # First, because whoever writes to an upload holds its row before it touches the account's.
    await run(connection, END_WRITING, account=account)
    subject = await one(connection, _Subject, LOCK, account=account)
    if subject is None:
        return None
    recordings = await every(connection, _Id, RECORDINGS, account=account)
    if anew:
        # A restore brought them back, and where they were to go is about to be forgotten: the receipt pays them.
        for payout in await every(connection, _Id, WAITING, account=account):
            await payouts.move(connection, payout.id, "cancelled", by="contributor")
    else:
        await _check(connection, account)
    if subject.erased_at is None or anew:
        for sold in await every(connection, _Id, SOLD, account=account):
            # Whoever licensed it is told to delete it, as Art. 19 demands.
            await withdraw(connection, account, sold.id, [ALL], None)
        for step in STEPS:
            await run(connection, step, account=account, session=session, now=subject.now)
        if subject.email is not None:
            await attempts.forget_all(connection, subject.email)
    return Erased(account, subject.pseudonym, len(recordings), subject.erased_at or subject.now)


async def _check(connection: Connection, account: UUID) -> None:
    if await one(connection, _Id, PAYOUT_UNDER_WAY, account=account):
        raise PayoutUnderWay


async def log(store: Store, account: UUID, at: datetime) -> None:
    """Write an erasure down where no restored database can forget it; before it is done, so that none is missed."""
    await store.put(f"{LOG}{account}.json", msgspec.json.encode(Erasure(account, at)))


async def logged(store: Store) -> list[Erasure]:
    """Read the log."""
    entries = [await store.read(item.key) for item in await store.listing(LOG)]
    return [msgspec.json.decode(entry, type=Erasure) for entry in entries]


UNPURGED = """
    SELECT id, erased_at FROM accounts
    WHERE erased_at IS NOT NULL AND purged_at IS NULL
        AND (%(id)s::uuid IS NULL OR (erased_at, id) > (%(at)s::timestamptz, %(id)s))
    ORDER BY erased_at, id LIMIT 10
"""
FOLDERS = """
    SELECT 'recordings/' || id || '/' AS prefix FROM recordings WHERE account_id = %(account)s
    UNION ALL SELECT 'renditions/' || id || '/' FROM recordings WHERE account_id = %(account)s
    UNION ALL SELECT 'quarantine/' || id || '/' FROM uploads WHERE account_id = %(account)s
"""
PURGED = "UPDATE accounts SET purged_at = now() WHERE id = %(account)s AND purged_at IS NULL"


class _Unpurged(Struct, frozen=True):
    id: UUID
    erased_at: datetime


class _Folder(Struct, frozen=True):
    prefix: str


async def purge(database: Pool, store: Store) -> int:
    """Remove every version of every object of erased accounts, who left first first; return how many accounts.

    Also what no row knows of: the object of an attempt that died, and versions that a bucket keeps. No connection is
    held meanwhile; two workers that purge the same account do the same twice. What a store does not let go of keeps no
    other account, however many such there are; raises StoreUnavailable for it in the end.
    """
    looked_at, stayed, last = 0, None, None
    while accounts := await _unpurged(database, last):
        for account in accounts:
            try:
                await _purge(database, store, account.id)
            except StoreUnavailable as error:
                logger.error("not all of an erased account could be removed", extra={"account": str(account.id)})  # noqa: TRY400
                stayed = error
        looked_at, last = looked_at + len(accounts), accounts[-1]
    if stayed is not None:
        raise stayed
    return looked_at


async def _unpurged(database: Pool, last: _Unpurged | None) -> list[_Unpurged]:
    after = {"id": None, "at": None} if last is None else {"id": last.id, "at": last.erased_at}
    async with transaction(database) as connection:
        return await every(connection, _Unpurged, UNPURGED, **after)


async def _purge(database: Pool, store: Store, account: UUID) -> None:
    async with transaction(database) as connection:
        folders = await every(connection, _Folder, FOLDERS, account=account)
    for folder in folders:
        await store.purge(folder.prefix)
    async with transaction(database) as connection:
        await run(connection, PURGED, account=account)


async def replay(database: Pool, store: Store) -> int:
    """Erase again whatever a restored backup brought back of erased accounts; return how many are in the log.

    Run it after every restore of the database or of the bucket, before anybody is let in.
    """
    entries = await logged(store)
    for entry in entries:
        async with transaction(database) as connection:
            await erase(connection, entry.account, anew=True)
    await purge(database, store)
    return len(entries)
