"""Matches: what a recording shares with an earlier one of its owner's, stretch by stretch, so that it can be heard.

Of a recording of anybody else's nothing is told, not even that there is one.
"""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Meta, Struct

from api.conditional import PRIVATE, conditional
from api.dependencies import Caller, Database
from api.problems import problems
from api.reasons import reasons
from capture_validation.duplicates.evidence import Aligned, Kind, Match, Transformation, Verdict
from capture_validation.texts import negotiate
from storage import matches, recordings
from storage.database import transaction
from storage.errors import RecordingMissing
from storage.states import State


class HeldRecording(Struct, frozen=True):
    """The earlier recording of yours; `media_url` plays it, null when its bytes are not stored."""

    id: UUID
    title: Annotated[str | None, Meta(examples=["By the window"])]
    state: State
    media_url: Annotated[str | None, Meta(examples=["/v1/recordings/01a2f0c2-0000-7000-8000-000000000000/media"])]


class PublicWork(Struct, frozen=True):
    """Material that was public before you sent your recording."""

    id: UUID
    title: Annotated[str, Meta(examples=["Big Buck Bunny"])]


class MatchView(Struct, frozen=True):
    """One match, with the evidence for it; exactly one of `held` and `public_work` is not null.

    `spans` pair a stretch of this recording (`new`) with the same stretch of the other one (`held`), in seconds.
    `covered` is the share of this recording that they make up, 0…1. `strength` is compared with `threshold`, both in
    the unit of their `kind`; `version` is the algorithm's. `transformation` says what was done to this recording.
    """

    id: UUID
    sentence: Annotated[str, Meta(examples=["You have sent 0:10–0:45 of this already."])]
    held: HeldRecording | None
    public_work: PublicWork | None
    kind: Kind
    verdict: Verdict
    spans: tuple[Aligned, ...]
    covered: Annotated[float, Meta(examples=[0.82])]
    transformation: Transformation
    strength: Annotated[float, Meta(examples=[38.4])]
    threshold: Annotated[float, Meta(examples=[12.0])]
    version: int


class Matches(Struct, frozen=True):
    """What a recording shares with your earlier ones and with public material; empty before it was compared."""

    recording: UUID
    state: State
    media_url: Annotated[str | None, Meta(examples=["/v1/recordings/01a2f0c2-0000-7000-8000-000000000001/media"])]
    data: list[MatchView]


@get("/v1/recordings/{recording:uuid}/matches", responses=problems(RecordingMissing), tags=["Recordings"])
async def list_matches(
    recording: FromPath[UUID], request: Request[Any, Any, Any], account: Caller, database: Database
) -> Response[Matches]:
    """See what you have sent already, with both stretches to play side by side.

    When a match is right, replace the take (`replaces` in a new claim) or delete it; when it is not, object to it.
    """
    async with transaction(database) as connection:
        found = await recordings.find(connection, account.id, recording)
        rows = await matches.of_recording(connection, recording)
    locale = negotiate(request.headers.get("accept-language"))
    shown = Matches(
        recording,
        found.state,
        f"/v1/recordings/{recording}/media" if found.object_key else None,
        [view(row, locale) for row in rows],
    )
    headers = {"Content-Language": locale, "Vary": "Accept-Language, Authorization"}
    return conditional(request, shown, PRIVATE, headers)


def view(row: matches.Match, locale: str) -> MatchView:
    """Show a match to the owner of both recordings, or of the one that resembles a public work."""
    evidence = msgspec.convert({"recording": 0, **row.evidence}, Match)
    held = None
    if row.held is not None:
        address = f"/v1/recordings/{row.held}/media" if row.has_media else None
        held = HeldRecording(row.held, row.held_title, msgspec.convert(row.held_state, State), address)
    work = None if row.public_work is None else PublicWork(row.public_work, row.public_title or "")
    return MatchView(
        row.id,
        sentence(evidence, row.public_title, locale),
        held,
        work,
        evidence.kind,
        evidence.verdict,
        evidence.spans,
        evidence.covered,
        evidence.transformation,
        evidence.strength,
        evidence.threshold,
        evidence.version,
    )


def sentence(match: Match, public_title: str | None, locale: str) -> str:
    """Say in a person's words what was found."""
    said = reasons(locale)
    where = ", ".join(f"{clock(span.new.start_s)}–{clock(span.new.end_s)}" for span in match.spans)
    if match.verdict != "duplicate":
        return said["match-doubtful"]
    if public_title is not None:
        return said["match-public"].format(where=where, title=public_title)
    return said["match-whole" if match.covered > NEARLY_ALL else "match-part"].format(where=where)


#: From this share on, the stretches are the whole recording: its first and last moments are often silent.
NEARLY_ALL = 0.95


def clock(seconds: float) -> str:
    """Minutes and whole seconds, as a player shows them."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


handlers = [list_matches]
