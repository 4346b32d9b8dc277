"""What a contributor's phone is woken for, and the hours in which it is not."""

from __future__ import annotations

from datetime import time
from typing import Literal, TypeAlias
from uuid import UUID

from msgspec import Struct

from storage.database import Connection, one, run
from storage.errors import TimeZoneUnknown

Topic: TypeAlias = Literal["recordings", "uses", "money", "campaigns"]


class NotificationSettings(Struct, frozen=True):
    """Topics that wake nobody, and quiet hours by the clock of a place; without any, nothing is held back."""

    muted: list[Topic] = []
    quiet_from: time | None = None
    quiet_until: time | None = None
    time_zone: str | None = None


COLUMNS = "muted, quiet_from, quiet_until, time_zone"
FIND = f"SELECT {COLUMNS} FROM notification_settings WHERE account_id = %(account)s"
SET = f"""
    INSERT INTO notification_settings (account_id, {COLUMNS})
    VALUES (%(account)s, %(muted)s, %(quiet_from)s, %(quiet_until)s, %(time_zone)s)
    ON CONFLICT (account_id) DO UPDATE
        SET ({COLUMNS}, updated_at) = (%(muted)s, %(quiet_from)s, %(quiet_until)s, %(time_zone)s, clock_timestamp())
"""
# What waited for the end of other quiet hours is looked at again.
LOOK_AGAIN = "UPDATE push_subscriptions SET due_at = now() WHERE account_id = %(account)s AND due_at IS NOT NULL"


class _Zone(Struct, frozen=True):
    name: str


async def find(connection: Connection, account: UUID) -> NotificationSettings:
    """Give the contributor's settings."""
    return await one(connection, NotificationSettings, FIND, account=account) or NotificationSettings()


async def store(connection: Connection, account: UUID, settings: NotificationSettings) -> None:
    """Set the contributor's settings. Raises TimeZoneUnknown."""
    await _known(connection, settings.time_zone)
    await run(
        connection,
        SET,
        account=account,
        muted=settings.muted,
        quiet_from=settings.quiet_from,
        quiet_until=settings.quiet_until,
        time_zone=settings.time_zone,
    )
    await run(connection, LOOK_AGAIN, account=account)


async def _known(connection: Connection, zone: str | None) -> None:
    # PostgreSQL itself takes anything for a zone, such as "XYZ+3", and it is the one that will count the hours.
    if zone is None:
        return
    if await one(connection, _Zone, "SELECT name FROM pg_timezone_names WHERE name = %(zone)s", zone=zone) is None:
        raise TimeZoneUnknown(time_zone=zone)
