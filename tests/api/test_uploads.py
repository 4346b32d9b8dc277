"""tus 1.0 on real engines: every answer that the protocol knows."""

import base64
import hashlib
import zlib
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from api import receiving
from api.uploads import EXTENSIONS
from storage import sessions, uploads
from storage.database import Pool, transaction
from tests.api.clients import client_of
from tests.api.paying import account_of
from tests.api.taking import BYTES, TUS, claim, offset, send, slug, speech

Campaign = dict[str, Any]
Client = httpx.AsyncClient


async def test_discovery_names_what_is_spoken(client: Client) -> None:
    """OPTIONS needs no account."""
    answer = await client.options("/v1/uploads")

    assert 204 == answer.status_code
    assert ("1.0.0", EXTENSIONS) == (answer.headers["Tus-Version"], answer.headers["Tus-Extension"])
    assert int(answer.headers["Tus-Max-Size"]) >= 2_000_000_000


async def test_a_page_of_another_origin_learns_what_is_spoken(client: Client) -> None:
    """A browser asks with an Origin, and lets the page read only what is exposed."""
    headers = {"Origin": "https://app.example", "Access-Control-Request-Headers": "tus-resumable,upload-offset"}

    asked = await client.options("/v1/uploads", headers={"Origin": "https://app.example"})
    allowed = await client.options(
        f"/v1/uploads/{uuid4()}", headers={**headers, "Access-Control-Request-Method": "PATCH"}
    )

    exposed = set(asked.headers["Access-Control-Expose-Headers"].lower().split(", "))
    assert (204, "1.0.0", EXTENSIONS, "*") == (
        asked.status_code,
        asked.headers["Tus-Version"],
        asked.headers["Tus-Extension"],
        asked.headers["Access-Control-Allow-Origin"],
    )
    assert {"location", "upload-offset", "tus-extension", "upload-expires", "retry-after"} <= exposed
    assert "upload-offset" in allowed.headers["Access-Control-Allow-Headers"]
    assert "PATCH" in allowed.headers["Access-Control-Allow-Methods"]


async def test_pieces_add_up_to_the_recording(contributor: Client, upload: tuple[str, bytes]) -> None:
    """HEAD counts what is stored, the last byte completes it."""
    url, data = upload

    first = await send(contributor, url, data[:1000])
    second = await send(contributor, url, data[1000:5000], 1000)
    assert ("1000", "5000") == (first.headers["Upload-Offset"], second.headers["Upload-Offset"])
    assert 5000 == await offset(contributor, url)
    last = await send(contributor, url, data[5000:], 5000)

    assert (204, str(len(data))) == (last.status_code, last.headers["Upload-Offset"])
    assert len(data) == await offset(contributor, url)


async def test_a_wrong_offset_is_refused_with_the_right_one(contributor: Client, upload: tuple[str, bytes]) -> None:
    """The client may go on without asking again."""
    url, data = upload
    await send(contributor, url, data[:1000])

    answer = await send(contributor, url, data[:1000], 0)

    assert (409, "offset-conflict", 1000) == (answer.status_code, slug(answer), answer.json()["offset"])


async def test_a_body_beyond_the_announced_length_is_refused(contributor: Client, upload: tuple[str, bytes]) -> None:
    """Announced or not: with Content-Length before reading, else as soon as it is too much; nothing of it is kept."""
    url, data = upload

    async def unannounced() -> Any:
        yield data
        yield b"more"

    announced = await send(contributor, url, data + b"more")
    streamed = await contributor.patch(url, content=unannounced(), headers={**BYTES, "Upload-Offset": "0"})

    assert (413, "too-large") == (announced.status_code, slug(announced))
    assert (413, "too-large") == (streamed.status_code, slug(streamed))


