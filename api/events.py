"""Events: a phone hears of everything that happens to its recordings and its money, live or by asking."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated, Any, TypeAlias
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.exceptions import NotAuthorizedException, ValidationException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import QueryParameter
from litestar.response import Stream
from msgspec import Meta, Struct

from api.authentication import account_of
from api.bell import Bell
from api.dependencies import Caller, Database, Ringing
from api.problems import problems
from storage import events
from storage.database import Pool, transaction
from storage.errors import DatabaseBusy
from storage.events import Event

AnyRequest: TypeAlias = Request[Any, Any, Any]

#: A comment is sent this often, so that phones and proxies keep a quiet connection; seconds.
HEARTBEAT_S = 15.0
PAGE = 100


class EventPage(Struct, frozen=True):
    """Events, oldest first; `next_cursor` asks for the ones after these, now or later."""

    data: list[Event]
    next_cursor: Annotated[str, Meta(examples=["17"])]
    more: Annotated[bool, Meta(description="Whether there are further events already.")]


def number_of(value: str | None, name: str, source: str) -> int:
    """Read the number of the last event that was seen; nothing means from the beginning. Raises ValidationException."""
    if not value:
        return 0
    if not (value.isascii() and value.isdigit() and len(value) < 19):
        message = "must be the number of an event"
        raise ValidationException(extra=[{"key": name, "source": source, "message": message}])
    return int(value)


@get(
    "/v1/events",
    responses={
        200: ResponseSpec(
            EventPage,
            generate_examples=False,
            description="Events as JSON, or as text/event-stream when Accept asks for it.",
        ),
        **problems(),
    },
    tags=["Events"],
)
async def read_events(
    request: AnyRequest,
    account: Caller,
    database: Database,
    bell: Ringing,
    cursor: Annotated[
        str | None, QueryParameter(description="`next_cursor` of the last answer, or the `id` of the last event.")
    ] = None,
) -> Response[Any]:
    """Hear of every move of your recordings, and of what was licensed, earned and paid.

    A number that is still to come, as after a backup was restored, means the beginning: forget what you know.

    With `Accept: text/event-stream` they come as they happen; `Last-Event-ID` resumes without a gap. Otherwise the
    events after `cursor` are listed as JSON. Kinds, and what is in `data`; there will be more of both:

    - `recording.` and the state that it moved to, with `because`; `recording.bytes_deleted`
    - `rendition.made`, `rendition.impossible`: the copy for buyers (`number`, `because`)
    - `dispute.answered` (`dispute`, `outcome`)
    - `claim.opened`, `claim.resolved`: somebody in it objected (`claim`, `kind`, `outcome`)
    - `use.started`: it was licensed (`sale`, `buyer`, `country`, `dataset`, `version`, `uses`, `until`, `currency`,
      `share_micros`); `use.ended`: that licence is over by its own time (`sale`, `buyer`, `country`, `dataset`,
      `version`, `uses`)
    - `consent.given` (`uses`, `term_sheet`, `version`), `consent.withdrawn` (`withdrawal`, `uses`), `consent.expiring`
      (`uses`, `expires_at`), `consent.paused`, `consent.resumed`
    - `withdrawal.buyer_updated`: what a buyer did about it (`withdrawal`, `notice`, `buyer`, `country`, `state`)
    - `campaign.changed`: its operator paused, opened, closed, resized or moved one that you take part in (`campaign`,
      `title`, `standing`, `quota_recordings`, `deadline`, `because`)
    - `term_sheet.published`: a newer version of what you agreed to (`term_sheet`, `version`)
    - `earning.created`, `earning.available`, `earning.reversed` (`id`, `net`, `available_at`, `because`)
    - `balance.adjusted`, `balance.held`, `balance.freed` (`net`, `because`)
    - `payout.` and its state (`payout`, `currency`, `micros`, `because`)
    - `payout_destination.added`, `payout_destination.removed` (`destination`, `country`, `hint`)
    - `statement.issued` (`statement`, `month`, `currency`)
    - `tax.action_required` (`residence`, `status`), `password.changed`
    """
    if "text/event-stream" not in request.headers.get("accept", ""):
        return await listed(database, account.id, number_of(cursor, "cursor", "query"))
    last = request.headers.get("last-event-id")
    after = number_of(last, "Last-Event-ID", "header") if last else number_of(cursor, "cursor", "query")
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Stream(told(request, database, bell, account.id, after), media_type="text/event-stream", headers=headers)


async def listed(database: Pool, account: UUID, after: int) -> Response[EventPage]:
    """Answer with a page of events."""
    async with transaction(database) as connection:
        after = await events.from_where(connection, account, after)
        found = await events.after(connection, account, after, PAGE + 1)
    shown = found[:PAGE]
    reached = shown[-1].number if shown else after
    return Response(EventPage(shown, str(reached), len(found) > PAGE), headers={"Cache-Control": "no-store"})


async def told(request: AnyRequest, database: Pool, bell: Bell, account: UUID, after: int) -> AsyncIterator[bytes]:
    """Tell events as server-sent events (HTML, section 9.2), until the session ends or the client goes.

    A database that is away for a moment does not end the stream: the client would only come back at once.
    """
    yield b": hello\n"
    known = False
    with bell.heard(account) as wake:
        while True:
            wake.clear()
            try:
                await account_of(request)
                async with transaction(database) as connection:
                    after, known = after if known else await events.from_where(connection, account, after), True
                    found = await events.after(connection, account, after, PAGE)
            except NotAuthorizedException:
                return
            except DatabaseBusy:
                # It may come back as an older one.
                found, known = [], False
            for event in found:
                after = event.number
                yield frame(event)
            if not found and not await woken(wake):
                # A comment is a line; a blank one behind it reads as one more event in clients such as httpx-sse.
                yield b": still here\n"


async def woken(wake: asyncio.Event) -> bool:
    """Wait for news, but not longer than a heartbeat."""
    try:
        await asyncio.wait_for(wake.wait(), HEARTBEAT_S)
    except TimeoutError:
        return False
    return True


def frame(event: Event) -> bytes:
    """Write one event as it is sent."""
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.number, event.kind.encode(), msgspec.json.encode(event))


handlers = [read_events]
