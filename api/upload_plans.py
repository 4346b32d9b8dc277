"""What a phone should send next, in which pieces, and what it should keep for later.

The advice depends on what the phone says about its network and on its owner's data budget. It is only advice: a client
that sends everything at once is understood as well.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from litestar import Request, get
from litestar.params import QueryParameter
from msgspec import Meta, Struct

from api.addresses import absolute
from api.dependencies import Caller, Configuration, Database
from api.problems import problems
from api.settings import Settings
from storage import data_budgets, uploads
from storage.data_budgets import DataBudget
from storage.database import Connection, transaction
from storage.uploads import MOST_CHUNKS

Network = Literal["ethernet", "wifi", "5g", "4g", "3g", "2g", "unknown"]
Send = Literal["now", "on_wifi", "tomorrow"]

#: Bits a second that a phone usually gets upwards; cautious, because a piece that is too large costs more than one that
#: is too small.
UPLINK: dict[Network, float] = {
    "ethernet": 20e6,
    "wifi": 20e6,
    "5g": 15e6,
    "4g": 8e6,
    "3g": 1e6,
    "2g": 0.1e6,
    "unknown": 2e6,
}
#: Requests at once: a radio that is slow is shared in vain, and each request has its own chance to be cut.
PARALLEL: dict[Network, int] = {"ethernet": 3, "wifi": 3, "5g": 2, "4g": 2, "3g": 1, "2g": 1, "unknown": 1}
#: Networks that nobody pays for by the byte.
FREE = ("ethernet", "wifi")
#: One piece takes about this long, in seconds: shorter than what a phone's system lets run in the background.
PIECE_S = 8.0
SMALLEST_PIECE = 256 * 1024
LARGEST_PIECE = 64 * 1024 * 1024


class UploadPlan(Struct, frozen=True):
    """How to send one recording: bytes of a request, requests at once, and when.

    `on_wifi` and `tomorrow` keep to the data budget; `doors` says whether parts may go straight into the store.
    """

    chunk_bytes: Annotated[int, Meta(examples=[4194304])]
    parallel: Annotated[int, Meta(examples=[2])]
    send: Send
    doors: list[Literal["tus", "parts"]]


class Waiting(Struct, frozen=True):
    """A recording whose bytes are not all here, and how to send the rest."""

    recording: UUID
    url: Annotated[str, Meta(examples=["https://example.org/v1/uploads/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d"])]
    missing_bytes: Annotated[int, Meta(examples=[352078])]
    plan: UploadPlan


class UploadQueue(Struct, frozen=True):
    """Everything that waits to be sent, smallest first, and what may still be sent today over mobile networks."""

    queue: list[Waiting]
    budget_left_bytes: Annotated[int, Meta(examples=[151789000])] | None


def chunk_bytes(size: int, network: Network) -> int:
    """Choose a power of two that the network carries in some seconds; never more pieces than an upload may have."""
    carried = UPLINK[network] / 8 * PIECE_S
    piece = SMALLEST_PIECE
    while piece * 2 <= min(carried, LARGEST_PIECE) or piece * MOST_CHUNKS < size * 2:
        piece *= 2
    return piece


def planned(size: int, network: Network, settings: Settings, send: Send) -> UploadPlan:
    """Plan one recording of which `size` bytes are missing."""
    piece = chunk_bytes(size, network)
    parallel = min(PARALLEL[network], settings.uploads_at_once, -(-size // piece))
    return UploadPlan(piece, parallel, send, ["tus", "parts"] if settings.s3_public_endpoint else ["tus"])


async def plan(connection: Connection, upload: uploads.Upload, network: Network, settings: Settings) -> UploadPlan:
    """Plan a recording that was just announced, with what its owner's budget has left."""
    budget = await data_budgets.find(connection, upload.account_id)
    spent = await data_budgets.spent(connection, upload.account_id)
    send = when(upload.length, left_of(budget, spent, network), budget)
    return planned(upload.length, network, settings, send)


def left_of(budget: DataBudget, spent: int, network: Network) -> int | None:
    """Say how many bytes may be sent over this network now; None when nothing limits them."""
    if network in FREE:
        return None
    if budget.wifi_only:
        return 0
    return None if budget.bytes_per_day is None else max(budget.bytes_per_day - spent, 0)


def when(size: int, left: int | None, budget: DataBudget) -> Send:
    """Decide when to send `size` bytes of which `left` are allowed now."""
    if left is None or size <= left:
        return "now"
    # What is larger than a whole day's budget would wait for ever.
    never = budget.wifi_only or (budget.bytes_per_day is not None and size > budget.bytes_per_day)
    return "on_wifi" if never else "tomorrow"


@get("/v1/upload-plan", responses=problems(), tags=["Uploads"])
async def plan_uploads(
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    settings: Configuration,
    network: Annotated[Network, QueryParameter(description="What the phone is connected to.")] = "unknown",
) -> UploadQueue:
    """Ask what to send next: at most 200 recordings, smallest first, so that most of them are safe soonest.

    What does not fit into the data budget any more says when to send it. The service sees only bytes and no networks,
    so whatever arrived within 24 hours counts.
    """
    async with transaction(database) as connection:
        budget = await data_budgets.find(connection, account.id)
        spent = await data_budgets.spent(connection, account.id)
        waiting = await uploads.waiting(connection, account.id)
    left = start = left_of(budget, spent, network)
    queue = []
    for upload in waiting:
        send = when(upload.missing, left, budget)
        if send == "now" and left is not None:
            left -= upload.missing
        url = absolute(request, settings, f"/v1/uploads/{upload.id}")
        queue.append(
            Waiting(upload.recording_id, url, upload.missing, planned(upload.missing, network, settings, send))
        )
    return UploadQueue(queue, start)


handlers = [plan_uploads]
