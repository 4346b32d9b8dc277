"""Endings: what goes out slowly stops going out when its reader may not have it any more."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from litestar import Litestar, Request

from api import endings, export, media
from api.endings import while_allowed
from api.validation import Workplace
from storage import sessions
from storage.database import Pool, transaction
from storage.errors import DatabaseBusy, MediaMissing
from tests.api import trading
from tests.api.clients import client_of
from tests.api.owning import Sold
from tests.api.paying import account_of
from tests.api.taking import examined, speech, submit
from tests.api.test_connections import said, serving

Client = httpx.AsyncClient
Deed = Callable[[], Awaitable[httpx.Response]]
Meanwhile = Callable[[Deed], None]


@pytest.fixture
def meanwhile(monkeypatch: pytest.MonkeyPatch) -> Meanwhile:
    """Have something done when the first hundred bytes of a recording are out, and look before every further piece."""

    def arrange(deed: Deed) -> None:
        async def slowly(*asked: Any) -> AsyncIterator[bytes]:
            whole = b"".join([piece async for piece in plaintext(*asked)])
            yield whole[:100]
            answer = await deed()
            assert answer.is_success, answer.text
            for begin in range(100, len(whole), 1000):
                yield whole[begin : begin + 1000]

        plaintext = media.plaintext
        monkeypatch.setattr(media, "plaintext", slowly)
        monkeypatch.setattr(export, "plaintext", slowly)
        monkeypatch.setattr(endings, "LOOK_EVERY_S", 0)

    return arrange


@pytest.fixture
async def tablet(app: Litestar, contributor: Client, database: Pool) -> AsyncIterator[tuple[Client, Deed]]:
    """Another device of the contributor's, and what signs it out."""
    async with transaction(database) as connection:
        session, tokens = await sessions.start(connection, await account_of(contributor, database), "a tablet")
    async with client_of(app, tokens.access_token) as device:
        yield device, lambda: contributor.delete(f"/v1/sessions/{session}")


@pytest.fixture
async def recording(contributor: Client, campaign: dict[str, Any], place: Workplace) -> str:
    """A recording that was examined."""
    made = await submit(contributor, campaign, speech())
    await examined(place, contributor, made)
    return made


def cut(answer: httpx.Response) -> bool:
    """Whether an answer began and stopped before its announced end."""
    assert 200 == answer.status_code, answer.text
    return 100 == len(answer.content) < int(answer.headers["Content-Length"])


async def test_playing_goes_on_while_nothing_changes(contributor: Client, recording: str, meanwhile: Meanwhile):
    meanwhile(lambda: contributor.get("/v1/me"))

    assert not cut(await contributor.get(f"/v1/recordings/{recording}/media"))


@pytest.mark.parametrize("by_link", [False, True])
async def test_playing_ends_when_its_device_is_signed_out(
    client: Client, tablet: tuple[Client, Deed], recording: str, meanwhile: Meanwhile, by_link: bool
):
    device, sign_out = tablet
    player, url = device, f"/v1/recordings/{recording}/media"
    if by_link:
        player, url = client, urlsplit((await device.post(f"{url}-links")).json()["url"]).path
    meanwhile(sign_out)

    assert cut(await player.get(url))


async def test_playing_ends_when_the_recording_is_deleted(contributor: Client, recording: str, meanwhile: Meanwhile):
    meanwhile(lambda: contributor.delete(f"/v1/recordings/{recording}"))

    assert cut(await contributor.get(f"/v1/recordings/{recording}/media"))


async def test_a_buyer_gets_no_more_of_what_is_withdrawn(
    sold: Sold, client: Client, contributor: Client, meanwhile: Meanwhile
):
    """By either address."""
    url = (await sold.file())["url"]
    meanwhile(lambda: trading.withdraw(contributor, sold.recording))

    assert cut(await client.get(url))
    assert 410 == (await client.get(url)).status_code


@pytest.mark.parametrize("with_key", [False, True])
async def test_a_buyer_gets_no_more_once_the_key_is_taken_back(
    sold: Sold, client: Client, operator: Client, meanwhile: Meanwhile, with_key: bool
):
    keys = f"/v1/operator/buyers/{sold.buyer_id}/keys"
    key, file = (await operator.get(keys)).json()["data"][0]["id"], await sold.file()
    meanwhile(lambda: operator.delete(f"{keys}/{key}"))

    fetched = sold.buyer.get(f"{sold.url}/files/{file['code']}") if with_key else client.get(file["url"])

    assert cut(await fetched)


async def test_taking_everything_along_ends_when_the_device_is_signed_out(
    tablet: tuple[Client, Deed], recording: str, meanwhile: Meanwhile
):
    """A stolen phone went on with the hours of a recording that it had begun; what it has got cannot be opened."""
    device, sign_out = tablet
    meanwhile(sign_out)

    got = (await device.get("/v1/accounts/me/export")).content

    assert recording.encode() in got
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(got))


async def pieces() -> AsyncIterator[bytes]:
    for _ in range(3):
        yield b"0123456789"


async def test_a_database_that_is_away_for_a_moment_cuts_nobody(monkeypatch: pytest.MonkeyPatch):
    async def away() -> None:
        raise DatabaseBusy

    monkeypatch.setattr(endings, "LOOK_EVERY_S", 0)
    request: Request[Any, Any, Any] = Request({"type": "http"})  # type: ignore[typeddict-item]

    assert 30 == len(b"".join([piece async for piece in while_allowed(request, pieces(), away)]))


async def test_what_was_cut_reads_as_cut(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture):
    """Without a last chunk: a client that keeps what it got would hold it for complete. It is no fault of ours."""
    looks = iter([None, None])

    async def look() -> None:
        if next(looks, MediaMissing) is MediaMissing:
            raise MediaMissing

    async def application(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        async for piece in while_allowed(Request(scope), pieces(), look):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            await asyncio.sleep(0.1)
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    monkeypatch.setattr(endings, "LOOK_EVERY_S", 0)
    async with serving(application) as (address, _):
        heard = await said(address, b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")

    assert heard.endswith(b"\r\na\r\n0123456789\r\n")
    assert 2 == heard.count(b"0123456789")
    assert [] == [record for record in caplog.records if record.levelname == "ERROR"]
