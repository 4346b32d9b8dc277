"""Withdrawal: take back consent, see beforehand what that does, and follow what every buyer does about it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from litestar import Request, Response, get, post
from litestar.params import FromPath, JSONBody, QueryParameter
from msgspec import Meta, Struct

from api.conditional import PRIVATE, conditional
from api.dependencies import Caller, Database
from api.errors import CursorInvalid
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from storage import notices, withdrawals
from storage.database import transaction
from storage.errors import MoveRefused, RecordingMissing, WithdrawalMissing, WithdrawalRefused
from storage.notices import Notice
from storage.withdrawals import ALL, Licence, Preview, Withdrawal

Uses = Annotated[
    list[Annotated[str, Meta(pattern=r"^(\*|[a-z][a-z0-9_]{0,62})\Z", examples=["asr_training"])]],
    Meta(
        min_length=1,
        max_length=50,
        description="Codes of uses; `*` is every use that you have given.",
        examples=[["asr_training"]],
    ),
]
#: Recordings that one request withdraws from; it answers in seconds.
AT_A_TIME = 100
UseCodes = Annotated[list[str], Meta(examples=[["asr_training"]])]
Effects = Annotated[
    list[str], Meta(description="Codes out of the term sheet.", examples=[["new_sales", "new_training"]])
]


class NewWithdrawal(Struct, frozen=True):
    """What is taken back; a reason is never needed."""

    uses: Uses
    reason: Annotated[str, Meta(max_length=2000, examples=["I changed my mind."])] | None = None


class LicenceView(Struct, frozen=True):
    """A buyer that would have to stop, and what it has got so far."""

    sale: UUID
    buyer: Annotated[str, Meta(examples=["Harbour Speech GmbH"])]
    country: Annotated[str, Meta(examples=["DE"])]
    dataset: Annotated[str, Meta(examples=["Read speech, English"])]
    version: Annotated[int, Meta(examples=[1])]
    uses: UseCodes
    ends_at: datetime
    delivered_at: datetime | None
    told_by: datetime
    deleted_by: datetime


class Consequences(Struct, frozen=True):
    """What a withdrawal would do if you made it now.

    `ends_recording` tells that no use is left: then our own copies are deleted, too, and last of all the ones in our
    backups. Money that you earned stays yours.
    """

    uses: UseCodes
    ends_recording: bool
    buyers: list[LicenceView]
    we_delete_by: datetime | None
    backups_gone_by: datetime | None
    undoes: Effects
    cannot_undo: Effects
    earned_money: Annotated[str, Meta(examples=["kept"])]


class WithdrawalEntry(Struct, frozen=True):
    """A withdrawal: from `sales_stopped_at` on nothing of it was sold."""

    id: UUID
    recording: UUID
    uses: UseCodes
    reason: Annotated[str, Meta(examples=["I changed my mind."])] | None
    ends_recording: bool
    sales_stopped_at: datetime
    buyers: Annotated[int, Meta(ge=0, description="How many buyers have to stop.", examples=[2])]
    undoes: Effects
    cannot_undo: Effects
    url: Annotated[str, Meta(examples=["/v1/withdrawals/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d"])]


class WithdrawalsMade(Struct, frozen=True):
    """The withdrawals of one request, and whether recordings are left that it did not reach."""

    data: list[WithdrawalEntry]
    more: bool


class WithdrawalView(Struct, frozen=True):
    """A withdrawal and where each buyer stands; due dates are in `notices`."""

    withdrawal: WithdrawalEntry
    notices: list[Notice]


def consequences(preview: Preview) -> Consequences:
    """Show what a withdrawal would do; our own copies go when no use is left that needs them."""
    promise = preview.promise
    return Consequences(
        uses=preview.uses,
        ends_recording=preview.ended,
        buyers=[licence_view(licence) for licence in preview.licences],
        we_delete_by=promise.delete_by if preview.ended else None,
        backups_gone_by=promise.backups_by if preview.ended else None,
        undoes=promise.promise.get("undoes", []),
        cannot_undo=promise.promise.get("cannot_undo", []),
        earned_money=str(promise.promise.get("earned_money", "kept")),
    )


def licence_view(licence: Licence) -> LicenceView:
    """Show a licence to the contributor whose recording it is on."""
    return LicenceView(
        sale=licence.sale_id,
        buyer=licence.buyer,
        country=licence.country,
        dataset=licence.dataset,
        version=licence.version,
        uses=licence.uses,
        ends_at=licence.ends_at,
        delivered_at=licence.delivered_at,
        told_by=licence.notify_by,
        deleted_by=licence.delete_by,
    )


def entry(row: Withdrawal) -> WithdrawalEntry:
    """Show a withdrawal to its contributor."""
    return WithdrawalEntry(
        id=row.id,
        recording=row.recording_id,
        uses=row.uses,
        reason=row.reason,
        ends_recording=row.ended,
        sales_stopped_at=row.sales_stopped_at,
        buyers=row.buyers,
        undoes=row.sheet.get("undoes", []),
        cannot_undo=row.sheet.get("cannot_undo", []),
        url=f"/v1/withdrawals/{row.id}",
    )


@get(
    "/v1/recordings/{recording:uuid}/withdrawals/preview",
    responses=problems(RecordingMissing, WithdrawalRefused, MoveRefused),
    tags=["Withdrawals"],
)
async def preview_withdrawal(
    recording: FromPath[UUID],
    account: Caller,
    database: Database,
    uses: Annotated[
        list[str] | None,
        QueryParameter(max_items=50, description="Codes of uses; every use that you have given when left out."),
    ] = None,
) -> Consequences:
    """See what a withdrawal would do before you make it: who stops, by when, and what cannot be undone."""
    async with transaction(database) as connection:
        return consequences(await withdrawals.preview(connection, account.id, recording, uses or [ALL]))


@post(
    "/v1/recordings/{recording:uuid}/withdrawals",
    status_code=202,
    responses=problems(RecordingMissing, WithdrawalRefused, MoveRefused),
    tags=["Withdrawals"],
)
async def withdraw(
    recording: FromPath[UUID], data: JSONBody[NewWithdrawal], account: Caller, database: Database
) -> Response[WithdrawalEntry]:
    """Withdraw consent, for some uses or for all: sales of them stop at once.

    Every buyer is told within a day and has thirty days to delete its copies; follow it at `url`. What you earned is
    kept. A reason is not needed. Asked again, the answer is the withdrawal that was made.
    """
    async with transaction(database) as connection:
        made = await withdrawals.withdraw(connection, account.id, recording, data.uses, data.reason)
    shown = entry(made)
    return Response(shown, status_code=202, headers={"Location": shown.url, "Cache-Control": "no-store"})


@post("/v1/withdrawals", status_code=202, responses=problems(WithdrawalRefused), tags=["Withdrawals"])
async def withdraw_everywhere(
    data: JSONBody[NewWithdrawal], account: Caller, database: Database
) -> Response[WithdrawalsMade]:
    """Withdraw uses, or all of them, from every recording of yours at once.

    Each recording gets a withdrawal of its own. A hundred are made at a time: repeat the request while `more` is true.
    """
    async with transaction(database) as connection:
        made, more = await withdrawals.withdraw_everywhere(connection, account.id, data.uses, data.reason, AT_A_TIME)
    shown = WithdrawalsMade([entry(row) for row in made], more)
    return Response(shown, status_code=202, headers={"Cache-Control": "no-store"})


@get("/v1/withdrawals/{withdrawal:uuid}", responses=problems(WithdrawalMissing), tags=["Withdrawals"])
async def read_withdrawal(
    withdrawal: FromPath[UUID], request: Request[Any, Any, Any], account: Caller, database: Database
) -> Response[WithdrawalView]:
    """Follow a withdrawal: what each buyer was told, has answered, and still owes."""
    async with transaction(database) as connection:
        found = await withdrawals.find(connection, account.id, withdrawal)
        shown = WithdrawalView(entry(found), await notices.of_withdrawal(connection, withdrawal))
    return conditional(request, shown, PRIVATE, {"Vary": "Authorization"})


@get("/v1/withdrawals", responses=problems(CursorInvalid), tags=["Withdrawals"])
async def list_withdrawals(
    account: Caller, database: Database, cursor: Cursor = None, limit: Limit = 50
) -> Page[WithdrawalEntry]:
    """List your withdrawals, newest first."""
    async with transaction(database) as connection:
        found = await withdrawals.listing(connection, account.id, before=position_of(cursor), limit=limit + 1)
    return page([entry(row) for row in found], limit, lambda shown: shown.id)


handlers: list[Any] = [preview_withdrawal, withdraw, withdraw_everywhere, read_withdrawal, list_withdrawals]