@pytest.mark.parametrize(
    ("headers", "status", "kind"),
    [
        ({"Tus-Resumable": "0.2.2"}, 412, "tus-version-unknown"),
        ({"Content-Type": "application/json"}, 415, "upload-body-type"),
        ({"Upload-Offset": "-1"}, 400, "request-invalid"),
        ({"Upload-Offset": "one"}, 400, "request-invalid"),
        ({"Upload-Checksum": "crc7 AAAA"}, 400, "request-invalid"),
        ({"Upload-Checksum": "sha1 !"}, 400, "request-invalid"),
    ],
)
async def test_a_malformed_request_is_refused(
    contributor: Client, upload: tuple[str, bytes], headers: dict[str, str], status: int, kind: str
) -> None:
    """Nothing of it is kept, and every answer says which tus is spoken."""
    url, data = upload

    answer = await contributor.patch(url, content=data, headers={**BYTES, "Upload-Offset": "0", **headers})

    assert (status, kind, "1.0.0") == (answer.status_code, slug(answer), answer.headers["Tus-Resumable"])
    assert 0 == await offset(contributor, url)


async def test_another_contributors_upload_is_not_there(
    contributor: Client, other: Client, upload: tuple[str, bytes]
) -> None:
    """The answers are those for an upload that nobody has."""
    url, data = upload
    ghost = f"/v1/uploads/{uuid4()}"

    answers = [await send(other, where, data) for where in (url, ghost)]
    heads = [await other.head(where, headers=TUS) for where in (url, ghost)]
    ends = [await other.delete(where, headers=TUS) for where in (url, ghost)]

    assert [404] * 6 == [answer.status_code for answer in (*answers, *heads, *ends)]
    assert ["upload-missing"] * 2 == [slug(answer) for answer in answers]
    assert 0 == await offset(contributor, url)


async def test_wrong_bytes_in_one_request_are_refused_at_once(contributor: Client, upload: tuple[str, bytes]) -> None:
    """The whole recording is known to be another one: nothing is kept, and the right bytes are taken after it."""
    url, data = upload

    answer = await send(contributor, url, bytes(len(data)))

    assert (460, "hash-mismatch") == (answer.status_code, slug(answer))
    assert 0 == await offset(contributor, url)
    assert 204 == (await send(contributor, url, data)).status_code


def sha1(data: bytes) -> bytes:
    """The checksum that every tus client knows."""
    return hashlib.sha1(data, usedforsecurity=False).digest()


@pytest.mark.parametrize(
    ("algorithm", "digest"),
    [
        ("sha1", sha1),
        ("sha256", lambda data: hashlib.sha256(data).digest()),
        ("crc32", lambda data: zlib.crc32(data).to_bytes(4, "big")),
    ],
)
async def test_a_checksum_that_does_not_hold_keeps_nothing(
    contributor: Client, upload: tuple[str, bytes], algorithm: str, digest: Any
) -> None:
    """And one that holds keeps everything."""
    url, data = upload
    good = f"{algorithm} {base64.b64encode(digest(data[:1000])).decode()}"

    wrong = await send(contributor, url, data[1:1001], **{"Upload-Checksum": good})
    assert (460, "checksum-mismatch", 0) == (wrong.status_code, slug(wrong), await offset(contributor, url))
    right = await send(contributor, url, data[:1000], **{"Upload-Checksum": good})

    assert (204, 1000) == (right.status_code, await offset(contributor, url))


async def test_an_empty_body_with_a_checksum_changes_nothing(contributor: Client, upload: tuple[str, bytes]) -> None:
    """It holds, and still no byte has arrived: the recording stays announced."""
    url, _ = upload

    answer = await send(contributor, url, b"", **{"Upload-Checksum": f"sha1 {base64.b64encode(sha1(b'')).decode()}"})

    shown = (await contributor.get("/v1/recordings")).json()["data"][0]
    assert (204, "0", "claimed") == (answer.status_code, answer.headers["Upload-Offset"], shown["state"])


