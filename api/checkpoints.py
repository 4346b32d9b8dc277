"""Checkpoints: the signed head of every passport's chain and of the ledger, day by day, for anybody to keep."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Annotated, Any

import rfc8785
from litestar import Request, Response, get
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from api.conditional import IMMUTABLE, PUBLIC, conditional
from api.dependencies import Database
from api.merkle import tree
from api.pages import Limit
from api.passport_proof import CHECKPOINT, head_leaf
from api.problems import problems
from api.signing import Signer, sign_detached
from storage import checkpoints
from storage.checkpoints import Leaf
from storage.database import Connection, reading
from storage.errors import CheckpointMissing

Hash = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", examples=["6ca13d52" * 8])]


class LedgerDay(Struct, frozen=True):
    """What the ledger recorded on that day: how many transactions, and one hash over all of them."""

    transactions: Annotated[int, Meta(ge=0, examples=[1840])]
    sha256: Hash


class Checkpoint(Struct, frozen=True):
    """One day: the root over every passport that grew, the ledger's day, and the hash of the checkpoint before.

    `signature` is a detached JWS over the canonical form (RFC 8785) of everything else.
    """

    day: date
    leaves: Annotated[int, Meta(ge=0, examples=[412])]
    root: Hash
    ledger: LedgerDay
    previous: Hash | None
    signature: Annotated[str, Meta(examples=["eyJhbGciOiJFZDI1NTE5In0..c2lnbmF0dXJl"])]


class Checkpoints(Struct, frozen=True):
    """Checkpoints, newest first; `next_before` asks for the ones before these."""

    data: list[Checkpoint]
    next_before: date | None


async def make(connection: Connection, signer: Signer) -> date | None:
    """Make the checkpoint of yesterday when it is due; give its day."""
    day = await checkpoints.due(connection)
    if day is not None:
        await seal(connection, signer, day)
    return day


async def seal(connection: Connection, signer: Signer, day: date) -> None:
    """Put every passport that grew under one root, and sign it with the ledger's day."""
    heads = await checkpoints.heads(connection)
    hashes = [head_leaf(str(head.recording_id), head.number, head.sha256.hex()) for head in heads]
    root, paths = tree(hashes)
    ledger = await checkpoints.ledger_day(connection, day)
    before = await checkpoints.newest(connection)
    document: dict[str, Any] = {
        "day": day.isoformat(),
        "leaves": len(heads),
        "root": root.hex(),
        "ledger": {"transactions": ledger.transactions, "sha256": ledger.sha256.hex()},
        "previous": None if before is None else before.sha256.hex(),
    }
    document["signature"] = sign_detached(signer, document, typ=CHECKPOINT)
    leaves = [Leaf(head, position, path) for position, (head, path) in enumerate(zip(heads, paths, strict=True))]
    sha256 = hashlib.sha256(rfc8785.dumps(document)).digest()
    await checkpoints.keep(connection, day, root, leaves, document, sha256)


@get("/v1/ledger/checkpoints", opt={"public": True}, responses=problems(public=True), tags=["Reference"])
async def list_checkpoints(
    request: Request[Any, Any, Any],
    database: Database,
    before: Annotated[date | None, QueryParameter(description="`next_before` of the page before.")] = None,
    limit: Limit = 50,
) -> Response[Checkpoints]:
    """List the signed daily heads of all passports and of the ledger.

    Keep them: with yesterday's you can prove that we changed what was written before it.
    """
    async with reading(database) as connection:
        found = await checkpoints.listing(connection, before=before, limit=limit + 1)
    shown = [view(row.document) for row in found[:limit]]
    return conditional(request, Checkpoints(shown, shown[-1].day if len(found) > limit else None), PUBLIC)


@get(
    "/v1/ledger/checkpoints/{day:date}",
    opt={"public": True},
    responses=problems(CheckpointMissing, public=True),
    tags=["Reference"],
)
async def read_checkpoint(
    day: FromPath[date], request: Request[Any, Any, Any], database: Database
) -> Response[Checkpoint]:
    """Read the checkpoint of one day; it never changes."""
    async with reading(database) as connection:
        found = await checkpoints.find(connection, day)
    return conditional(request, view(found.document), IMMUTABLE)


def view(document: dict[str, Any]) -> Checkpoint:
    """Show a checkpoint exactly as it was signed."""
    ledger = LedgerDay(**document["ledger"])
    return Checkpoint(**{**document, "day": date.fromisoformat(document["day"]), "ledger": ledger})


handlers = [list_checkpoints, read_checkpoint]
