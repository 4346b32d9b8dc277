"""What wakes a contributor's phones, and the hours in which nothing does."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from storage.database import Pool, one, transaction
from storage.push_subscriptions import QUIET
from tests.api.taking import slug

Client = httpx.AsyncClient
NIGHT = {"begin": "22:00", "end": "07:30", "time_zone": "Europe/Berlin"}


class Until(Struct):
    """When it is over."""

    until: datetime | None


async def quiet(database: Pool, at: datetime, begin: time, end: time, zone: str) -> datetime | None:
    """When the quiet hours that hold at a moment end."""
    query = QUIET.replace("now()", "%(at)s::timestamptz")
    async with transaction(database) as connection:
        found = await one(connection, Until, query, at=at, quiet_from=begin, quiet_until=end, time_zone=zone)
    assert found is not None
    return found.until


async def test_settings_are_what_was_set_last(contributor: Client):
    """Nothing is held back before anybody said so; what is left out is given up."""
    assert {"muted": [], "quiet_hours": None} == (await contributor.get("/v1/me/notifications")).json()
    wish = {"muted": ["money", "campaigns", "money"], "quiet_hours": NIGHT}

    put = await contributor.put("/v1/me/notifications", json=wish)

    assert {"muted": ["campaigns", "money"], "quiet_hours": NIGHT} == put.json()
    assert put.json() == (await contributor.get("/v1/me/notifications")).json()
    assert {"muted": [], "quiet_hours": None} == (await contributor.put("/v1/me/notifications", json={})).json()


@pytest.mark.parametrize(
    ("hours", "expected"),
    [
        ({**NIGHT, "end": "22:00"}, "quiet-hours-empty"),
        ({**NIGHT, "time_zone": "Berlin"}, "time-zone-unknown"),
        ({**NIGHT, "time_zone": "XYZ+3"}, "time-zone-unknown"),
        ({**NIGHT, "begin": "24:00"}, "request-invalid"),
        ({"begin": "22:00"}, "request-invalid"),
    ],
)
async def test_hours_that_are_none_are_refused(contributor: Client, hours: dict[str, str], expected: str):
    """Nothing is changed by a refusal."""
    refused = await contributor.put("/v1/me/notifications", json={"quiet_hours": hours})

    assert expected == slug(refused)
    assert refused.status_code == (400 if expected == "request-invalid" else 422)
    assert (await contributor.get("/v1/me/notifications")).json()["quiet_hours"] is None


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        ("2026-11-30T20:59:59Z", None),
        ("2026-11-30T21:00:00Z", "2026-12-01T06:30:00Z"),
        ("2026-12-01T02:00:00Z", "2026-12-01T06:30:00Z"),
        ("2026-12-01T06:30:00Z", None),
        # The clock goes back at 01:00 UTC: the night lasts an hour longer, and its end is still half past seven.
        ("2026-10-24T22:00:00Z", "2026-10-25T06:30:00Z"),
        ("2026-03-28T23:00:00Z", "2026-03-29T05:30:00Z"),
    ],
)
async def test_a_night_goes_past_midnight(database: Pool, at: str, expected: str | None):
    """By the clock of the place, summer time included; its end is no part of it."""
    found = await quiet(database, datetime.fromisoformat(at), time(22), time(7, 30), "Europe/Berlin")

    assert found == (None if expected is None else datetime.fromisoformat(expected))


@given(
    at=st.integers(0, 3 * 366 * 86_400).map(
        lambda second: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    ),
    begin=st.times(),
    length_min=st.integers(1, 1439),
    zone=st.sampled_from(["Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "Australia/Lord_Howe", "UTC"]),
)
async def test_the_database_counts_hours_as_python_does(
    database: Pool, at: datetime, begin: time, length_min: int, zone: str
):
    """Whether a wall clock stands within the hours; they end later, and within a day, or 25 hours."""
    end = (datetime.combine(at.date(), begin) + timedelta(minutes=length_min)).time()
    here = at.astimezone(ZoneInfo(zone)).time().replace(tzinfo=None)

    until = await quiet(database, at, begin, end, zone)

    assert (until is not None) == (begin <= here < end if begin < end else here >= begin or here < end)
    assert until is None or at < until <= at + timedelta(hours=25)
