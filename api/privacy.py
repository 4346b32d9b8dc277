"""Privacy: what a contributor wants hidden in the copy of a recording that buyers get."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from litestar import Request, Response, get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.conditional import PRIVATE, conditional
from api.dependencies import Caller, Database
from api.hidden import Hidden, hidden_by_terms
from api.problems import problems
from capture_validation.clean import Choices, Edit
from capture_validation.clean.choices import checked
from capture_validation.errors import ChoicesInvalid
from storage import recordings, renditions
from storage.database import Connection, transaction
from storage.errors import RecordingMissing
from storage.recordings import Recording
from storage.renditions import Privacy, Rendition

AnyRequest: TypeAlias = Request[Any, Any, Any]
#: `none`: made once the recording is accepted. `waiting`: being made. `impossible`: `trouble` says why.
Standing = Literal["none", "waiting", "ready", "impossible"]


class RenditionView(Struct, frozen=True):
    """The cleaned copy, and every change that was made to it; `removed_ms` is how much shorter it is."""

    number: Annotated[int, Meta(ge=1, examples=[1])]
    url: Annotated[str, Meta(examples=["/v1/recordings/0190c9f0-7a8e-7000-8000-0000000000aa/rendition"])]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", examples=["3f1b8c0d" * 8])]
    size_bytes: int
    media_type: Annotated[str, Meta(examples=["video/mp4"])]
    edits: list[Edit]
    removed_ms: int
    created_at: datetime


class PrivacyView(Struct, frozen=True):
    """What is to be hidden, and how far the copy is in which it is hidden.

    `trouble` is a code: `nothing-left` when everything would be dropped, `not-checked` when no model is installed that
    could find what is to be hidden, `not-clean` when it could still be found in the copy.
    """

    recording: UUID
    choices: Choices
    by_terms: Annotated[
        list[Hidden],
        Meta(description="What the terms you agreed to hide in any case, whatever you choose.", examples=[["sound"]]),
    ]
    version: Annotated[int, Meta(description="0 before anything was chosen.", examples=[1])]
    standing: Standing
    trouble: Annotated[str | None, Meta(examples=["nothing-left"])]
    rendition: RenditionView | None


async def shown(connection: Connection, recording: Recording) -> PrivacyView:
    """Put together what the owner of a recording sees."""
    chosen = await renditions.privacy(connection, recording.id)
    made = await renditions.newest(connection, recording.id)
    return PrivacyView(
        recording=recording.id,
        choices=msgspec.convert(chosen.choices if chosen else {}, Choices),
        by_terms=hidden_by_terms(await renditions.promised(connection, recording.id), recording.media_type),
        version=chosen.version if chosen else 0,
        standing=standing(chosen, made),
        trouble=chosen.trouble if chosen else None,
        rendition=None if made is None else view(made),
    )


def standing(chosen: Privacy | None, made: Rendition | None) -> Standing:
    """Say how far the copy is."""
    if made is not None:
        return "ready"
    if chosen is None or not (chosen.due or chosen.trouble):
        return "none"
    return "waiting" if chosen.due else "impossible"


def view(made: Rendition) -> RenditionView:
    """Show a rendition to its owner."""
    return RenditionView(
        number=made.number,
        url=f"/v1/recordings/{made.recording_id}/rendition",
        sha256=made.sha256.hex(),
        size_bytes=made.size_bytes,
        media_type=made.media_type,
        edits=msgspec.convert(made.edits, list[Edit]),
        removed_ms=made.removed_ms,
        created_at=made.created_at,
    )


@get("/v1/recordings/{recording:uuid}/privacy", responses=problems(RecordingMissing), tags=["Privacy"])
async def read_privacy(
    recording: FromPath[UUID], request: AnyRequest, account: Caller, database: Database
) -> Response[PrivacyView]:
    """Read what is hidden in the copy that buyers get, and the list of changes once it is made."""
    async with transaction(database) as connection:
        found = await recordings.find(connection, account.id, recording)
        return conditional(request, await shown(connection, found), PRIVATE)


@put("/v1/recordings/{recording:uuid}/privacy", responses=problems(RecordingMissing, ChoicesInvalid), tags=["Privacy"])
async def choose_privacy(
    recording: FromPath[UUID], data: JSONBody[Choices], account: Caller, database: Database
) -> PrivacyView:
    """Say what is to be hidden: faces and text blurred or under boxes, stretches silenced or taken out.

    What your terms promise to hide (`by_terms`) is hidden as well, whatever you choose here.
    Metadata is always removed. Until the new copy is made, no copy is given to anybody. What you take out before the
    recording is accepted is not paid; what you take out later stays paid.
    """
    choices = checked(data)
    async with transaction(database) as connection:
        found = await recordings.lock(connection, account.id, recording)
        await renditions.choose(connection, recording, msgspec.to_builtins(choices))
        return await shown(connection, found)


handlers = [read_privacy, choose_privacy]
