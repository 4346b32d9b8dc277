"""Buyers, for operators: who may licence recordings, and the keys with which they fetch what was sold to them."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated
from uuid import UUID

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Meta, Struct

from api.dependencies import Caller, Configuration, Database
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from storage import buyers, screening
from storage.buyers import Buyer, BuyerKey
from storage.database import reading, transaction
from storage.errors import BuyerMissing
from storage.operator_actions import acting

OPERATOR = {"operator": True}
#: The answer shows a secret this once, also to who lost it and asks again with the same key.
SHOWN_ONCE = {**OPERATOR, "secret": True}
#: How Standard Webhooks 1.0 marks a secret.
WEBHOOK_SECRET = "whsec_"  # noqa: S105 – the mark, not a secret.
Because = Annotated[str, Meta(min_length=1, max_length=1000, examples=["Another company, founded in Bremen in 2019."])]


Url = Annotated[str, Meta(pattern="^https?://[^/]+", max_length=2000, examples=["https://buyer.example/hooks"])]


class NewBuyer(Struct, frozen=True):
    """What a buyer says about itself; contributors read the name, the country and the purpose."""

    legal_name: Annotated[str, Meta(min_length=1, max_length=300, examples=["Harbour Speech GmbH"])]
    country: Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z", description="ISO 3166-1 alpha-2.", examples=["DE"])]
    sector: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_]{0,62}\Z", examples=["speech_technology"])]
    purpose: Annotated[
        str, Meta(min_length=1, max_length=1000, examples=["Speech recognition for hospital documentation."])
    ]
    webhook_url: Url | None = None


class Registered(Struct, frozen=True):
    """A new buyer; `webhook_secret` signs what is posted to its webhook (Standard Webhooks) and is shown this once."""

    buyer: Buyer
    webhook_secret: Annotated[str, Meta(examples=["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="])] | None


class NewKey(Struct, frozen=True):
    """A new API key; `secret` is shown this once."""

    key: BuyerKey
    secret: Annotated[str, Meta(examples=["ccb_0J3k0T8zq1mXv5cB7wYhQn2sLr4uPd6eGf9aKt-HiUo"])]


class Keys(Struct, frozen=True):
    """A buyer's keys, without their secrets."""

    data: list[BuyerKey]


class Clearance(Struct, frozen=True):
    """Why a buyer is not the listed company whose name is like its own."""

    because: Because


@post("/v1/operator/buyers", opt=SHOWN_ONCE, responses=problems(), tags=["Operators"])
async def register_buyer(
    data: JSONBody[NewBuyer], account: Caller, database: Database, settings: Configuration
) -> Registered:
    """Enter a buyer; it is held against the screening list at once.

    Without a list nobody is cleared: `companion buyers screen FILE` loads one.
    """
    wish = buyers.Registration(data.legal_name, data.country, data.sector, data.purpose)
    async with acting(database, account.id) as connection:
        buyer, secret = await buyers.register(connection, wish), None
        if data.webhook_url is not None:
            secret = await buyers.post_to(connection, settings.master_key, buyer.id, data.webhook_url)
            buyer = await buyers.find(connection, buyer.id)
    return Registered(buyer, None if secret is None else WEBHOOK_SECRET + b64encode(secret).decode())


@get("/v1/operator/buyers", opt=OPERATOR, responses=problems(), tags=["Operators"])
async def list_buyers(database: Database, limit: Limit = 50, cursor: Cursor = None) -> Page[Buyer]:
    """List the register, newest first."""
    async with reading(database) as connection:
        rows = await buyers.listing(connection, before=position_of(cursor), limit=limit + 1)
    return page(rows, limit, lambda row: row.id)


@get("/v1/operator/buyers/{buyer_id:uuid}", opt=OPERATOR, responses=problems(BuyerMissing), tags=["Operators"])
async def read_buyer(buyer_id: FromPath[UUID], database: Database) -> Buyer:
    """Read one buyer and how it stands against the screening list."""
    async with reading(database) as connection:
        return await buyers.find(connection, buyer_id)


@post(
    "/v1/operator/buyers/{buyer_id:uuid}/clearances", opt=OPERATOR, responses=problems(BuyerMissing), tags=["Operators"]
)
async def clear_buyer(
    buyer_id: FromPath[UUID], data: JSONBody[Clearance], account: Caller, database: Database
) -> Buyer:
    """Say that a buyer is not the listed company whose name is like its own.

    A name, country or sector that is listed itself cannot be cleared here.
    """
    async with acting(database, account.id) as connection:
        await screening.clear(connection, buyer_id, data.because)
        return await buyers.find(connection, buyer_id)


@post("/v1/operator/buyers/{buyer_id:uuid}/keys", opt=SHOWN_ONCE, responses=problems(BuyerMissing), tags=["Operators"])
async def make_buyer_key(buyer_id: FromPath[UUID], account: Caller, database: Database) -> NewKey:
    """Make an API key for a buyer; only its hash is kept, so its secret is shown this once."""
    async with acting(database, account.id) as connection:
        key, secret = await buyers.new_key(connection, buyer_id)
    return NewKey(key, secret)


@get("/v1/operator/buyers/{buyer_id:uuid}/keys", opt=OPERATOR, responses=problems(BuyerMissing), tags=["Operators"])
async def list_buyer_keys(buyer_id: FromPath[UUID], database: Database) -> Keys:
    """List a buyer's API keys."""
    async with transaction(database) as connection:
        return Keys(await buyers.keys(connection, buyer_id))


@delete(
    "/v1/operator/buyers/{buyer_id:uuid}/keys/{key:uuid}",
    opt=OPERATOR,
    responses=problems(BuyerMissing),
    tags=["Operators"],
)
async def revoke_buyer_key(buyer_id: FromPath[UUID], key: FromPath[UUID], account: Caller, database: Database) -> None:
    """Take a key back; it opens nothing from now on."""
    async with acting(database, account.id) as connection:
        await buyers.revoke_key(connection, buyer_id, key)


handlers = [
    register_buyer,
    list_buyers,
    read_buyer,
    clear_buyer,
    make_buyer_key,
    list_buyer_keys,
    revoke_buyer_key,
]
