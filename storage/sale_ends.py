"""The ends of licences: whoever was told that a recording is used hears, too, when its buyer's time is over.

A use that ended before its time is told by what ended it: a withdrawal, or a claim.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage.accounts import lock
from storage.database import Connection, every, one, run

#: Recordings that are told of in one transaction; a sale may have a hundred thousand.
BATCH = 500


class _Due(Struct, frozen=True):
    sale_id: UUID
    upto: UUID | None


class _Line(Struct, frozen=True):
    recording_id: UUID
    account_id: UUID


DUE = "SELECT sale_id, upto FROM sale_ends WHERE ends_at <= now() ORDER BY ends_at LIMIT 1 FOR UPDATE SKIP LOCKED"
NEXT = """
    SELECT recording_id, account_id FROM sale_lines
    WHERE sale_id = %(sale)s AND (%(upto)s::uuid IS NULL OR recording_id > %(upto)s)
    ORDER BY recording_id LIMIT %(limit)s
"""
TELL = """
    SELECT tell(line.account_id, 'use.ended', line.recording_id, 'clock', jsonb_build_object(
        'sale', s.id, 'buyer', b.legal_name, 'country', b.country, 'dataset', d.title, 'version', s.version,
        'uses', line.uses))
    FROM (SELECT * FROM sale_lines WHERE sale_id = %(sale)s AND recording_id = ANY(%(recordings)s) AND ended_at IS NULL
          ORDER BY account_id, recording_id) AS line
        JOIN sales s ON s.id = line.sale_id JOIN buyers b ON b.id = s.buyer_id JOIN datasets d ON d.id = s.dataset_id
"""
# A withdrawal holds a recording and then tells its owner, an erasure the other way round: one of them would wait for
# this in a circle. This gives way sooner than PostgreSQL looks for circles, which is after a second.
GIVE_WAY = "SET LOCAL lock_timeout = '300ms'"
MOVED_ON = "UPDATE sale_ends SET upto = %(upto)s WHERE sale_id = %(sale)s"
DONE = "DELETE FROM sale_ends WHERE sale_id = %(sale)s"


async def tell_next(connection: Connection) -> int:
    """Tell the next few contributors that a licence is over, in the caller's transaction; 0 when nobody is left.

    What somebody else is at work on is waited for a moment only: then `transaction` raises DatabaseBusy.
    """
    await run(connection, GIVE_WAY)
    due = await one(connection, _Due, DUE)
    if due is None:
        return 0
    lines = await every(connection, _Line, NEXT, sale=due.sale_id, upto=due.upto, limit=BATCH)
    if not lines:
        return await run(connection, DONE, sale=due.sale_id)
    await lock(connection, [line.account_id for line in lines])
    recordings = [line.recording_id for line in lines]
    await run(connection, TELL, sale=due.sale_id, recordings=recordings)
    await run(connection, MOVED_ON, sale=due.sale_id, upto=recordings[-1])
    return len(lines)
