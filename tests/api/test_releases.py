"""Releases: a buyer gets the cleaned copies of what was sold to it, and nothing else, and nothing that ended."""

import hashlib
import re
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from litestar import Litestar

from api import releases
from api.releases import TICKET, ticket_read
from api.settings import Settings
from api.validation import Workplace
from storage import recordings, screening
from storage.database import Pool, transaction
from storage.errors import DatasetMissing, StoreUnavailable
from storage.objects import Store
from tests.api import trading
from tests.api.clients import client_of
from tests.api.owning import Sold

Client = httpx.AsyncClient


async def test_a_buyer_fetches_the_cleaned_copy(sold: Sold, client: Client, contributor: Client):
    """Byte for byte what the release lists, under its public code; its contributor sees that it was fetched."""
    release = await sold.buyer.get(sold.url)
    file = release.json()["files"][0]

    fetched = await client.get(file["url"])
    use = (await contributor.get(f"/v1/recordings/{sold.recording}/uses")).json()["data"][0]

    assert 200 == release.status_code
    assert sold.cleaned == fetched.content
    assert hashlib.sha256(fetched.content).hexdigest() == file["sha256"]
    assert len(fetched.content) == file["size_bytes"]
    assert "audio/flac" == fetched.headers["content-type"]
    assert file["code"] in fetched.headers["content-disposition"]
    assert use["delivered_at"] is not None


async def test_a_release_never_names_its_contributors(sold: Sold, contributor: Client):
    """No id, no pseudonym and no address of theirs: a code that is derived from nothing."""
    profile = (await contributor.get("/v1/me")).json()
    seen = (await sold.buyer.get(sold.url)).text + (await sold.buyer.get(f"{sold.url}/manifest")).text

    assert re.search(r'"[0-9A-Z]{12}"', seen)
    assert not [
        word for word in (sold.recording, profile["id"], profile["pseudonym"], profile["email"]) if word in seen
    ]


async def test_a_part_of_a_file_can_be_fetched(sold: Sold, client: Client):
    """A download that was cut goes on where it stopped."""
    url = (await sold.file())["url"]

    part = await client.get(url, headers={"Range": "bytes=1000-1999"})

    assert 206 == part.status_code
    assert sold.cleaned[1000:2000] == part.content


async def test_asking_for_a_file_s_size_is_no_fetching(sold: Sold, client: Client, contributor: Client):
    """HEAD, by link or with the key: what GET says, without the bytes, and its contributor reads of no delivery."""
    file = await sold.file()
    with_key = (await sold.buyer.get(f"{sold.url}/manifest")).json()["distribution"][0]["contentUrl"]

    asked = [await client.head(file["url"]), await sold.buyer.head(with_key)]
    use = (await contributor.get(f"/v1/recordings/{sold.recording}/uses")).json()["data"][0]

    assert [(200, str(len(sold.cleaned)), b"")] * 2 == [
        (one.status_code, one.headers["content-length"], one.content) for one in asked
    ]
    assert (await client.get(file["url"])).headers["content-type"] == asked[0].headers["content-type"]
    assert use["delivered_at"] is None


async def test_a_manifest_s_addresses_open_with_the_key(sold: Sold, client: Client):
    """They do not expire, so a manifest can be kept."""
    listed = (await sold.buyer.get(f"{sold.url}/manifest")).json()["distribution"][0]["contentUrl"]

    assert sold.cleaned == (await sold.buyer.get(listed)).content
    assert 401 == (await client.get(listed)).status_code


async def test_what_is_not_cleaned_yet_is_waited_for(
    app: Litestar, place: Workplace, contributor: Client, operator: Client, campaign: dict[str, Any], database: Pool
):
    """The original is never handed out in its place."""
    await trading.listed(database)
    recording = await trading.accepted(place, contributor, campaign)
    buyer, dataset = await trading.buyer(operator), await trading.version(operator, [recording])
    await trading.sell(operator, buyer["id"], dataset)
    async with client_of(app, await trading.key(operator, buyer["id"])) as asking:
        release = await asking.get(f"/v1/datasets/{dataset}/releases/1")
        file = release.json()["files"][0]
        fetched = await asking.get(f"/v1/datasets/{dataset}/releases/1/files/{file['code']}")

    assert 202 == release.status_code
    assert "retry-after" in release.headers
    assert ("preparing", None, None) == (file["status"], file["url"], file["sha256"])
    assert "/problems/rendition-pending" == fetched.json()["type"]
    assert "retry-after" in fetched.headers


async def test_what_was_withdrawn_is_gone_also_under_an_old_address(sold: Sold, client: Client, contributor: Client):
    """410, and the release says that the licence has ended."""
    url = (await sold.file())["url"]

    withdrawn = await contributor.post(f"/v1/recordings/{sold.recording}/withdrawals", json={"uses": ["*"]})
    answer = await client.get(url)

    assert 202 == withdrawn.status_code, withdrawn.text
    assert 410 == answer.status_code
    assert "/problems/licence-ended" == answer.json()["type"]
    file = await sold.file()
    assert ("ended", None, None) == (file["status"], file["url"], file["sha256"])
    assert [] == (await sold.buyer.get(f"{sold.url}/manifest")).json()["distribution"]


