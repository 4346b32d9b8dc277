"""What a contributor's phones are woken for, and the hours in which they are not."""

from __future__ import annotations

from datetime import time
from typing import Annotated, TypeAlias

from litestar import get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.dependencies import Caller, Database
from api.errors import QuietHoursEmpty
from api.problems import problems
from storage import notification_settings
from storage.database import transaction
from storage.errors import TimeZoneUnknown
from storage.notification_settings import NotificationSettings, Topic

HOUR = r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z"
Zone: TypeAlias = Annotated[
    str, Meta(max_length=64, description="A name of the IANA time zone database.", examples=["Europe/Berlin"])
]


class QuietHours(Struct, frozen=True):
    """From when until when no phone is woken, by the clock of a place; they may go past midnight."""

    begin: Annotated[str, Meta(pattern=HOUR, examples=["22:00"])]
    end: Annotated[str, Meta(pattern=HOUR, examples=["07:30"])]
    time_zone: Zone


class Notifications(Struct, frozen=True):
    """Which topics wake nobody, and when nothing does."""

    muted: Annotated[list[Topic], Meta(max_length=4, description="Topics that wake nobody.")] = []
    quiet_hours: QuietHours | None = None


@get("/v1/me/notifications", responses=problems(), tags=["Notifications"])
async def read_notifications(account: Caller, database: Database) -> Notifications:
    """Read what your phones are woken for, and when not."""
    async with transaction(database) as connection:
        return shown(await notification_settings.find(connection, account.id))


@put("/v1/me/notifications", responses=problems(QuietHoursEmpty, TimeZoneUnknown), tags=["Notifications"])
async def set_notifications(data: JSONBody[Notifications], account: Caller, database: Database) -> Notifications:
    """Choose what your phones are woken for, and when not; it holds for all of them.

    Topics: `recordings` (checked, accepted, refused, to be fixed, in doubt), `uses` (licensed, withdrawn, objected
    to), `money` (paid, held, reversed, statements, taxes), `campaigns` (changed, new terms). A change of your
    password or of where you are paid, and consent that goes on after a pause, wake them always: it may be somebody
    else's doing. What happens in quiet hours is told at their end.
    """
    settings = asked(data)
    async with transaction(database) as connection:
        await notification_settings.store(connection, account.id, settings)
    return shown(settings)


def asked(data: Notifications) -> NotificationSettings:
    """Read the hours as times. Raises QuietHoursEmpty for a night that begins as it ends."""
    muted, quiet = sorted(set(data.muted)), data.quiet_hours
    if quiet is None:
        return NotificationSettings(muted)
    if quiet.begin == quiet.end:
        raise QuietHoursEmpty
    return NotificationSettings(muted, time.fromisoformat(quiet.begin), time.fromisoformat(quiet.end), quiet.time_zone)


def shown(settings: NotificationSettings) -> Notifications:
    """Write times as hours and minutes."""
    if settings.quiet_from is None or settings.quiet_until is None or settings.time_zone is None:
        return Notifications(settings.muted)
    begin, end = (at.isoformat("minutes") for at in (settings.quiet_from, settings.quiet_until))
    return Notifications(settings.muted, QuietHours(begin, end, settings.time_zone))


handlers = [read_notifications, set_notifications]
