"""Recordings: announce one, see what became of it, rename, replace and delete it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, delete, get, patch, post
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import UNSET, Meta, Struct, UnsetType

from api.addresses import absolute
from api.dependencies import Caller, Configuration, Database, Objects
from api.errors import CursorInvalid
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from api.reasons import reason
from api.settings import Settings
from api.upload_plans import Network, UploadPlan, plan
from capture_validation.capacity import CAPACITY
from capture_validation.texts import negotiate
from storage import claims, deletions, examiners, recordings, stories, uploads
from storage.database import reading, transaction
from storage.errors import (
    CampaignClosed,
    CampaignMissing,
    CampaignPaused,
    DailyBytesUsed,
    ExaminationImpossible,
    LanguageRefused,
    MediaTypeRefused,
    MoveRefused,
    PromptMissing,
    QuoteExpired,
    QuoteMissing,
    QuoteUsed,
    RecordingMissing,
    ReplacementRefused,
    SlotTaken,
    StoreFull,
    TooLarge,
    TooManyWaiting,
)
from storage.events import Event
from storage.recordings import Recording
from storage.states import State
from storage.stories import Story

Sha256 = Annotated[
    str,
    Meta(
        pattern=r"^[0-9a-f]{64}\Z",
        description="SHA-256 of the whole file, in lower-case hexadecimal.",
        examples=["59dfb9a4acb36fe2a2affc14bacbee2920ff435cb13cc314a08c13f66ba7860e"],
    ),
]
Size = Annotated[int, Meta(ge=1, le=2**53 - 1, description="Size of the file in bytes.", examples=[352078])]
MediaType = Annotated[
    str,
    Meta(
        pattern=r"^((audio|video)/[A-Za-z0-9][A-Za-z0-9.+-]{0,60}|application/ogg)\Z",
        description="What the phone calls the file; the content decides in the end.",
        examples=["audio/wav"],
    ),
]
Language = Annotated[
    str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z", description="BCP 47.", examples=["en-GB"])
]
Title = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]*\Z", examples=["By the window"])]
Reason = Annotated[str, Meta(description="A stable code for the reason of the last move.", examples=["passed"])]


class NewRecording(Struct, frozen=True):
    """What is announced before a byte is sent; `replaces` names the take of the same prompt that needs a fix.

    `quote` is the offer under which it was recorded: it pays what was quoted, and its place was kept.
    """

    sha256: Sha256
    size_bytes: Size
    media_type: MediaType
    campaign: UUID
    language: Language | None = None
    prompt: UUID | None = None
    title: Title | None = None
    replaces: UUID | None = None
    quote: UUID | None = None
    network: Network = "unknown"


class UploadLink(Struct, frozen=True):
    """Where the bytes go, by tus 1.0, and until when the next of them must have arrived; the claim adds a plan."""

    url: Annotated[str, Meta(examples=["https://example.org/v1/uploads/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d"])]
    expires_at: datetime
    plan: UploadPlan | None = None


class RecordingView(Struct, frozen=True):
    """A recording and where it stands; `upload` is there as long as bytes are missing."""

    id: UUID
    campaign: UUID
    state: State
    because: Reason | None
    prompt: UUID | None
    language: str | None
    title: str | None
    sha256: Sha256
    size_bytes: Size
    media_type: str
    replaces: UUID | None
    quote: UUID | None
    duration_ms: Annotated[int, Meta(examples=[11000])] | None
    created_at: datetime
    updated_at: datetime
    upload: UploadLink | None = None


class RecordingDetail(Struct, frozen=True):
    """A recording with its story: every move with who made it and why, its consent, and its report."""

    recording: RecordingView
    events: list[Event]
    consented: bool
    consent_given_at: datetime | None
    reason: Annotated[str, Meta(description="The reason of the last move, as a sentence.")] | None
    report_url: Annotated[str, Meta(examples=["/v1/recordings/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d/report"])] | None
    media_url: Annotated[str, Meta(examples=["/v1/recordings/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d/media"])] | None
    custody_receipt_url: (
        Annotated[str, Meta(examples=["/v1/recordings/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d/custody-receipt"])] | None
    )


class RecordingDetails(Struct, frozen=True):
    """What may be changed; a field that is left out stays, null empties it."""

    title: Title | UnsetType | None = UNSET
    language: Language | UnsetType | None = UNSET
    prompt: UUID | UnsetType | None = UNSET


UNFINISHED = ("claimed", "uploading")
#: Moves out of validation that leave no report behind.
NO_REPORT = ("our-fault", *recordings.NOT_THE_CONTENT)


def view(recording: Recording, upload: UploadLink | None = None) -> RecordingView:
    """Show a row to its owner: no object key, and the hash as text."""
    return RecordingView(
        id=recording.id,
        campaign=recording.campaign_id,
        state=recording.state,
        because=recording.moved_because,
        prompt=recording.prompt_id,
        language=recording.language,
        title=recording.title,
        sha256=recording.sha256.hex(),
        size_bytes=recording.size_bytes,
        media_type=recording.media_type,
        replaces=recording.replaces,
        quote=recording.quote_id,
        duration_ms=recording.duration_ms,
        created_at=recording.created_at,
        updated_at=recording.updated_at,
        upload=upload,
    )


def allowance(settings: Settings) -> claims.Allowance:
    """Give what one contributor may take, by the operator's settings."""
    return claims.Allowance(
        largest_bytes=max(CAPACITY.audio_bytes, CAPACITY.video_bytes),
        waiting=settings.queued_jobs,
        daily_bytes=settings.daily_bytes,
        claim_lasts=timedelta(days=settings.claim_days),
        longest_wait_s=settings.intake_lag_s,
    )


