"""Claims without an account: whoever is heard or seen in a recording can object to it, and operators decide."""

from __future__ import annotations

import hmac
from datetime import datetime
from hashlib import sha256
from typing import Annotated, Any, Literal, TypeAlias
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from api.addresses import absolute, network_of
from api.buyers import OPERATOR
from api.dependencies import Caller, Configuration, Database
from api.errors import TooManyAttempts
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from storage import third_party_claims
from storage.database import reading, transaction
from storage.errors import CaseClosed, CaseMissing, MoveRefused, RecordingMissing
from storage.operator_actions import acting
from storage.third_party_claims import Claim, Kind, Objection, State

WHERE_HEARD = "Where you met it: the name of a file, its code or its hash, a passport, or an address and a time."


class NewClaim(Struct, frozen=True):
    """Who objects (`bystander`: you are in it; `minor`: a child is; `identity`: it is made of you), and to what."""

    kind: Kind
    where_heard: Annotated[
        str,
        Meta(min_length=3, max_length=4000, description=WHERE_HEARD, examples=["In 7K3M9QXA2PV4.flac, at 0:12."]),
    ]
    contact: Annotated[
        str,
        Meta(
            min_length=3,
            max_length=300,
            description="How to ask you something; deleted when the case is decided.",
            examples=["amina@example.org"],
        ),
    ]


class Case(Struct, frozen=True):
    """Your case; its link is the only key to it, so keep it. `held` says that nobody can buy the recording now."""

    url: Annotated[str, Meta(examples=["https://example.org/v1/third-party-claims/0J3k0T8zq1mXv5cB7wYhQn2sLr4uPd6e"])]
    kind: Kind
    state: State
    held: bool
    answer: Annotated[str, Meta(examples=["The voice was removed on 3 March; nobody can buy that file."])] | None
    created_at: datetime
    resolved_at: datetime | None


Only: TypeAlias = Annotated[State | None, QueryParameter(description="Only claims that stand like this.")]


class Found(Struct, frozen=True):
    """Which recording a claim is about."""

    recording: UUID


class Resolution(Struct, frozen=True):
    """How a case ends; `answer` is what the claimant reads.

    `take_back`, of an upheld one, takes back all that the recording earned; else that is its contributor's from now on.
    """

    state: Literal["upheld", "dismissed"]
    answer: Annotated[str, Meta(min_length=1, max_length=4000, examples=["You are right; nobody can buy it any more."])]
    take_back: (
        Annotated[
            str,
            Meta(min_length=1, max_length=1000, description="Why, as its contributor reads it."),
            Meta(examples=["It is somebody else's voice."]),
        ]
        | None
    ) = None


def case(request: Request[Any, Any, Any], settings: Configuration, claim: Claim, secret: str) -> Case:
    """Show a case to whoever has its link."""
    url = absolute(request, settings, f"/v1/third-party-claims/{secret}")
    return Case(url, claim.kind, claim.state, claim.held, claim.answer, claim.created_at, claim.resolved_at)


@post(
    "/v1/third-party-claims",
    opt={"public": True},
    status_code=202,
    responses=problems(TooManyAttempts, public=True),
    tags=["Claims"],
)
async def claim_third_party(
    data: JSONBody[NewClaim], request: Request[Any, Any, Any], database: Database, settings: Configuration
) -> Case:
    """Object to a recording in which you, or a child of yours, can be heard or seen; no account is needed.

    A recording that is named by its code, its hash or its passport is held at once: nobody can buy it or fetch it until
    a person has decided. The answer is read behind the link.
    """
    # Under a key of ours: four billion addresses are hashed in minutes, so a bare hash would name them.
    network_key = hmac.digest(settings.master_key, b"companion claim network", sha256)
    network_hash = hmac.digest(network_key, network_of(request).encode(), sha256)
    async with transaction(database) as connection:
        wait = await third_party_claims.admit(connection, network_hash)
        if wait is not None:
            raise TooManyAttempts(wait)
        objection = Objection(data.kind, data.where_heard, data.contact, network_hash)
        claim, secret = await third_party_claims.claim(connection, objection)
    return case(request, settings, claim, secret)


@get(
    "/v1/third-party-claims/{case_secret:str}",
    opt={"public": True},
    responses=problems(CaseMissing, public=True),
    tags=["Claims"],
)
async def read_case(
    case_secret: FromPath[str], request: Request[Any, Any, Any], database: Database, settings: Configuration
) -> Response[Case]:
    """Read how your case stands; the link itself is the permission."""
    async with reading(database) as connection:
        claim = await third_party_claims.of_secret(connection, case_secret)
    return Response(case(request, settings, claim, case_secret), headers={"Cache-Control": "no-store"})


@get("/v1/operator/third-party-claims", opt=OPERATOR, responses=problems(), tags=["Operators"])
async def list_third_party_claims(
    database: Database, only: Only = None, limit: Limit = 50, cursor: Cursor = None
) -> Page[Claim]:
    """List claims, newest first; open ones without a recording wait for somebody to find it."""
    async with reading(database) as connection:
        rows = await third_party_claims.listing(connection, state=only, before=position_of(cursor), limit=limit + 1)
    return page(rows, limit, lambda row: row.id)


@post(
    "/v1/operator/third-party-claims/{claim:uuid}/holds",
    opt=OPERATOR,
    responses=problems(CaseMissing, CaseClosed, RecordingMissing),
    tags=["Operators"],
)
async def hold_claimed(claim: FromPath[UUID], data: JSONBody[Found], account: Caller, database: Database) -> Claim:
    """Say which recording a claim is about, and hold it until the claim is decided."""
    async with acting(database, account.id) as connection:
        return await third_party_claims.hold(connection, claim, data.recording)


@post(
    "/v1/operator/third-party-claims/{claim:uuid}/resolution",
    opt=OPERATOR,
    responses=problems(CaseMissing, CaseClosed, MoveRefused),
    tags=["Operators"],
)
async def resolve_claim(
    claim: FromPath[UUID], data: JSONBody[Resolution], account: Caller, database: Database
) -> Claim:
    """Decide a claim.

    An upheld one ends every licence of its recording; a dismissed one lets the recording go on.
    """
    async with acting(database, account.id) as connection:
        return await third_party_claims.resolve(
            connection, claim, account.id, data.state, data.answer, take_back=data.take_back
        )


handlers = [claim_third_party, read_case, list_third_party_claims, hold_claimed, resolve_claim]
