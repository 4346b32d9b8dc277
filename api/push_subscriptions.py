"""Push subscriptions: the address under which a device wants to be woken, in the words of the W3C Push API."""

from __future__ import annotations

from typing import Annotated

from litestar import delete, get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api import webhooks
from api.dependencies import Caller, Configuration, Database
from api.errors import PushAddressRefused
from api.problems import problems
from api.push_encryption import SECRET_SIZE, device_key
from api.settings import Settings
from api.signing import base64url
from api.vapid import from_base64url
from storage import push_keys, push_subscriptions
from storage.database import transaction
from storage.errors import PushSubscriptionMissing
from storage.push_subscriptions import Address, PushSubscription

#: A point on P-256 in base64url, for examples.
POINT = "BNcRdreALRFXTkOOUHK1EtK2wtaz5Ry4YfYCA_0QTpQtUbVlUls0VJXg7A8u-Ts1XbjhazAkj7I99e8QcYP7DkM"


class PushKeys(Struct, frozen=True):
    """The device's public key and its secret, in base64url, as `PushSubscription.toJSON()` gives them."""

    p256dh: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{87}=?\Z", examples=[POINT])]
    auth: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}(==)?\Z", examples=["tBHItJI5svbpez7KI4CCXg"])]


class NewPushSubscription(Struct, frozen=True):
    """A subscription as a browser or a UnifiedPush distributor gives it."""

    endpoint: Annotated[str, Meta(max_length=2000, examples=["https://push.example.org/v2/gAAAAABk"])]
    keys: PushKeys


class ApplicationServerKey(Struct, frozen=True):
    """The key that a subscription is asked for: `applicationServerKey`, in base64url."""

    public_key: Annotated[str, Meta(examples=[POINT])]


@get("/v1/push-key", opt={"public": True}, responses=problems(public=True), tags=["Notifications"])
async def read_push_key(database: Database, settings: Configuration) -> ApplicationServerKey:
    """Read the key that a device subscribes with (VAPID, RFC 8292). It stays the same."""
    async with transaction(database) as connection:
        key = await push_keys.find(connection, settings.master_key)
    return ApplicationServerKey(base64url(key.public_key))


@put("/v1/sessions/current/push-subscription", responses=problems(PushAddressRefused), tags=["Notifications"])
async def subscribe(
    data: JSONBody[NewPushSubscription], account: Caller, database: Database, settings: Configuration
) -> PushSubscription:
    """Have this device woken when something happens (Web Push, RFC 8030).

    A message is an `EventPage`, encrypted so that only the device can read it (RFC 8291): what happened since the last
    one, without words, so that nothing shows on a locked screen that the app does not put there. `more` says that
    `GET /v1/events?cursor=` has the rest. Signing the device out ends it. Say it again at each start of the app: the
    address may have changed.
    """
    address = address_of(data, settings)
    async with transaction(database) as connection:
        await push_subscriptions.store(connection, settings.master_key, account.id, account.session_id, address)
        found = await push_subscriptions.find(connection, account.session_id)
    if found is None:
        # The session ended at this moment.
        raise PushSubscriptionMissing
    return found


@get("/v1/sessions/current/push-subscription", responses=problems(PushSubscriptionMissing), tags=["Notifications"])
async def read_push_subscription(account: Caller, database: Database) -> PushSubscription:
    """Read whether this device is woken, through whose servers, and whether that works."""
    async with transaction(database) as connection:
        found = await push_subscriptions.find(connection, account.session_id)
    if found is None:
        raise PushSubscriptionMissing
    return found


@delete("/v1/sessions/current/push-subscription", responses=problems(), tags=["Notifications"])
async def unsubscribe(account: Caller, database: Database) -> None:
    """Have this device woken no more."""
    async with transaction(database) as connection:
        await push_subscriptions.remove(connection, account.session_id)


def address_of(data: NewPushSubscription, settings: Settings) -> Address:
    """Read a subscription. Raises PushAddressRefused for what nothing could be sent to."""
    try:
        webhooks.checked(data.endpoint, anywhere=settings.webhooks_anywhere)
        p256dh, auth = from_base64url(data.keys.p256dh), from_base64url(data.keys.auth)
        device_key(p256dh)
    except (webhooks.NotDelivered, ValueError) as error:
        raise PushAddressRefused from error
    if len(auth) != SECRET_SIZE:
        raise PushAddressRefused
    return Address(data.endpoint, p256dh, auth)


handlers = [read_push_key, subscribe, read_push_subscription, unsubscribe]
