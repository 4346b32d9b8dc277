"""A payment provider that is spoken to over HTTP, and reports by webhooks signed as Standard Webhooks does.

Handing a payout over may be repeated: it carries the payout's own number as Idempotency-Key, so a provider that has it
gives the same reference again. A report that was lost is asked for: `GET /payouts/` and the payout's own number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import partial
from typing import Literal, TypeAlias, TypeVar
from uuid import UUID

import msgspec
import urllib3
from anyio import to_thread
from msgspec import Struct
from msgspec.structs import force_setattr
from standardwebhooks.webhooks import Webhook, WebhookVerificationError
from urllib3.exceptions import HTTPError

from api.errors import PayoutRefused, ProviderEventRefused, ProviderUnavailable
from api.payout_providers import Instruction

NAME = "hooked"
TIMEOUT = urllib3.Timeout(connect=5, read=20)
POOL = urllib3.PoolManager(timeout=TIMEOUT, retries=False)

#: Answers about the payout itself, if they say why: asking again would be answered the same way. All others, such as a
#: key that is not known (401), an address that is wrong (404) or a payout that is being looked at (409), are about us
#: or about now.
FINAL = frozenset({400, 422})

#: Characters of why a payout did not work, as its owner reads it.
LONGEST = 500

Reported: TypeAlias = Literal["payout.in_transit", "payout.paid", "payout.failed", "payout.returned"]


class Accepted(Struct, frozen=True):
    """What the provider calls the payout from now on."""

    reference: str


def told(why: EventData | Refusal | Standing) -> None:
    """Cut what a provider says to what contributors can be told: refused, it would be said again for ever.

    A code that is none of ISO 20022 takes the place of the words where there are none.
    """
    code = why.code if why.code and re.fullmatch("[A-Z0-9]{4}", why.code) else None
    because = (why.because or ("" if code else why.code) or "").replace("\0", "")[:LONGEST]
    force_setattr(why, "because", because or None)
    force_setattr(why, "code", code)


class EventData(Struct, frozen=True):
    """Which payout, by the number that we gave it, and why, where it did not work: in words, and by ISO 20022."""

    end_to_end_id: UUID
    because: str | None = None
    code: str | None = None

    def __post_init__(self) -> None:
        told(self)


class ProviderEvent(Struct, frozen=True):
    """What happened to a payout, as the provider reports it."""

    type: Reported
    data: EventData


class Refusal(Struct, frozen=True):
    """Why a payout is not taken, where the provider says so."""

    because: str | None = None
    code: str | None = None

    def __post_init__(self) -> None:
        told(self)


class Standing(Struct, frozen=True):
    """Where a payout is, as the provider answers when it is asked; `accepted` is nothing new."""

    state: Literal["accepted", "in_transit", "paid", "failed", "returned"]
    because: str | None = None
    code: str | None = None

    def __post_init__(self) -> None:
        told(self)


Answer = TypeVar("Answer")
NO_NEWS = Standing("accepted")


async def submit(url: str, instruction: Instruction) -> str | None:
    """Hand one payout over and give the provider's reference; None when it cannot take this one now.

    Raises PayoutRefused, and ProviderUnavailable when nobody answers.
    """
    body = {
        "end_to_end_id": instruction.reference,
        "currency": instruction.currency,
        "micros": instruction.micros,
        "creditor": msgspec.to_builtins(instruction.bank),
    }
    headers = {"Content-Type": "application/json", "Idempotency-Key": str(instruction.payout)}
    send = partial(
        POOL.request, "POST", f"{url}/payouts", body=json.dumps(body).encode(), headers=headers, redirect=False
    )
    try:
        answer = await to_thread.run_sync(send)
    except HTTPError as error:
        raise ProviderUnavailable from error
    if answer.status in FINAL and (refusal := refused(answer.data)):
        raise refusal
    accepted = readable(answer.data, Accepted) if answer.status in {200, 201} else None
    return None if accepted is None else accepted.reference


def refused(body: bytes) -> PayoutRefused | None:
    """Read why a payout is not taken; None where the answer gives no reason, as one of a proxy does."""
    why = readable(body, Refusal)
    return PayoutRefused(why.because, why.code) if why and (why.because or why.code) else None


def readable(body: bytes, kind: type[Answer]) -> Answer | None:
    """Read an answer; None where it is not what was agreed on."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.DecodeError:
        return None


async def poll(url: str, payout: UUID) -> Standing | None:
    """Ask where a payout is; None when the provider does not know it. Raises ProviderUnavailable when nobody answers.

    An answer that cannot be read is no news.
    """
    try:
        answer = await to_thread.run_sync(partial(POOL.request, "GET", f"{url}/payouts/{payout.hex}", redirect=False))
    except HTTPError as error:
        raise ProviderUnavailable from error
    if answer.status == 404:
        return None
    return (readable(answer.data, Standing) if answer.status == 200 else None) or NO_NEWS


def read(secret: str, headers: Mapping[str, str], body: bytes) -> tuple[str, ProviderEvent]:
    """Check an event's signature and age, and give its number and what it says. Raises ProviderEventRefused."""
    if not secret:
        raise ProviderEventRefused
    try:
        Webhook(secret).verify(body.decode(), dict(headers))
        return headers["webhook-id"], msgspec.json.decode(body, type=ProviderEvent)
    except (WebhookVerificationError, UnicodeDecodeError, msgspec.DecodeError, ValueError) as error:
        raise ProviderEventRefused from error
