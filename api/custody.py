"""Custody receipts: a signed word that a recording is safe here, after which its original may be deleted.

It is signed only once the stored object was read back whole and, on the embedded store, synced to disk. Whoever holds
it can prove years later, offline, which bytes this service took and when.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Meta, Struct

from api.conditional import conditional_bytes
from api.dependencies import Caller, Database, Signing
from api.problems import problems
from api.recordings import Sha256, Size
from api.signing import sign
from storage import custody, recordings
from storage.custody import Custody
from storage.database import transaction
from storage.errors import CustodyMissing, RecordingMissing

#: What kind of thing the signature is over.
TYP = "custody-receipt+jws"
JOSE = "application/jose"


class CustodyReceipt(Struct, frozen=True):
    """Which bytes are safe here since when, and the same signed: `jws` is what to keep."""

    recording: UUID
    sha256: Sha256
    size_bytes: Size
    secured_at: datetime
    jws: Annotated[
        str, Meta(description="Compact JWS over the members beside it.", examples=["eyJhbGciOiJFZDI1NTE5In0.e30.Zm9v"])
    ]


def words(held: Custody) -> dict[str, Any]:
    """Write what is signed; the same custody always gives the same words."""
    return {
        "recording": str(held.recording_id),
        "sha256": held.sha256.hex(),
        "size_bytes": held.size_bytes,
        "secured_at": held.secured_at.isoformat().replace("+00:00", "Z"),
    }


@get(
    "/v1/recordings/{recording:uuid}/custody-receipt",
    opt={"forms": (JOSE,)},
    responses=problems(RecordingMissing, CustodyMissing),
    tags=["Recordings"],
)
async def read_custody_receipt(
    recording: FromPath[UUID],
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    signing: Signing,
) -> Response[CustodyReceipt]:
    """Read the receipt after which the original may be deleted from the phone.

    Until the stored bytes were read back the answer is 404 `custody-missing`: keep the original. With
    `Accept: application/jose` the answer is the signature alone, which `companion verify` checks offline.
    """
    signer = await signing.signer()
    async with transaction(database) as connection:
        await recordings.find(connection, account.id, recording)
        held = await custody.of_recording(connection, recording)
    jws = sign(signer, words(held), typ=TYP)
    vary = {"Vary": "Accept, Authorization"}
    if JOSE in request.headers.get("accept", ""):
        return conditional_bytes(request, jws.encode(), JOSE, "private, max-age=300", vary)
    receipt = CustodyReceipt(recording, held.sha256.hex(), held.size_bytes, held.secured_at, jws)
    return Response(receipt, headers=vary)


handlers = [read_custody_receipt]
