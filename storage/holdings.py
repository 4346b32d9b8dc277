"""What a contributor has sent already, by the hash of its bytes, so that nothing is sent twice."""

from __future__ import annotations

from uuid import UUID

from msgspec import Struct

from storage.database import Connection, every
from storage.recordings import NOT_THE_CONTENT
from storage.states import State


class Holding(Struct, frozen=True):
    """One recording of the contributor's: its hash, where it stands, and how many of its bytes are here."""

    recording_id: UUID
    sha256: bytes
    state: State
    size_bytes: int
    stored_bytes: int


# Other contributors' rows are never looked at: whether somebody else sent the same bytes stays between them and us.
FIND = """
    SELECT r.id AS recording_id, r.sha256, r.state, r.size_bytes,
        CASE WHEN u.completed_at IS NOT NULL THEN r.size_bytes
             ELSE coalesce((SELECT sum(size) FROM upload_chunks WHERE upload_id = u.id), 0)::bigint END AS stored_bytes
    FROM recordings r JOIN uploads u ON u.recording_id = r.id
    WHERE r.account_id = %(account)s AND r.sha256 = ANY(%(hashes)s)
      AND r.state NOT IN ('expired', 'deleted', 'erased')
      AND NOT (r.state = 'rejected' AND coalesce(r.moved_because, '') = ANY(%(not_the_content)s))
    ORDER BY r.id
"""


async def find(connection: Connection, account: UUID, hashes: list[bytes]) -> list[Holding]:
    """List the contributor's own recordings with one of these hashes; a claim of any other hash would be a new one."""
    return await every(connection, Holding, FIND, account=account, hashes=hashes, not_the_content=list(NOT_THE_CONTENT))