@post(
    "/v1/recordings",
    responses={
        200: ResponseSpec(
            RecordingView,
            generate_examples=False,
            description="These bytes are here already: nothing needs to be sent.",
        ),
        **problems(
            CampaignMissing,
            CampaignClosed,
            CampaignPaused,
            SlotTaken,
            ReplacementRefused,
            TooLarge,
            MediaTypeRefused,
            LanguageRefused,
            PromptMissing,
            RecordingMissing,
            DailyBytesUsed,
            TooManyWaiting,
            QuoteMissing,
            QuoteUsed,
            QuoteExpired,
            StoreFull,
            ExaminationImpossible,
        ),
    },
    tags=["Recordings"],
)
async def claim_recording(
    data: JSONBody[NewRecording],
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
) -> Response[RecordingView]:
    """Announce a recording before a byte is sent.

    Every limit is checked here, so that nothing is sent in vain. The same bytes from the same contributor are the
    recording that exists: then the answer is 200, and only an unfinished one has an `upload`. A campaign that is paused
    or over takes what was quoted before, and another try of a take that was begun within a month.
    """
    wish = claims.Claim(
        campaign_id=data.campaign,
        sha256=bytes.fromhex(data.sha256),
        size_bytes=data.size_bytes,
        media_type=data.media_type.lower(),
        language=data.language,
        prompt_id=data.prompt,
        title=data.title,
        replaces=data.replaces,
        quote_id=data.quote,
    )
    async with transaction(database) as connection:
        recording, made = await claims.claim(connection, account.id, wish, allowance(settings))
        if made:
            # No claim then: it would keep a place and a part of the day's bytes, and could send nothing.
            store.room.check()
            await examiners.check(connection)
        upload = await uploads.of_recording(connection, recording.id)
        advice = await plan(connection, upload, data.network, settings)
    shown = view(recording, link(request, settings, recording, upload.id, upload.expires_at, advice))
    location = {"Location": absolute(request, settings, f"/v1/recordings/{recording.id}")}
    return Response(shown, status_code=201 if made else 200, headers=location)


