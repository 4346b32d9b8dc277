"""The cleaned copy of a recording, as buyers get it, shown to its owner first."""

from __future__ import annotations

from functools import partial
from typing import Any
from uuid import UUID

from litestar import Response, get, head
from litestar.params import FromPath

from api.dependencies import Caller, Configuration, Database, Objects
from api.errors import RangeUnsatisfiable
from api.media import BYTES, PLAYED, AnyRequest, Played, listener, play
from api.problems import problems
from storage import encryption, recordings, renditions
from storage.database import Pool, transaction
from storage.errors import MediaDamaged, MediaMissing, RecordingMissing, RenditionMissing, StoreUnavailable
from storage.media import Media

RENDITION_PROBLEMS = problems(
    RecordingMissing, RenditionMissing, MediaMissing, RangeUnsatisfiable, StoreUnavailable, MediaDamaged
)


async def stored_rendition(database: Pool, master_key: bytes, session: UUID, recording: UUID) -> Played:
    """Find the newest cleaned copy of a recording of whoever has the session.

    Raises RecordingMissing, RenditionMissing, MediaMissing.
    """
    async with transaction(database) as connection:
        account = await listener(connection, session)
        found = await recordings.find(connection, account, recording)
        made = await renditions.newest(connection, recording)
        if made is None:
            raise RenditionMissing(state=found.state)
        key = await encryption.subject_key(connection, master_key, account)
    media = Media(found.id, made.object_key, made.size_bytes)
    return Played(media, key, made.media_type, made.sha256, f"{found.id}-{made.number}")


@get(
    "/v1/recordings/{recording:uuid}/rendition",
    opt=PLAYED,
    responses={200: BYTES, **RENDITION_PROBLEMS},
    tags=["Privacy"],
)
async def read_rendition(
    recording: FromPath[UUID],
    request: AnyRequest,
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
) -> Response[Any]:
    """Watch or listen to what buyers get of your recording, from any byte on (`Range`)."""
    return await play(
        request, store, partial(stored_rendition, database, settings.master_key, account.session_id, recording)
    )


@head("/v1/recordings/{recording:uuid}/rendition", responses=RENDITION_PROBLEMS, tags=["Privacy"])
async def describe_rendition(
    recording: FromPath[UUID],
    request: AnyRequest,
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
) -> Response[None]:
    """Ask for the size and type of what buyers get without its bytes."""
    return await play(
        request, store, partial(stored_rendition, database, settings.master_key, account.session_id, recording)
    )


handlers = [read_rendition, describe_rendition]