async def test_what_is_held_is_handed_to_nobody(sold: Sold, client: Client, database: Pool):
    """Until the objection is decided."""
    url = (await sold.file())["url"]
    async with transaction(database) as connection:
        await recordings.move(connection, UUID(sold.recording), "held", by="operator", because=None)

    answer = await client.get(url)

    assert "/problems/recording-on-hold" == answer.json()["type"]
    assert "on_hold" == (await sold.file())["status"]


async def test_another_buyer_sees_nothing_of_it(app: Litestar, sold: Sold, operator: Client):
    """Not bought looks like not there."""
    stranger = await trading.buyer(operator)
    code = (await sold.file())["code"]
    async with client_of(app, await trading.key(operator, stranger["id"])) as other:
        answers = [
            await other.get(path)
            for path in (
                sold.url,
                f"{sold.url}/manifest",
                f"{sold.url}/files/{code}",
                f"/v1/datasets/{uuid4()}/releases/1",
            )
        ]

    assert [404] * 4 == [answer.status_code for answer in answers]
    assert {"/problems/dataset-missing"} == {answer.json()["type"] for answer in answers}


async def test_a_key_opens_releases_only_and_a_contributor_s_token_no_release(
    sold: Sold, contributor: Client, operator: Client
):
    """Neither kind of token reaches what is the other's."""
    for path in ("/v1/me", "/v1/recordings", "/v1/operator/buyers", "/v1/events"):
        assert 401 == (await sold.buyer.get(path)).status_code, path
    for client in (contributor, operator):
        assert 401 == (await client.get(sold.url)).status_code
        assert 401 == (await client.get(f"{sold.url}/manifest")).status_code


async def test_a_buyer_that_came_onto_a_list_gets_nothing_more(sold: Sold, client: Client, database: Pool):
    """Neither a list of files nor a file, also under an address that was given out before."""
    url = (await sold.file())["url"]
    async with transaction(database) as connection:
        await screening.load(connection, trading.LIST + b"country,DE,test\n")
    refused = [await sold.buyer.get(sold.url), await sold.buyer.get(f"{sold.url}/manifest"), await client.get(url)]
    await trading.listed(database)

    assert ["/problems/buyer-refused"] * 3 == [answer.json()["type"] for answer in refused]
    assert 200 == (await client.get(url)).status_code


async def test_a_key_that_was_taken_back_opens_nothing(sold: Sold, client: Client, operator: Client):
    """At once, nor do the addresses that were listed with it."""
    url = f"/v1/operator/buyers/{sold.buyer_id}/keys"
    key, file = (await operator.get(url)).json()["data"][0], await sold.file()

    revoked = await operator.delete(f"{url}/{key['id']}")

    assert 204 == revoked.status_code
    assert 401 == (await sold.buyer.get(sold.url)).status_code
    assert 404 == (await client.get(file["url"])).status_code


async def test_what_the_store_did_not_give_was_not_delivered(
    sold: Sold, client: Client, contributor: Client, app_store: Store, monkeypatch: pytest.MonkeyPatch
):
    """Its buyer would have to attest the deletion of what it never had, and its contributor read of it."""

    async def away(*_: Any, **__: Any) -> bytes:
        raise StoreUnavailable

    url, answers = (await sold.file())["url"], []
    with monkeypatch.context() as broken:
        broken.setattr(app_store, "read", away)
        answers.append(await client.get(url))
    answers.append(await client.get(url, headers={"Range": "bytes=99999-"}))

    assert [503, 416] == [answer.status_code for answer in answers]
    assert (await contributor.get(f"/v1/recordings/{sold.recording}/uses")).json()["data"][0]["delivered_at"] is None


async def test_what_is_withdrawn_while_the_store_is_asked_is_not_handed_out(
    sold: Sold, client: Client, contributor: Client, monkeypatch: pytest.MonkeyPatch
):
    """Else a buyer had it that nobody knew of."""
    url, play = (await sold.file())["url"], releases.play

    async def withdrawing(*asked: Any) -> Any:
        answer = await play(*asked)
        assert 202 == (await trading.withdraw(contributor, sold.recording)).status_code
        return answer

    monkeypatch.setattr(releases, "play", withdrawing)

    assert 410 == (await client.get(url)).status_code


async def test_a_forged_or_late_address_leads_nowhere(client: Client, settings: Settings):
    """Whatever is wrong with it, nothing is found."""
    from api.tickets import signed

    facts = TICKET.pack(uuid4().bytes, uuid4().bytes, uuid4().bytes, b"k" * 32, 1, 100)
    good = signed(settings.master_key, b"companion delivery", facts)
    wrong = signed(settings.master_key, b"companion media link", facts)

    key, wanted = ticket_read(settings.master_key, good, now=99)
    assert (b"k" * 32, 1) == (key, wanted.version)
    for ticket, now in ((good, 101), (wrong, 99), (good[:-4] + "AAAA", 99), ("x", 99), ("é", 99)):
        with pytest.raises(DatasetMissing):
            ticket_read(settings.master_key, ticket, now)
    assert 404 == (await client.get("/v1/deliveries/x")).status_code
