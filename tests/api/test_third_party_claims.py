"""Claims without an account: what they hold at once, what they cannot, and how they end."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from litestar import Litestar

from api.validation import Workplace
from storage import reviews, third_party_claims
from storage.database import Pool, one, transaction
from storage.datasets import ALPHABET, CODE_LENGTH
from storage.errors import MoveRefused
from storage.recordings import move
from storage.third_party_claims import HOLDS_PER_NETWORK, PER_NETWORK, codes_in
from tests.api import trading
from tests.api.clients import client_of
from tests.api.taking import agree, speech, submit
from tests.api.trading import Coded

Client = httpx.AsyncClient
Published = tuple[str, str]


@pytest.fixture
async def publish(
    place: Workplace, contributor: Client, operator: Client, campaign: dict[str, Any], database: Pool
) -> Callable[[], Awaitable[Published]]:
    """Make recordings of the contributor's that are in a dataset; gives id and public code."""

    async def make() -> Published:
        recording = await trading.accepted(place, contributor, campaign)
        await trading.version(operator, [recording])
        async with transaction(database) as connection:
            query = "SELECT code FROM recording_codes WHERE recording_id = %(recording)s"
            coded = await one(connection, Coded, query, recording=recording)
        assert coded is not None
        return recording, coded.code

    return make


@pytest.fixture
async def published(publish: Callable[[], Awaitable[Published]]) -> Published:
    return await publish()


async def object_to(client: Client, where_heard: str, kind: str = "bystander") -> httpx.Response:
    body = {"kind": kind, "where_heard": where_heard, "contact": "amina@example.org"}
    return await client.post("/v1/third-party-claims", json=body)


async def state_of(contributor: Client, recording: str) -> str:
    return str((await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]["state"])


async def claims(operator: Client, recording: str) -> list[dict[str, Any]]:
    listed = (await operator.get("/v1/operator/third-party-claims", params={"limit": 200})).json()["data"]
    return [claim for claim in listed if claim["recording_id"] == recording]


@pytest.mark.parametrize("kind", ["bystander", "minor", "identity"])
async def test_a_named_recording_is_held_at_once(client: Client, contributor: Client, published: Published, kind: str):
    """Its contributor hears of it and why; the claimant has a link and no account."""
    recording, code = published

    answer = await object_to(client, f"In the file {code.lower()}.flac, after ten seconds.", kind)
    case = (await client.get(answer.json()["url"])).json()
    seen = (await contributor.get(f"/v1/recordings/{recording}")).json()
    kinds = [event["kind"] for event in (await contributor.get("/v1/events")).json()["data"]]

    assert 202 == answer.status_code, answer.text
    assert ("open", True, None) == (case["state"], case["held"], case["answer"])
    assert "held" == seen["recording"]["state"]
    assert seen["reason"].endswith(".")
    assert ["claim.opened", "recording.held"] == kinds[-2:]


async def test_a_passport_and_a_hash_name_a_recording_too(
    client: Client, contributor: Client, place: Workplace, publish: Callable[[], Awaitable[Published]]
):
    """The hash is that of the file that buyers have."""
    import hashlib

    first, second = [(await publish())[0] for _ in range(2)]
    digest = hashlib.sha256(await trading.cleaned(place, second)).hexdigest()

    by_passport = await object_to(client, f"It is in the passport {first}.")
    by_hash = await object_to(client, f"A file with SHA-256 {digest.upper()}")

    assert [True, True] == [answer.json()["held"] for answer in (by_passport, by_hash)]
    assert ["held", "held"] == [await state_of(contributor, recording) for recording in (first, second)]


async def test_words_that_name_nothing_or_several_wait_for_a_person(
    client: Client, contributor: Client, publish: Callable[[], Awaitable[Published]]
):
    """A title, an address or a list of codes holds nothing by itself."""
    (first, code), (second, other) = await publish(), await publish()

    vague = await object_to(client, "On a web page about speech corpora, on Monday at noon.")
    several = await object_to(client, f"In {code} and {other}.")

    assert [(202, False), (202, False)] == [(one.status_code, one.json()["held"]) for one in (vague, several)]
    assert ["accepted", "accepted"] == [await state_of(contributor, recording) for recording in (first, second)]


async def test_a_network_cannot_stop_many_recordings(
    client: Client, contributor: Client, publish: Callable[[], Awaitable[Published]]
):
    """The fourth claim is a case for a person; the sixth in a day has to wait."""
    recordings = [await publish() for _ in range(PER_NETWORK)]

    answers = [await object_to(client, code) for _, code in recordings]
    late = await object_to(client, recordings[0][1])

    held = [answer.json()["held"] for answer in answers]
    assert [True] * HOLDS_PER_NETWORK + [False] * (PER_NETWORK - HOLDS_PER_NETWORK) == held
    assert 429 == late.status_code
    assert int(late.headers["retry-after"]) > 80_000


async def test_a_dismissed_claim_lets_the_recording_go_on_and_is_not_repeated_cheaply(
    app: Litestar, client: Client, contributor: Client, operator: Client, published: Published
):
    """What a person has looked at is held by a person."""
    recording, code = published
    url = (await object_to(client, code)).json()["url"]
    claim = (await claims(operator, recording))[0]

    resolved = await operator.post(
        f"/v1/operator/third-party-claims/{claim['id']}/resolution",
        json={"state": "dismissed", "answer": "The only voice in it is its contributor's."},
    )
    after = await state_of(contributor, recording)
    async with client_of(app) as elsewhere:
        again = await object_to(elsewhere, code)
    case = (await client.get(url)).json()

    assert 201 == resolved.status_code, resolved.text
    assert resolved.json()["contact"] is None
    told = ("dismissed", False, "The only voice in it is its contributor's.")
    assert told == (case["state"], case["held"], case["answer"])
    assert "accepted" == after == await state_of(contributor, recording)
    assert again.json()["held"] is False