@pytest.mark.parametrize("announced", [True, False])
async def test_a_body_with_a_checksum_has_a_largest_size(
    contributor: Client, upload: tuple[str, bytes], monkeypatch: pytest.MonkeyPatch, announced: bool
) -> None:
    """None of it counts before the last byte, so a phone would send all of a large one again after a cut."""
    monkeypatch.setattr("api.receiving.LARGEST_CHECKED", 1000)
    url, data = upload
    checksum = {"Upload-Checksum": f"sha1 {base64.b64encode(sha1(data)).decode()}"}

    async def unannounced() -> Any:
        yield data[:600]
        yield data[600:]

    body = data if announced else unannounced()
    answer = await contributor.patch(url, content=body, headers={**BYTES, "Upload-Offset": "0", **checksum})

    assert (413, "too-large", 1000) == (answer.status_code, slug(answer), answer.json()["largest_bytes"])
    assert 0 == await offset(contributor, url)


async def test_a_stock_client_creates_the_upload_of_its_claim(contributor: Client, campaign: Campaign) -> None:
    """Creation gives the claim's own upload, with an absolute address, and takes bytes along."""
    data = speech()
    claimed = (await claim(contributor, campaign, data)).json()
    metadata = f"filename dGFrZS53YXY=,recording {base64.b64encode(claimed['id'].encode()).decode()}"
    headers = {**BYTES, "Upload-Length": str(len(data)), "Upload-Metadata": metadata}

    answer = await contributor.post("/v1/uploads", content=data[:500], headers=headers)

    there = await contributor.head(answer.headers["Location"], headers=TUS)

    assert (201, claimed["upload"]["url"], b"") == (answer.status_code, answer.headers["Location"], answer.content)
    assert answer.headers["Location"].startswith("http")
    assert ("500", "500") == (answer.headers["Upload-Offset"], there.headers["Upload-Offset"])
    assert metadata.partition(",")[2] == there.headers["Upload-Metadata"]


async def test_a_client_that_lost_the_answer_creates_once_more_and_goes_on(
    contributor: Client, campaign: Campaign, database: Pool
) -> None:
    """It knows no address yet, so it begins anew: what is stored is passed over, also once everything is."""
    data = speech()
    claimed = (await claim(contributor, campaign, data)).json()
    metadata = f"recording {base64.b64encode(claimed['id'].encode()).decode()}"
    headers = {**BYTES, "Upload-Length": str(len(data)), "Upload-Metadata": metadata}

    answers = [
        await contributor.post("/v1/uploads", content=data[:sent], headers=headers)
        for sent in (5000, 500, 9000, len(data), 700)
    ]
    async with transaction(database) as connection:
        stored = await uploads.chunks(connection, UUID(claimed["upload"]["url"].rsplit("/", 1)[-1]))

    assert [201] * 5 == [answer.status_code for answer in answers]
    assert [5000, 5000, 9000, len(data), len(data)] == [int(answer.headers["Upload-Offset"]) for answer in answers]
    assert [5000, 4000, len(data) - 9000] == [piece.size for piece in stored]


@pytest.mark.parametrize(
    ("metadata", "length", "status", "kind"),
    [
        (None, None, 400, "request-invalid"),
        ("recording !", None, 400, "request-invalid"),
        ("recording " + base64.b64encode(b"no id").decode(), None, 400, "request-invalid"),
        ("recording " + base64.b64encode(str(UUID(int=7)).encode()).decode(), None, 404, "recording-missing"),
        ("mine", "5", 409, "claim-differs"),
        ("mine", "five", 400, "request-invalid"),
    ],
)
async def test_an_upload_that_fits_no_claim_is_not_created(
    contributor: Client, campaign: Campaign, metadata: str | None, length: str | None, status: int, kind: str
) -> None:
    """Without a claim there is no campaign and no terms."""
    data = speech()
    claimed = (await claim(contributor, campaign, data)).json()
    if metadata == "mine":
        metadata = f"recording {base64.b64encode(claimed['id'].encode()).decode()}"
    headers = {**TUS, "Upload-Length": length or str(len(data))} | ({"Upload-Metadata": metadata} if metadata else {})

    answer = await contributor.post("/v1/uploads", headers=headers)

    assert (status, kind) == (answer.status_code, slug(answer))


