"""Passports: all that ever happened to a recording, signed, to keep and to show; found again by the file itself."""

from __future__ import annotations

import hashlib
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import anyio
import msgspec
from litestar import Request, Response, get, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from api.dependencies import Caller, Database, Signing
from api.errors import BodyTooSlow
from api.passport_proof import PASSPORT
from api.problems import problems
from api.receiving import SLOWEST
from api.recordings import Sha256
from api.signing import sign_detached
from capture_validation.capacity import CAPACITY
from storage import passports, recordings, renditions, sales
from storage.database import Connection, Pool, transaction
from storage.errors import RecordingMissing, TooLarge
from storage.passports import Entry, Proof
from storage.recordings import Recording
from storage.renditions import Rendition
from storage.sales import RecordingUse
from storage.states import State

#: A phone that sends nothing for so long has gone; seconds.
PATIENCE_S = 30
LARGEST = max(CAPACITY.audio_bytes, CAPACITY.video_bytes)
#: A recording is licensed to tens of buyers; more than this are in the entries all the same.
USES = 1000


class FoundPassport(Struct, frozen=True):
    """A recording of yours that this file is: the original that you sent, or a cleaned copy that buyers get."""

    recording: UUID
    copy: Literal["original", "cleaned"]
    state: State
    passport_url: Annotated[str, Meta(examples=["/v1/recordings/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d/passport"])]


class FoundPassports(Struct, frozen=True):
    """What was found of a file among your recordings, and the hash that was looked for."""

    sha256: Sha256
    data: list[FoundPassport]


async def written(connection: Connection, recording: Recording) -> dict[str, Any]:
    """Write a recording's passport as plain JSON, without its signature."""
    found = await passports.entries(connection, recording.id)
    made = await renditions.newest(connection, recording.id)
    licensed = await sales.uses_of(connection, recording.id, limit=USES)
    proof = await passports.proof(connection, recording.id)
    uses = await passports.uses(connection, recording.id)
    return {
        "type": "recording-passport",
        "recording": str(recording.id),
        "contributor": str(recording.account_id),
        "campaign": str(recording.campaign_id),
        "sha256": recording.sha256.hex(),
        "size_bytes": recording.size_bytes,
        "media_type": recording.media_type,
        "duration_ms": recording.duration_ms,
        "state": recording.state,
        "consent": [msgspec.to_builtins(use) for use in uses],
        "rendition": None if made is None else edited(made),
        "uses": [used(use) for use in licensed],
        "entries": [entry(row) for row in found],
        "head": {"number": len(found), "sha256": found[-1].sha256.hex() if found else None},
        "checkpoint": None if proof is None else proved(proof),
        "issued_at": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }


def edited(made: Rendition) -> dict[str, Any]:
    """Say what was hidden or removed before anybody else got a copy."""
    return {
        "number": made.number,
        "sha256": made.sha256.hex(),
        "media_type": made.media_type,
        "removed_ms": made.removed_ms,
        "edits": made.edits,
    }


def used(use: RecordingUse) -> dict[str, Any]:
    """Say who used it, for what, in which dataset version, until when and for how much."""
    return dict(msgspec.to_builtins(use))


def entry(row: Entry) -> dict[str, Any]:
    """Show an entry so that its hash can be computed again."""
    shown: dict[str, Any] = {"number": row.number, "kind": row.kind, "at": row.at, "data": row.data}
    return {**shown, "previous": row.previous.hex() if row.previous else None, "sha256": row.sha256.hex()}


def proved(proof: Proof) -> dict[str, Any]:
    """Show how the signed checkpoint of a day covers this passport."""
    path = [step.hex() for step in proof.path]
    return {"number": proof.number, "position": proof.position, "path": path, "document": proof.document}


@get(
    "/v1/recordings/{recording:uuid}/passport",
    responses={
        200: ResponseSpec(dict[str, Any], generate_examples=False, description="The passport, with its signature."),
        **problems(RecordingMissing),
    },
    tags=["Passports"],
)
async def read_passport(
    recording: FromPath[UUID], account: Caller, database: Database, signing: Signing
) -> Response[dict[str, Any]]:
    """Read the passport of a recording: who used it and for what, what was hidden, what was deleted, what it earned.

    `entries` is the whole history, each entry with the hash of the one before; `checkpoint` shows that it was fixed by
    a published, signed day. `signature` is a detached JWS over all the rest in canonical form (RFC 8785); keep the file
    and check it with `companion verify`, without a network and without us.
    """
    signer = await signing.signer()
    async with transaction(database) as connection:
        document = await written(connection, await recordings.find(connection, account.id, recording))
    document["signature"] = sign_detached(signer, document, typ=PASSPORT)
    name = f'attachment; filename="passport-{recording}.json"'
    return Response(document, headers={"Cache-Control": "private, no-cache", "Content-Disposition": name})


@get("/v1/passports", responses=problems(), tags=["Passports"])
async def find_passports(
    account: Caller,
    database: Database,
    sha256: Annotated[
        str, QueryParameter(pattern=r"^[0-9a-f]{64}\Z", description="SHA-256 of a file, in lower-case hexadecimal.")
    ],
) -> FoundPassports:
    """Find which of your recordings a file is, by its hash: an original, or a cleaned copy that a buyer has."""
    return await looked_up(database, account.id, bytes.fromhex(sha256))


@post(
    "/v1/passports/look-ups",
    status_code=200,
    opt={"idempotency": False},
    request_max_body_size=LARGEST,
    responses=problems(TooLarge, BodyTooSlow),
    tags=["Passports"],
)
async def look_up_file(request: Request[Any, Any, Any], account: Caller, database: Database) -> FoundPassports:
    """Find which of your recordings a file is, by sending the file itself: its bytes are hashed and not kept."""
    return await looked_up(database, account.id, await hash_of(request.stream()))


async def hash_of(pieces: AsyncIterator[bytes]) -> bytes:
    """Hash a body that keeps coming, as fast as an upload has to. Raises BodyTooSlow."""
    digest, received, begun = hashlib.sha256(), 0, time.monotonic()
    try:
        while True:
            with anyio.fail_after(PATIENCE_S):
                piece = await anext(pieces)
            digest.update(piece)
            received += len(piece)
            lasted = time.monotonic() - begun
            if lasted > PATIENCE_S and received < SLOWEST * lasted:
                raise BodyTooSlow
    except StopAsyncIteration:
        return digest.digest()
    except TimeoutError as error:
        raise BodyTooSlow from error


async def looked_up(database: Pool, account: UUID, sha256: bytes) -> FoundPassports:
    """Look among the account's own recordings only."""
    async with transaction(database) as connection:
        found = await passports.of_file(connection, account, sha256)
    return FoundPassports(
        sha256.hex(),
        [
            FoundPassport(row.recording, row.copy, row.state, f"/v1/recordings/{row.recording}/passport")
            for row in found
        ],
    )


handlers = [read_passport, find_passports, look_up_file]