async def test_an_upheld_claim_ends_every_licence(
    app: Litestar, client: Client, contributor: Client, operator: Client, published: Published, database: Pool
):
    """Its buyer gets it no more, and it cannot be sold again."""
    recording, code = published
    await trading.listed(database)
    buyer, dataset = await trading.buyer(operator), await trading.version(operator, [recording])
    assert 201 == (await trading.sell(operator, buyer["id"], dataset)).status_code
    await object_to(client, code, "minor")
    claim = (await claims(operator, recording))[0]

    await operator.post(
        f"/v1/operator/third-party-claims/{claim['id']}/resolution",
        json={"state": "upheld", "answer": "Nobody can buy it any more."},
    )
    use = (await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"][0]
    again = await trading.sell(operator, buyer["id"], dataset)
    async with client_of(app, await trading.key(operator, buyer["id"])) as asking:
        file = (await asking.get(f"/v1/datasets/{dataset}/releases/1")).json()["files"][0]

    kinds = [event["kind"] for event in (await contributor.get("/v1/events")).json()["data"]]
    assert "withdrawn" == await state_of(contributor, recording)
    assert {"consent.withdrawn", "claim.resolved"} <= set(kinds)
    assert use["ended_at"] is not None
    assert {recording: "withdrawn"} == again.json()["refused"]
    assert "ended" == file["status"]


async def test_what_a_claim_was_upheld_about_does_not_come_back_by_a_dispute(
    client: Client, contributor: Client, campaign: dict[str, Any], database: Pool
):
    """It had been rejected when the claim was decided; whoever answers the dispute may not know of it."""
    recording = UUID(await submit(contributor, campaign, speech()))
    await agree(contributor, campaign, str(recording))
    await object_to(client, f"Passport {recording}")
    async with transaction(database) as connection:
        for state in ("in_review", "rejected"):
            await move(connection, recording, state, by="operator", because="Too loud.")
        (case,) = [one for one in await third_party_claims.listing(connection) if one.recording_id == recording]
        await third_party_claims.resolve(connection, case.id, None, "upheld", "Nobody gets it.")
        await move(connection, recording, "in_review", by="contributor", because="It is not too loud.")

    with pytest.raises(MoveRefused):
        async with transaction(database) as connection:
            await reviews.decide(connection, recording, "accepted", "It is not too loud.")

    assert "in_review" == await state_of(contributor, str(recording))


async def test_an_open_claim_stops_a_sale_even_where_it_holds_nothing(
    client: Client, operator: Client, publish: Callable[[], Awaitable[Published]], database: Pool
):
    """The fourth recording of one network is not held, and not sold either."""
    await trading.listed(database)
    for _, code in [await publish() for _ in range(HOLDS_PER_NETWORK)]:
        await object_to(client, code)
    recording, code = await publish()
    claimed = await object_to(client, code)

    answer = await trading.sell(
        operator, (await trading.buyer(operator))["id"], await trading.version(operator, [recording])
    )

    assert claimed.json()["held"] is False
    assert {recording: "claimed"} == answer.json()["refused"]


async def test_an_operator_finds_the_recording_that_is_meant(
    client: Client, contributor: Client, operator: Client, published: Published
):
    """And holds it; a case that is decided stays decided."""
    words = f"In a film about harbours, {uuid4().hex[:8]}."
    await object_to(client, words)
    listed = (await operator.get("/v1/operator/third-party-claims", params={"only": "open"})).json()["data"]
    claim = next(claim for claim in listed if claim["where_heard"] == words)
    url = f"/v1/operator/third-party-claims/{claim['id']}"

    held = await operator.post(f"{url}/holds", json={"recording": published[0]})
    ended = await operator.post(f"{url}/resolution", json={"state": "upheld", "answer": "You are right."})
    again = await operator.post(f"{url}/resolution", json={"state": "dismissed", "answer": "No."})

    assert (201, published[0], True) == (held.status_code, held.json()["recording_id"], held.json()["held"])
    assert 201 == ended.status_code
    assert "/problems/case-closed" == again.json()["type"]
    assert "withdrawn" == await state_of(contributor, published[0])


async def test_a_case_is_read_by_its_link_only(client: Client, published: Published):
    """Nobody guesses 256 bits."""
    await object_to(client, published[1])

    assert 404 == (await client.get("/v1/third-party-claims/0J3k0T8zq1mXv5cB7wYhQn2sLr4uPd6e")).status_code


@given(st.text(ALPHABET, min_size=CODE_LENGTH, max_size=CODE_LENGTH), st.booleans())
def test_a_code_is_found_however_it_was_copied(code: str, dashes: bool):
    """In small letters, in groups, with O for 0 and I for 1, and inside of a file's name."""
    copied = code.replace("0", "o").replace("1", "i").lower()
    shown = "-".join((copied[:4], copied[4:8], copied[8:])) if dashes else copied

    assert code in codes_in(f"heard in {shown}.flac yesterday")


@given(st.text())
def test_any_words_can_be_read(text: str):
    """A claim is never refused for how it is written."""
    assert all(len(code) == CODE_LENGTH for code in codes_in(text))
