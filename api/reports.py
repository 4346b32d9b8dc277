"""Reports: what is good and wrong with a recording, in the reader's language, and as a picture."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

import msgspec
from anyio import to_thread
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, QueryParameter
from msgspec import Meta, Struct

from api.conditional import PRIVATE, conditional, conditional_bytes
from api.dependencies import Caller, Configuration, Database
from api.glimpses import with_glimpses
from api.problems import problems
from capture_validation.report import Curve, Limit, MediaFacts, Outcome, Rejection, Report, Requirement, Span, Status
from capture_validation.texts import negotiate, told, told_rejection
from storage import recordings, reports
from storage.database import Pool, transaction
from storage.encryption import subject_key
from storage.errors import RecordingMissing, ReportMissing
from storage.reports import StoredReport
from storage.states import State

AnyRequest: TypeAlias = Request[Any, Any, Any]
Theme = Literal["light", "dark"]
Sentence = Annotated[str, Meta(examples=["The recording is too quiet: −38 LUFS; at least −30 LUFS is needed."])]
Fix = Annotated[str, Meta(description="What to do; empty where nothing needs to be done.", examples=["Go closer."])]


class Finding(Struct, frozen=True):
    """One check's verdict: the facts for a program, and title, message and fix for a person.

    `spans` say where, in seconds; `value` and `limit` are in `unit`.
    """

    check: Annotated[str, Meta(examples=["audio.loudness"])]
    version: int
    status: Status
    requirement: Requirement
    code: Annotated[str, Meta(examples=["too-low"])]
    title: Annotated[str, Meta(examples=["Loudness"])]
    message: Sentence
    fix: Fix
    unit: Annotated[str, Meta(examples=["LUFS"])]
    value: float | None
    limit: Limit
    spans: tuple[Span, ...]
    parameters: dict[str, str | float]


class Refusal(Struct, frozen=True):
    """Why a file could not be examined at all."""

    code: Annotated[str, Meta(examples=["truncated"])]
    parameters: dict[str, str | float]
    title: str
    message: Sentence
    fix: Fix


class ReportView(Struct, frozen=True):
    """The newest report of a recording, the most important finding first.

    `library` and `profile_version` say by which measurements and which rules it was made, so that two reports of the
    same recording can be compared.
    """

    recording: UUID
    state: State
    attempt: int
    made_at: datetime
    library: Annotated[str, Meta(examples=["0.1.0"])]
    profile: Annotated[str, Meta(examples=["speech"])]
    profile_version: int
    outcome: Outcome
    media: MediaFacts | None
    rejection: Refusal | None
    findings: list[Finding]
    curves: tuple[Curve, ...]


async def stored_report(database: Pool, account: UUID, recording: UUID) -> tuple[recordings.Recording, StoredReport]:
    """Give a recording with its newest report. Raises RecordingMissing, ReportMissing with the recording's state."""
    async with transaction(database) as connection:
        found = await recordings.find(connection, account, recording)
        return found, await reports.newest(connection, recording, found.state)


def view(recording: recordings.Recording, stored: StoredReport, locale: str) -> ReportView:
    """Put a report into words."""
    report = msgspec.convert(stored.report, Report)
    return ReportView(
        recording=recording.id,
        state=recording.state,
        attempt=stored.attempt,
        made_at=stored.created_at,
        library=report.library,
        profile=report.profile,
        profile_version=report.profile_version,
        outcome=report.outcome,
        media=report.media,
        rejection=None if report.rejection is None else refusal(report.rejection, locale),
        findings=findings(report, locale),
        curves=report.curves,
    )


def refusal(rejection: Rejection, locale: str) -> Refusal:
    """Say why a file was refused."""
    words = told_rejection(rejection, locale)
    return Refusal(rejection.code, rejection.parameters, words.title, words.sentence, words.fix)


def findings(report: Report, locale: str) -> list[Finding]:
    """Say what each check found."""
    told_checks = [(check, told(check, locale)) for check in report.checks]
    return [
        Finding(
            check.name,
            check.version,
            check.status,
            check.requirement,
            check.code,
            words.title,
            words.sentence,
            words.fix,
            check.unit,
            check.value,
            check.limit,
            check.spans,
            check.parameters,
        )
        for check, words in told_checks
    ]


@get(
    "/v1/recordings/{recording:uuid}/report",
    responses={
        200: ResponseSpec(
            ReportView, generate_examples=False, description="The newest report, in the language of Content-Language."
        ),
        **problems(RecordingMissing, ReportMissing),
    },
    tags=["Reports"],
)
async def read_report(
    recording: FromPath[UUID], request: AnyRequest, account: Caller, database: Database
) -> Response[ReportView]:
    """Read what is good and wrong with a recording, in the language that Accept-Language prefers.

    While the recording is examined the answer is 404 `report-missing` with its `state`; events say when to ask again.
    """
    found, stored = await stored_report(database, account.id, recording)
    locale = negotiate(request.headers.get("accept-language"))
    headers = {"Content-Language": locale, "Vary": "Accept-Language, Authorization"}
    return conditional(request, view(found, stored, locale), PRIVATE, headers)


@get(
    "/v1/recordings/{recording:uuid}/report.png",
    media_type="image/png",
    responses={
        200: ResponseSpec(
            bytes, generate_examples=False, description="PNG, readable on a phone.", media_type="image/png"
        ),
        **problems(RecordingMissing, ReportMissing),
    },
    tags=["Reports"],
)
async def read_report_picture(
    recording: FromPath[UUID],
    request: AnyRequest,
    account: Caller,
    database: Database,
    settings: Configuration,
    theme: Annotated[Theme, QueryParameter(description="The paper: light, or dark for the night.")] = "light",
) -> Response[bytes]:
    """See the recording over time, with the stretches marked where something is wrong, on light or on dark paper."""
    # Drawing brings its own libraries; a service that is never asked for a picture does not load them.
    from capture_validation.picture import draw

    _, stored = await stored_report(database, account.id, recording)
    async with transaction(database) as connection:
        key = await subject_key(connection, settings.master_key, account.id)
    locale = negotiate(request.headers.get("accept-language"))
    report = with_glimpses(msgspec.convert(stored.report, Report), key, recording, stored.glimpses)
    picture = await to_thread.run_sync(lambda: draw(report, locale=locale, dark=theme == "dark"))
    headers = {"Content-Language": locale, "Vary": "Accept-Language, Authorization"}
    return conditional_bytes(request, picture, "image/png", PRIVATE, headers)


handlers = [read_report, read_report_picture]
