"""Hash first: a phone asks for a whole camera roll which of its recordings are here already, before it sends a byte."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from litestar import post
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.dependencies import Caller, Database
from api.problems import problems
from api.recordings import Sha256, Size
from storage import holdings
from storage.database import transaction
from storage.holdings import Holding
from storage.states import State


class Lookup(Struct, frozen=True):
    """The hashes of up to a thousand files."""

    sha256: Annotated[list[Sha256], Meta(min_length=1, max_length=1000, examples=[["59dfb9a4" * 8]])]


class Known(Struct, frozen=True):
    """A file that you have sent, or begun to send: `stored_bytes` of `size_bytes` are here."""

    sha256: Sha256
    recording: UUID
    state: State
    size_bytes: Size
    stored_bytes: Annotated[int, Meta(examples=[352078])]


class LookupResult(Struct, frozen=True):
    """Those of the files that are known, oldest first; every other one would be new."""

    known: list[Known]


def view(holding: Holding) -> Known:
    """Show what is here."""
    hashed = holding.sha256.hex()
    return Known(hashed, holding.recording_id, holding.state, holding.size_bytes, holding.stored_bytes)


@post(
    "/v1/recordings/lookups",
    # It changes nothing, and its answer is only right now.
    opt={"idempotency": False},
    status_code=200,
    responses=problems(),
    tags=["Recordings"],
)
async def look_up_recordings(data: JSONBody[Lookup], account: Caller, database: Database) -> LookupResult:
    """Ask which of these files you have sent already.

    Only your own recordings are looked at: the answer never tells whether somebody else sent the same bytes.
    """
    async with transaction(database) as connection:
        found = await holdings.find(connection, account.id, [bytes.fromhex(value) for value in data.sha256])
    return LookupResult([view(holding) for holding in found])


handlers = [look_up_recordings]
