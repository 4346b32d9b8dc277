"""Deletions: a contributor lets a recording go that nobody has bought.

Before it is accepted nothing of it stays. Once it was, it has been paid, and that pay is kept: it is withdrawn then,
and its bytes go at once. Were its row and fingerprints to go, too, the same recording could be paid again and again.
"""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage import recordings, withdrawn
from storage.database import Connection, one, run
from storage.errors import MoveRefused
from storage.withdrawals import ALL, SELLABLE, withdraw

SOLD_ALREADY = (
    "This recording was sold, so it cannot simply be deleted: withdraw it, and every buyer has to delete it as well."
)
SOLD = "SELECT EXISTS (SELECT FROM sale_lines WHERE recording_id = %(recording)s) AS sold"


DELETED = "SELECT id FROM recordings WHERE id = %(recording)s AND account_id = %(account)s AND state = 'deleted'"


class _Deleted(Struct, frozen=True):
    id: UUID


class _Sold(Struct, frozen=True):
    sold: bool


async def delete(connection: Connection, account: UUID, recording: UUID) -> None:
    """Delete a recording that was not sold; its objects are removed soon after.

    Done twice, it does nothing the second time. Of one that was withdrawn only the bytes are left to go. Raises
    RecordingMissing, and MoveRefused for one that was sold.
    """
    if await one(connection, _Deleted, DELETED, account=account, recording=recording) is not None:
        return
    await run(connection, recordings.END_WRITING, account=account, recording=recording)
    # A sale that is being written holds the recording until its lines are there.
    subject = await recordings.lock(connection, account, recording)
    sale = await one(connection, _Sold, SOLD, recording=recording)
    if sale is not None and sale.sold:
        raise MoveRefused(SOLD_ALREADY, state=subject.state)
    if subject.state in SELLABLE:
        await withdraw(connection, account, recording, [ALL], None, because="deleted-once-accepted")
    elif subject.state != "withdrawn":
        await recordings.delete(connection, account, recording)
        return
    if subject.object_key is not None:
        await withdrawn.let_go(connection, recording)
