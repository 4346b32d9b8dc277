"""The X-ray of a recording: what it tells about people and places, for its owner before anything is sold."""

from __future__ import annotations

from uuid import UUID

from litestar import Response, get
from litestar.params import FromPath

from api.conditional import PRIVATE, conditional
from api.dependencies import Caller, Configuration, Database
from api.glimpses import opened
from api.problems import problems
from api.reports import AnyRequest, stored_report
from capture_validation.xray import Xray
from storage.database import transaction
from storage.encryption import subject_key
from storage.errors import MediaDamaged, RecordingMissing, ReportMissing


@get(
    "/v1/recordings/{recording:uuid}/xray",
    responses=problems(RecordingMissing, ReportMissing, MediaDamaged),
    tags=["Privacy"],
)
async def read_xray(
    recording: FromPath[UUID], request: AnyRequest, account: Caller, database: Database, settings: Configuration
) -> Response[Xray]:
    """Read what your recording tells: fields of the file, faces and text with their seconds and places, no identities.

    What no model looked for is `not_checked`. While the recording is examined the answer is 404 `report-missing`.
    """
    found, stored = await stored_report(database, account.id, recording)
    async with transaction(database) as connection:
        key = await subject_key(connection, settings.master_key, account.id)
    seen = opened(key, recording, stored.glimpses).xray
    if seen is None:
        # It could not be opened, or was examined before there were X-rays.
        raise ReportMissing(state=found.state)
    return conditional(request, seen, PRIVATE)


handlers = [read_xray]
