"""Disputes: have a person look at a recording that was rejected or sent back, and read the answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from litestar import get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.dependencies import Caller, Database
from api.problems import problems
from storage import disputes
from storage.database import transaction
from storage.errors import DisputeOpen, MoveRefused, RecordingMissing


class Objection(Struct, frozen=True):
    """Why a person should look at it."""

    text: Annotated[
        str, Meta(min_length=1, max_length=2000, pattern=r"^[^\x00]*\Z", examples=["The siren is the scene."])
    ]


class DisputeView(Struct, frozen=True):
    """An objection and, once somebody looked, how it ended: `outcome` is the state the recording was moved to."""

    id: UUID
    recording: UUID
    state: Literal["open", "answered"]
    because: Annotated[str | None, Meta(description="The reason objected to.", examples=["already-sent"])]
    text: Annotated[str, Meta(examples=["These are two takes: the second one has another ending."])]
    opened_at: datetime
    answer_by: Annotated[
        datetime,
        Meta(
            description=(
                "By when a person answers, as the terms promise. Where nobody does, and the objection is about quality "
                "alone, the recording is accepted and paid, once its owner has agreed to the terms."
            )
        ),
    ]
    answered_at: datetime | None
    outcome: Annotated[str | None, Meta(examples=["accepted"])]
    answer: Annotated[str | None, Meta(examples=["You are right, these are two takes."])]


class Disputes(Struct, frozen=True):
    """Every objection to decisions about one recording, newest first."""

    data: list[DisputeView]


def view(dispute: disputes.Dispute) -> DisputeView:
    """Show a row to its owner."""
    return DisputeView(
        dispute.id,
        dispute.recording,
        "open" if dispute.answered_at is None else "answered",
        dispute.because,
        dispute.text,
        dispute.opened_at,
        dispute.answer_by,
        dispute.answered_at,
        dispute.outcome,
        dispute.answer,
    )


@post(
    "/v1/recordings/{recording:uuid}/disputes",
    responses=problems(RecordingMissing, MoveRefused, DisputeOpen),
    tags=["Recordings"],
)
async def dispute_recording(
    recording: FromPath[UUID], data: JSONBody[Objection], account: Caller, database: Database
) -> DisputeView:
    """Have a person look at a rejected recording, or at one that was sent back, also as a duplicate.

    The text becomes the reason of the move, so that it stands in the story where the person reads it. Whoever decided
    before does not confirm it: somebody else answers, or accepts it.
    """
    async with transaction(database) as connection:
        return view(await disputes.open_dispute(connection, account.id, recording, data.text))


@get("/v1/recordings/{recording:uuid}/disputes", responses=problems(RecordingMissing), tags=["Recordings"])
async def list_disputes(recording: FromPath[UUID], account: Caller, database: Database) -> Disputes:
    """Read what you objected to, and what a person answered."""
    async with transaction(database) as connection:
        return Disputes([view(dispute) for dispute in await disputes.of_own(connection, account.id, recording)])


handlers = [dispute_recording, list_disputes]