def link(
    request: Request[Any, Any, Any],
    settings: Settings,
    recording: Recording,
    upload: UUID,
    expires_at: datetime,
    plan: UploadPlan | None = None,
) -> UploadLink | None:
    """Say where to send the bytes, as long as some are missing."""
    if recording.state not in UNFINISHED:
        return None
    return UploadLink(absolute(request, settings, f"/v1/uploads/{upload}"), expires_at, plan)


@get("/v1/recordings", responses=problems(CursorInvalid), tags=["Recordings"])
async def list_recordings(
    account: Caller,
    database: Database,
    recording_state: Annotated[
        State | None, QueryParameter(name="state", description="Only recordings in this state.")
    ] = None,
    campaign: Annotated[UUID | None, QueryParameter(description="Only recordings for this campaign.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Page[RecordingView]:
    """List your recordings, newest first."""
    async with transaction(database) as connection:
        found = await recordings.listing(
            connection,
            account.id,
            state=recording_state,
            campaign=campaign,
            before=position_of(cursor),
            limit=limit + 1,
        )
    return page([view(recording) for recording in found], limit, lambda shown: shown.id)


@get("/v1/recordings/{recording:uuid}", responses=problems(RecordingMissing), tags=["Recordings"])
async def read_recording(
    recording: FromPath[UUID],
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    settings: Configuration,
) -> Response[RecordingDetail]:
    """Read one recording with its story, its consent and where its report is.

    `reason` is in the language that Accept-Language prefers.
    """
    async with reading(database) as connection:
        story = await stories.read(connection, account.id, recording)
    locale = negotiate(request.headers.get("accept-language"))
    shown = detail(story, link(request, settings, story, story.upload_id, story.upload_expires_at), locale)
    return Response(shown, headers={"Content-Language": locale, "Vary": "Accept-Language, Authorization"})


def detail(story: Story, upload: UploadLink | None, locale: str) -> RecordingDetail:
    """Show a recording with its story, in the reader's language."""
    address, told = f"/v1/recordings/{story.id}", story.events
    examined = any(event.from_state == "validating" and event.because not in NO_REPORT for event in told)
    return RecordingDetail(
        recording=view(story, upload),
        events=told,
        consented=story.consent_given_at is not None,
        consent_given_at=story.consent_given_at,
        reason=reason(story.moved_because, locale),
        report_url=f"{address}/report" if examined else None,
        media_url=f"{address}/media" if story.object_key else None,
        custody_receipt_url=f"{address}/custody-receipt" if story.object_key else None,
    )


@patch(
    "/v1/recordings/{recording:uuid}",
    responses=problems(RecordingMissing, PromptMissing, LanguageRefused, SlotTaken, MoveRefused),
    tags=["Recordings"],
)
async def change_recording(
    recording: FromPath[UUID], data: JSONBody[RecordingDetails], account: Caller, database: Database
) -> RecordingView:
    """Set title, language or prompt.

    The prompt is fixed once a decision stands, because the decision was made about it.
    """
    details = recordings.Details(data.title, data.language, data.prompt)
    async with transaction(database) as connection:
        return view(await recordings.change(connection, account.id, recording, details))


@delete("/v1/recordings/{recording:uuid}", responses=problems(RecordingMissing, MoveRefused), tags=["Recordings"])
async def delete_recording(recording: FromPath[UUID], account: Caller, database: Database) -> None:
    """Delete a recording that was not sold; its bytes are removed within minutes.

    One that was accepted stays in your list as withdrawn, without its bytes: what it earned stays yours, and the same
    recording is not paid again. One that was sold is withdrawn instead, so that its buyers delete it, too.
    """
    async with transaction(database) as connection:
        await deletions.delete(connection, account.id, recording)


handlers = [
    claim_recording,
    list_recordings,
    read_recording,
    change_recording,
    delete_recording,
]
