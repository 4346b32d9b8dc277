"""Consents: what a contributor decided about the terms, recording by recording, before, with or after the upload."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

from litestar import get, put
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.dependencies import Caller, Database
from api.problems import problems
from storage import consents
from storage.consents import Decision
from storage.database import transaction
from storage.errors import ConsentMissing, DecisionMissing, MoveRefused, RecordingMissing, TermsChanged

Decisions = Annotated[
    dict[str, Decision],
    Meta(
        description="Every use that the term sheet offers, and what was decided about it.",
        examples=[{"asr_training": "given", "evaluation": "given", "annotation": "given", "tts_training": "refused"}],
    ),
]


class Agreement(Struct, frozen=True):
    """Which term sheet was read, in which language, and what was decided; the hash proves that it was this text."""

    term_sheet: Annotated[str, Meta(min_length=1, max_length=100, examples=["voice-standard"])]
    version: Annotated[int, Meta(ge=1, le=1_000_000, examples=[3])]
    sha256: Annotated[
        str,
        Meta(
            pattern="^[0-9a-f]{64}$",
            description="The `sha256` of the term sheet.",
            examples=["6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090"],
        ),
    ]
    locale: Annotated[str, Meta(pattern="^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$", examples=["en"])]
    decisions: Decisions


class ConsentView(Struct, frozen=True):
    """The consent that counts for a recording."""

    id: UUID
    recording: UUID
    term_sheet: str
    version: int
    sha256: str
    locale: str
    decisions: Decisions
    given_at: datetime


def view(consent: consents.Consent) -> ConsentView:
    """Show a row to its owner."""
    return ConsentView(
        consent.id,
        consent.recording_id,
        consent.term_sheet_id,
        consent.term_sheet_version,
        consent.term_sheet_sha256.hex(),
        consent.locale,
        consent.decisions,
        consent.given_at,
    )


@put(
    "/v1/recordings/{recording:uuid}/consents",
    responses=problems(RecordingMissing, TermsChanged, DecisionMissing, MoveRefused),
    tags=["Consents"],
)
async def give_consent(
    recording: FromPath[UUID], data: JSONBody[Agreement], account: Caller, database: Database
) -> ConsentView:
    """Decide about the terms of a recording, use by use.

    Every use that is offered needs a decision of its own: silence is never consent. A recording that only waited for
    this is accepted at once, or looked at by a person where the campaign asks for that or is full by now.
    """
    agreement = consents.Agreement(
        data.term_sheet, data.version, bytes.fromhex(data.sha256), data.locale, data.decisions
    )
    async with transaction(database) as connection:
        return view(await consents.give(connection, account.id, recording, agreement))


@get(
    "/v1/recordings/{recording:uuid}/consents",
    responses=problems(RecordingMissing, ConsentMissing),
    tags=["Consents"],
)
async def read_consent(recording: FromPath[UUID], account: Caller, database: Database) -> ConsentView:
    """Read what you decided about the terms of a recording."""
    async with transaction(database) as connection:
        return view(await consents.read(connection, account.id, recording))


handlers = [give_consent, read_consent]
