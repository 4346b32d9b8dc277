"""Consents: what a contributor decided about the terms, recording by recording, before, with or after the upload."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, put
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from api.addresses import absolute
from api.conditional import PRIVATE, conditional
from api.dependencies import Caller, Configuration, Database, Signing
from api.errors import CursorInvalid
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from api.receipts import issue
from api.renderings import card_of
from storage import consents, pauses, receipts
from storage.consents import Decision, Standing, Status
from storage.database import Connection, transaction
from storage.errors import (
    ConsentMissing,
    ConsentPaused,
    DecisionMissing,
    MoveRefused,
    RecordingMissing,
    RenderingMissing,
    TermsChanged,
    TermSheetMissing,
)
from storage.events import tell
from storage.receipts import Receipt

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
            pattern=r"^[0-9a-f]{64}\Z",
            description="The `sha256` of the term sheet.",
            examples=["6ca13d52ca70c883e0f0bb101e425a89e8624de51db2d2392593af6a84118090"],
        ),
    ]
    locale: Annotated[str, Meta(pattern=r"^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z", examples=["en"])]
    decisions: Decisions
    card_sha256: (
        Annotated[
            str,
            Meta(
                pattern=r"^[0-9a-f]{64}\Z",
                description="The hash of the plain-language card that was shown; without it, the one in that `locale`.",
                examples=["2a1d5299b16be60f954b5ec314035dfa7a17f12b2c0aca828d403b3bb7d68d79"],
            ),
        ]
        | None
    ) = None


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
    card_sha256: str | None
    receipt: Annotated[
        str | None,
        Meta(
            description="The signed receipt, to keep.",
            examples=["/v1/consent-receipts/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d"],
        ),
    ]


def view(consent: consents.Consent, receipt: Receipt | None) -> ConsentView:
    """Show a row to its owner; a consent from before there were receipts gets its own within the hour."""
    return ConsentView(
        consent.id,
        consent.recording_id,
        consent.term_sheet_id,
        consent.term_sheet_version,
        consent.term_sheet_sha256.hex(),
        consent.locale,
        consent.decisions,
        consent.given_at,
        None if consent.card_sha256 is None else consent.card_sha256.hex(),
        None if receipt is None else f"/v1/consent-receipts/{receipt.id}",
    )


@put(
    "/v1/recordings/{recording:uuid}/consents",
    responses=problems(RecordingMissing, ConsentPaused, TermsChanged, DecisionMissing, MoveRefused),
    tags=["Consents"],
)
async def give_consent(
    recording: FromPath[UUID],
    data: JSONBody[Agreement],
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    signing: Signing,
    settings: Configuration,
) -> ConsentView:
    """Decide about the terms of a recording, use by use.

    Every use that is offered needs a decision of its own: silence is never consent. The answer names the signed receipt
    of it. A recording that only waited for this is accepted at once, or looked at by a person where the campaign asks
    for that or is full by now.
    """
    signer = await signing.signer()
    async with transaction(database) as connection:
        await pauses.refuse_agreement(connection, account.id)
        agreed = agreement(data, await card_shown(connection, data))
        consent = await consents.give(connection, account.id, recording, agreed)
        known = await receipts.of_consent(connection, consent.id)
        receipt = known or await issue(connection, signer, consent, absolute(request, settings, ""))
        if known is None:
            await told(connection, account.id, consent)
        await consents.go_on(connection, account.id, recording)
        return view(consent, receipt)


async def told(connection: Connection, account: UUID, consent: consents.Consent) -> None:
    """Tell every device of an account what was agreed to in its name, so that its owner notices who did it."""
    given = sorted(use for use, decision in consent.decisions.items() if decision == "given")
    facts = {"uses": given, "term_sheet": consent.term_sheet_id, "version": consent.term_sheet_version}
    await tell(connection, account, "consent.given", recording=consent.recording_id, by="contributor", data=facts)


async def card_shown(connection: Connection, data: Agreement) -> bytes | None:
    """Pin the card that the contributor read, by its hash; None for a sheet that is older than cards.

    Raises TermsChanged when the client showed another one.
    """
    try:
        card = (await card_of(connection, data.term_sheet, data.version, data.locale)).sha256
    except (RenderingMissing, TermSheetMissing):
        return None
    if data.card_sha256 not in (None, card.hex()):
        raise TermsChanged("The card that was shown is not the one of this term sheet; read it again.")
    return card


def agreement(data: Agreement, card: bytes | None) -> consents.Agreement:
    """Read hashes from text."""
    sha256 = bytes.fromhex(data.sha256)
    return consents.Agreement(data.term_sheet, data.version, sha256, data.locale, data.decisions, card)


@get(
    "/v1/recordings/{recording:uuid}/consents",
    responses=problems(RecordingMissing, ConsentMissing),
    tags=["Consents"],
)
async def read_consent(recording: FromPath[UUID], account: Caller, database: Database) -> ConsentView:
    """Read what you decided about the terms of a recording."""
    async with transaction(database) as connection:
        consent = await consents.read(connection, account.id, recording)
        return view(consent, await receipts.of_consent(connection, consent.id))


@get("/v1/consents", responses=problems(CursorInvalid), tags=["Consents"])
async def list_consents(
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    status: Annotated[Status | None, QueryParameter(description="Only uses that stand like this.")] = None,
    use: Annotated[str | None, QueryParameter(max_length=64, description="Only this use.")] = None,
    cursor: Cursor = None,
    limit: Limit = 50,
) -> Response[Page[Standing]]:
    """See at a glance what you have given, refused and withdrawn, recording by recording and use by use."""
    async with transaction(database) as connection:
        found = await consents.listing(
            connection, account.id, status=status, use=use, before=position_of(cursor), limit=limit + 1
        )
    shown = page(found, limit, lambda standing: standing.recording)
    return conditional(request, shown, PRIVATE, {"Vary": "Authorization"})


handlers = [give_consent, read_consent, list_consents]