async def test_a_network_that_knows_only_post_can_upload(contributor: Client, upload: tuple[str, bytes]) -> None:
    """X-HTTP-Method-Override says what is meant."""
    url, data = upload
    sent = await contributor.post(
        url, content=data[:10], headers={**BYTES, "Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    )
    asked = await contributor.post(url, headers={**TUS, "X-HTTP-Method-Override": "HEAD"})
    other = await contributor.post(url, headers={**TUS, "X-HTTP-Method-Override": "GET"})

    assert (204, 200, 400) == (sent.status_code, asked.status_code, other.status_code)
    assert "10" == asked.headers["Upload-Offset"]


async def test_a_terminated_upload_can_be_claimed_again(contributor: Client, campaign: Campaign) -> None:
    """Its owner decided, so the recording is deleted and the same bytes are new."""
    data = speech()
    first = (await claim(contributor, campaign, data)).json()
    await send(contributor, first["upload"]["url"], data[:1000])

    ended = await contributor.delete(first["upload"]["url"], headers=TUS)
    gone = await contributor.head(first["upload"]["url"], headers=TUS)
    again = await claim(contributor, campaign, data)

    assert (204, 404, 201) == (ended.status_code, gone.status_code, again.status_code)
    assert first["id"] != again.json()["id"]


async def test_nothing_can_be_added_to_a_complete_upload(contributor: Client, campaign: Campaign) -> None:
    """A client that lost the last answer asks for the offset and finds itself done."""
    data = speech()
    url = (await claim(contributor, campaign, data)).json()["upload"]["url"]
    await send(contributor, url, data)

    answer = await send(contributor, url, b"more", len(data))
    ended = await contributor.delete(url, headers=TUS)

    assert {413, 409} >= {answer.status_code, ended.status_code}
    assert len(data) == await offset(contributor, url)


async def test_an_expired_upload_is_gone(contributor: Client, upload: tuple[str, bytes], database: Pool) -> None:
    """The phone hears that it must claim again."""
    url, data = upload
    async with transaction(database) as connection:
        await connection.execute("UPDATE uploads SET expires_at = now() WHERE id = %s", (url.rsplit("/", 1)[-1],))

    answer = await send(contributor, url, data)

    assert (410, "upload-expired") == (answer.status_code, slug(answer))
    assert 410 == (await contributor.head(url, headers=TUS)).status_code


async def test_single_bytes_are_stopped_before_they_fill_a_table(
    contributor: Client, upload: tuple[str, bytes], database: Pool
) -> None:
    """10,000 pieces hold the largest recording; a client that needs more is broken."""
    url, data = upload
    async with transaction(database) as connection:
        await connection.execute(
            """INSERT INTO upload_chunks (upload_id, start, size, object_key)
               SELECT %s, n, 1, 'x' FROM generate_series(0, 9999) AS n""",
            (url.rsplit("/", 1)[-1],),
        )

    answer = await send(contributor, url, data[10_000:], 10_000)

    assert (422, "too-many-chunks") == (answer.status_code, slug(answer))


async def test_a_device_that_is_signed_out_while_it_sends_is_stopped(
    app: Litestar,
    contributor: Client,
    upload: tuple[str, bytes],
    database: Pool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A lost phone could go on for an hour; what it had sent before its sign-out is kept."""
    monkeypatch.setattr(receiving, "RENEW_EVERY_S", 0.0)
    url, data = upload
    me = await account_of(contributor, database)
    async with transaction(database) as connection:
        lost, tokens = await sessions.start(connection, me, "a lost phone")
    signed_out: list[int] = []

    async def body() -> AsyncIterator[bytes]:
        yield data[1000:2000]
        signed_out.append((await contributor.delete(f"/v1/sessions/{lost}")).status_code)
        yield data[2000:3000]
        yield data[3000:]

    async with client_of(app, tokens.access_token) as phone:
        await send(phone, url, data[:1000])
        stopped = await phone.patch(url, content=body(), headers={**BYTES, "Upload-Offset": "1000"})
        refused = await send(phone, url, data[1000:], 1000)

    assert ([204], 401, 401) == (signed_out, stopped.status_code, refused.status_code)
    assert "unauthenticated" == slug(stopped)
    assert 1000 == await offset(contributor, url)
    assert 204 == (await send(contributor, url, data[1000:], 1000)).status_code
