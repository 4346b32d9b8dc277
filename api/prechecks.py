"""Prechecks: the first seconds of a take, looked at before the rest of it is recorded or a byte of it is uploaded.

Nothing is kept: the bytes lie in memory without a name until the answer is given. They are examined like any recording,
in the sandbox, by the same rules and in the same words.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import UUID

import anyio
from litestar import Request, post
from litestar.exceptions import ClientException, InternalServerException
from litestar.exceptions.http_exceptions import RequestEntityTooLarge
from litestar.openapi.spec import OpenAPIMediaType, Operation, RequestBody, Schema
from litestar.openapi.spec.enums import OpenAPIFormat, OpenAPIType
from litestar.params import QueryParameter
from litestar.response import Response
from msgspec import Meta, Struct

from api.bodies import Room
from api.dependencies import Caller, Database, Examining
from api.errors import BodyTooSlow, Overloaded, TooManyAttempts
from api.examinations import LARGEST
from api.problems import problems
from api.reports import Finding, Refusal, findings, refusal
from capture_validation.errors import SandboxError
from capture_validation.profile import Profile, override, profile
from capture_validation.report import Curve, MediaFacts, Outcome, Report
from capture_validation.texts import negotiate
from storage import campaigns
from storage.database import Pool, reading
from storage.errors import CampaignMissing

#: Seconds that the bytes may take to arrive.
ARRIVAL_S = 30.0


class Precheck(Struct, frozen=True):
    """What is good and wrong with these seconds, the most important finding first; a report that is not kept."""

    library: Annotated[str, Meta(examples=["0.1.0"])]
    profile: Annotated[str, Meta(examples=["speech"])]
    profile_version: int
    outcome: Outcome
    media: MediaFacts | None
    rejection: Refusal | None
    findings: list[Finding]
    curves: tuple[Curve, ...]


@contextmanager
def in_memory() -> Iterator[int]:
    """Lend a file that lies in memory and has no name, as its descriptor."""
    descriptor = os.memfd_create("precheck")
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def arrive(body: AsyncIterator[bytes], descriptor: int, room: Room, account: UUID) -> None:
    """Write a body into a file in memory, of which all bodies together have so much.

    Raises BodyTooSlow, RequestEntityTooLarge, Overloaded, and ClientException when the phone has gone.
    """
    size = 0
    try:
        with anyio.fail_after(ARRIVAL_S):
            async for piece in body:
                size += len(piece)
                if size > LARGEST:
                    raise RequestEntityTooLarge
                room.take(len(piece), account, known=True)
                os.write(descriptor, piece)
    except TimeoutError:
        raise BodyTooSlow from None
    except InternalServerException:
        raise ClientException("The connection ended before the recording did.") from None


async def rules_of(database: Pool, campaign: UUID | None, name: str) -> Profile:
    """Take the campaign's own rules, or those of a published profile. Raises CampaignMissing."""
    if campaign is None:
        return profile(name)
    async with reading(database) as connection:
        row = await campaigns.find(connection, campaign)
    return override(profile(row.profile), row.rules)


@dataclass
class TakesMedia(Operation):
    """An operation whose body is the recording itself; Litestar describes only bodies that it reads itself."""

    def __post_init__(self) -> None:
        """Describe the body."""
        raw = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING, format=OpenAPIFormat.BINARY))
        self.request_body = RequestBody(
            content={"audio/*": raw, "video/*": raw},
            description="Up to ten seconds and 5 MB of sound or video, in any form that recordings may have.",
            required=True,
        )


@post(
    "/v1/prechecks",
    status_code=200,
    opt={"idempotency": False},
    request_max_body_size=None,
    operation_class=TakesMedia,
    responses=problems(
        CampaignMissing, TooManyAttempts, Overloaded, BodyTooSlow, RequestEntityTooLarge, SandboxError, ClientException
    ),
    tags=["Reports"],
)
async def precheck(
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    examining: Examining,
    campaign: Annotated[UUID | None, QueryParameter(description="Judge by the rules of this campaign.")] = None,
    profile: Annotated[
        Literal["speech", "conversation", "ambient", "music", "video"],
        QueryParameter(description="Without a campaign: judge as this kind of recording."),
    ] = "speech",
) -> Response[Precheck]:
    """Hear what is good and wrong with a few seconds of sound or video, before the take is recorded or uploaded.

    Nothing is kept of the bytes, nor of the answer. What cannot be examined, or is longer than ten seconds, is answered
    with a `rejection`, as in a report. Thirty a minute are answered to one account.
    """
    examining.count(account.id)
    rules = await rules_of(database, campaign, profile)
    with in_memory() as file, examining.bodies.room() as room:
        await arrive(request.stream(), file, room, account.id)
        report = await examining.examine(file, rules)
    locale = negotiate(request.headers.get("accept-language"))
    headers = {"Content-Language": locale, "Cache-Control": "no-store"}
    return Response(told(report, locale), headers=headers)


def told(report: Report, locale: str) -> Precheck:
    """Put a report into words."""
    return Precheck(
        report.library,
        report.profile,
        report.profile_version,
        report.outcome,
        report.media,
        None if report.rejection is None else refusal(report.rejection, locale),
        findings(report, locale),
        report.curves,
    )


handlers = [precheck]
