"""The owner hears the very bytes that were sent, from any place on; nobody else hears any."""

import hashlib
import time
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from api.errors import RangeUnsatisfiable
from api.media import asked_range, leading_to, led_to
from api.settings import Settings
from api.validation import Workplace
from storage import sessions
from storage.database import Pool, transaction
from storage.errors import MediaMissing
from tests.api.clients import client_of
from tests.api.taking import claim, examined, speech, submit

Campaign = dict[str, Any]
Client = httpx.AsyncClient


@pytest.fixture
async def stored(contributor: Client, campaign: Campaign, place: Workplace) -> tuple[str, bytes]:
    """A recording that was examined, and its bytes."""
    data = speech()
    recording = await submit(contributor, campaign, data)
    await examined(place, contributor, recording)
    return f"/v1/recordings/{recording}/media", data


async def test_the_whole_recording_comes_back(contributor: Client, stored: tuple[str, bytes]) -> None:
    """As an attachment of a fixed type that no browser runs."""
    url, data = stored

    answer = await contributor.get(url)

    assert (200, hashlib.sha256(data).digest()) == (answer.status_code, hashlib.sha256(answer.content).digest())
    assert ("audio/wav", "nosniff", "bytes") == (
        answer.headers["Content-Type"],
        answer.headers["X-Content-Type-Options"],
        answer.headers["Accept-Ranges"],
    )
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert str(len(data)) == answer.headers["Content-Length"]


@pytest.mark.parametrize(
    ("asked", "start", "stop"), [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-50", -50, None)]
)
async def test_a_range_is_that_part(
    contributor: Client, stored: tuple[str, bytes], asked: str, start: int, stop: int | None
) -> None:
    """206 with the place in Content-Range."""
    url, data = stored

    answer = await contributor.get(url, headers={"Range": asked})

    assert (206, data[start:stop]) == (answer.status_code, answer.content)
    assert answer.headers["Content-Range"].endswith(f"/{len(data)}")


async def test_a_range_beyond_the_end_is_refused_with_the_size(contributor: Client, stored: tuple[str, bytes]) -> None:
    """The player can ask again."""
    url, data = stored

    answer = await contributor.get(url, headers={"Range": f"bytes={len(data)}-"})

    assert (416, f"bytes */{len(data)}") == (answer.status_code, answer.headers["Content-Range"])


async def test_a_copy_that_is_newest_is_not_sent_again(contributor: Client, stored: tuple[str, bytes]) -> None:
    """If-None-Match gives 304; If-Range with another tag gives everything; HEAD gives no bytes."""
    url, data = stored
    tag = (await contributor.head(url)).headers["ETag"]

    same = await contributor.get(url, headers={"If-None-Match": tag})
    head_of_a_part = await contributor.head(url, headers={"Range": "bytes=0-9"})
    changed = await contributor.get(url, headers={"If-Range": '"other"', "Range": "bytes=0-9"})
    unchanged = await contributor.get(url, headers={"If-Range": tag, "Range": "bytes=0-9"})

    assert (304, b"") == (same.status_code, same.content)
    assert (200, str(len(data))) == (head_of_a_part.status_code, head_of_a_part.headers["Content-Length"])
    assert (200, len(data)) == (changed.status_code, len(changed.content))
    assert (206, 10) == (unchanged.status_code, len(unchanged.content))


async def test_bytes_that_are_not_there_yet_are_missing(contributor: Client, campaign: Campaign) -> None:
    """The answer says where the recording stands."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]

    answer = await contributor.get(f"/v1/recordings/{recording}/media")

    assert (404, "claimed") == (answer.status_code, answer.json()["state"])


async def test_a_link_plays_without_a_token_and_only_for_its_recording(
    contributor: Client, other: Client, client: Client, stored: tuple[str, bytes]
) -> None:
    """A media element sends no header; somebody else cannot make a link."""
    url, data = stored

    link = await contributor.post(url.replace("/media", "/media-links"))
    played = await client.get(urlsplit(link.json()["url"]).path, headers={"Range": "bytes=5-9"})
    refused = await other.post(url.replace("/media", "/media-links"))

    assert (201, 206, data[5:10]) == (link.status_code, played.status_code, played.content)
    assert 404 == refused.status_code


async def test_a_link_ends_with_the_session_it_was_made_in(
    contributor: Client, client: Client, stored: tuple[str, bytes], database: Pool, app: Litestar
) -> None:
    """A lost phone that is signed out plays nothing for another quarter of an hour; other devices' links go on."""
    url, _ = stored
    mine = (await contributor.get("/v1/me")).json()["id"]
    async with transaction(database) as connection:
        session, tokens = await sessions.start(connection, UUID(mine), "a tablet")
    async with client_of(app, tokens.access_token) as tablet:
        links = [(await who.post(url.replace("/media", "/media-links"))).json()["url"] for who in (contributor, tablet)]

    async def played() -> list[int]:
        return [(await client.get(urlsplit(link).path, headers={"Range": "bytes=0-1"})).status_code for link in links]

    before = await played()
    assert 204 == (await contributor.delete(f"/v1/sessions/{session}")).status_code
    assert ([206, 206], [206, 404]) == (before, await played())


async def test_a_forged_or_late_link_leads_nowhere(client: Client, settings: Settings) -> None:
    """Whatever is wrong with it, the answer is the same."""
    key, recording, account = settings.master_key, uuid4(), uuid4()
    good = leading_to(key, recording, account, int(time.time()) + 60)
    swapped = leading_to(bytes(32), recording, account, int(time.time()) + 60)
    late = leading_to(key, recording, account, int(time.time()) - 1)
    # Some recording's link begins with any letter, so the other letter is one that this link does not begin with.
    bent = ("B" if good[0] == "A" else "A") + good[1:]

    assert (recording, account) == led_to(key, good, time.time())
    for ticket in ("x", "é", swapped, late, good[:-4] + "AAAA", bent):
        with pytest.raises(MediaMissing):
            led_to(key, ticket, time.time())
    assert 404 == (await client.get(f"/v1/media/{late}")).status_code


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        (None, None),
        ("bytes=0-0", (0, 1)),
        ("bytes=90-200", (90, 100)),
        ("bytes=-200", (0, 100)),
        ("bytes=5-4", None),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
    ],
)
def test_ranges_are_read_as_the_standard_says(header: str | None, expected: tuple[int, int] | None) -> None:
    """RFC 9110, section 14.1.2: what is malformed is ignored."""
    assert expected == asked_range(header, 100)


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0"])
def test_a_range_without_a_byte_cannot_be_satisfied(header: str) -> None:
    """RFC 9110, section 14.1.1."""
    with pytest.raises(RangeUnsatisfiable):
        asked_range(header, 100)


async def test_somebody_elses_recording_is_silent(other: Client, stored: tuple[str, bytes]) -> None:
    """The same answer as for an id that nobody has."""
    url, _ = stored

    answers = [await other.get(where) for where in (url, f"/v1/recordings/{UUID(int=5)}/media")]

    assert [404, 404] == [answer.status_code for answer in answers]
    assert 1 == len({answer.json()["type"] for answer in answers})
