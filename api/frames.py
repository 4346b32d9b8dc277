"""The few pictures of a video that its report shows: where something is wrong, and what the take is about."""

from __future__ import annotations

import io
import re
from typing import Annotated, Any
from uuid import UUID

from anyio import to_thread
from litestar import Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from msgspec import Meta, Struct

from api.conditional import PRIVATE, conditional, conditional_bytes
from api.dependencies import Caller, Configuration, Database
from api.glimpses import opened
from api.problems import problems
from api.reports import AnyRequest, stored_report
from api.settings import Settings
from capture_validation.report import Still
from storage.database import Pool, transaction
from storage.encryption import subject_key
from storage.errors import FrameMissing, MediaDamaged, RecordingMissing, ReportMissing

FRAME_PROBLEMS = problems(RecordingMissing, ReportMissing, FrameMissing, MediaDamaged)


class Frame(Struct, frozen=True):
    """One picture of a report: when it was filmed, and the check whose finding it shows, or nothing."""

    number: int
    at_s: float
    shows: Annotated[str, Meta(examples=["video.black"])]
    url: Annotated[str, Meta(examples=["/v1/recordings/0190c9f0-7a8e-7000-8000-0000000000aa/frames/0.webp"])]


async def stills(database: Pool, settings: Settings, account: UUID, recording: UUID) -> tuple[Still, ...]:
    """Open the stills of the newest report. Raises RecordingMissing, ReportMissing, MediaDamaged."""
    _, stored = await stored_report(database, account, recording)
    async with transaction(database) as connection:
        key = await subject_key(connection, settings.master_key, account)
    return opened(key, recording, stored.glimpses).stills


@get("/v1/recordings/{recording:uuid}/frames", responses=FRAME_PROBLEMS, tags=["Reports"])
async def list_frames(
    recording: FromPath[UUID], request: AnyRequest, account: Caller, database: Database, settings: Configuration
) -> Response[list[Frame]]:
    """List the pictures of a video's report in the order of time; of a recording of sound there are none."""
    url = f"/v1/recordings/{recording}/frames"
    shown = await stills(database, settings, account.id, recording)
    frames = [Frame(number, still.at_s, still.shows, f"{url}/{number}.webp") for number, still in enumerate(shown)]
    return conditional(request, frames, PRIVATE)


@get(
    "/v1/recordings/{recording:uuid}/frames/{frame:str}",
    responses={
        200: ResponseSpec(bytes, generate_examples=False, description="WebP.", media_type="image/webp"),
        **FRAME_PROBLEMS,
    },
    tags=["Reports"],
)
async def read_frame(
    recording: FromPath[UUID],
    frame: FromPath[str],
    request: AnyRequest,
    account: Caller,
    database: Database,
    settings: Configuration,
) -> Response[Any]:
    """See one picture of a report, small, for its owner alone: `0.webp` is the first."""
    shown = await stills(database, settings, account.id, recording)
    asked = re.fullmatch(r"(\d{1,3})\.webp", frame)
    if asked is None or int(asked[1]) >= len(shown):
        raise FrameMissing
    picture = await to_thread.run_sync(webp, shown[int(asked[1])])
    return conditional_bytes(request, picture, "image/webp", PRIVATE)


def webp(still: Still) -> bytes:
    """Encode a still. Raises FrameMissing when its bytes do not fit its size."""
    # Drawing brings its own libraries; a service that is never asked for a picture does not load them.
    from capture_validation import contact_sheet

    if not contact_sheet.fits(still):
        raise FrameMissing
    file = io.BytesIO()
    contact_sheet.opened(still).save(file, "WEBP", quality=80)
    return file.getvalue()


handlers = [list_frames, read_frame]
