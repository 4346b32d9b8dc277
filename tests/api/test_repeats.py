"""A phone that lost the answer asks again: the second answer is the first one, with an Idempotency-Key and without."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias
from uuid import uuid4

import httpx
import pytest

from api.validation import Workplace
from storage.database import Pool, run, transaction
from tests.api import trading
from tests.api.paying import IBAN, account_of, confirmed
from tests.api.taking import TUS, claim, slug, speech, submit

Client: TypeAlias = httpx.AsyncClient
Campaign: TypeAlias = dict[str, Any]


class Request(NamedTuple):
    """What a phone sends, and sends again."""

    client: Client
    method: str
    path: str
    body: Any = None
    headers: dict[str, str] | None = None


class Household(NamedTuple):
    """Who asks, and what there is to ask about."""

    contributor: Client
    operator: Client
    campaign: Campaign
    owned: dict[str, str]
    place: Workplace
    database: Pool


async def withdrawal(home: Household) -> Request:
    recording = await trading.accepted(home.place, home.contributor, home.campaign)
    return Request(home.contributor, "POST", f"/v1/recordings/{recording}/withdrawals", {"uses": ["*"]})


async def withdrawal_of_one_use(home: Household) -> Request:
    recording = await trading.accepted(home.place, home.contributor, home.campaign)
    return Request(home.contributor, "POST", f"/v1/recordings/{recording}/withdrawals", {"uses": ["asr_training"]})


async def dispute(home: Household) -> Request:
    recording = await trading.accepted(home.place, home.contributor, home.campaign)
    async with transaction(home.database) as connection:
        query = "UPDATE recordings SET state = %(to)s WHERE id = %(id)s"
        recording = await submit(home.contributor, home.campaign, speech())
        await run(connection, query, id=recording, to="needs_fix")
        await run(connection, "UPDATE recordings SET object_key = 'x' WHERE id = %(id)s", id=recording)
    return Request(home.contributor, "POST", f"/v1/recordings/{recording}/disputes", {"text": "It is the fridge."})


async def announcement(home: Household) -> Request:
    wish = {"campaign": home.campaign["id"], "sha256": uuid4().hex * 2, "size_bytes": 1000, "media_type": "audio/wav"}
    return Request(home.contributor, "POST", "/v1/recordings", wish)


async def deletion(home: Household) -> Request:
    recording = (await claim(home.contributor, home.campaign, speech())).json()["id"]
    return Request(home.contributor, "DELETE", f"/v1/recordings/{recording}")


async def cancelled_payout(home: Household) -> Request:
    return Request(home.contributor, "POST", f"/v1/payouts/{home.owned['payout']}/cancel")


async def bank_account(home: Household) -> Request:
    await confirmed(home.database, await account_of(home.contributor, home.database))
    bank = {"method": "sepa", "holder": "Amina Okello", "iban": IBAN}
    return Request(home.contributor, "POST", "/v1/payout-destinations", bank)


async def removed_bank_account(home: Household) -> Request:
    await home.contributor.post(f"/v1/payouts/{home.owned['payout']}/cancel")
    return Request(home.contributor, "DELETE", f"/v1/payout-destinations/{home.owned['destination']}")


async def lost_phone(home: Household) -> Request:
    sessions = (await home.contributor.get("/v1/sessions")).json()["data"]
    account = await account_of(home.contributor, home.database)
    async with transaction(home.database) as connection:
        query = "INSERT INTO sessions (account_id, device) VALUES (%(account)s, 'lost') RETURNING id"
        cursor = await connection.execute(query, {"account": account})
        other = (await cursor.fetchone())[0]  # type: ignore[index]
    assert str(other) not in {session["id"] for session in sessions}
    return Request(home.contributor, "DELETE", f"/v1/sessions/{other}")


async def named_dataset(home: Household) -> Request:
    body = {"slug": f"speech-{uuid4().hex[:8]}", "title": "Speech", "description": "Read aloud."}
    return Request(home.operator, "POST", "/v1/operator/datasets", body)


async def published_version(home: Household) -> Request:
    named = await named_dataset(home)
    dataset = (await home.operator.post(named.path, json=named.body)).json()["id"]
    recording = await trading.accepted(home.place, home.contributor, home.campaign)
    return Request(home.operator, "POST", f"/v1/operator/datasets/{dataset}/versions", {"recordings": [recording]})


async def decided_claim(home: Household) -> Request:
    words = f"In a film about harbours, {uuid4().hex[:8]}."
    body = {"kind": "bystander", "where_heard": words, "contact": "a@example.org"}
    await home.operator.post("/v1/third-party-claims", json=body)
    listed = (await home.operator.get("/v1/operator/third-party-claims", params={"only": "open"})).json()["data"]
    case = next(one for one in listed if one["where_heard"] == words)
    body = {"state": "dismissed", "answer": "We found nobody in it."}
    return Request(home.operator, "POST", f"/v1/operator/third-party-claims/{case['id']}/resolution", body)


async def revoked_key(home: Household) -> Request:
    await trading.listed(home.database)
    buyer = (await trading.buyer(home.operator))["id"]
    made = (await home.operator.post(f"/v1/operator/buyers/{buyer}/keys")).json()
    return Request(home.operator, "DELETE", f"/v1/operator/buyers/{buyer}/keys/{made['key']['id']}")


PREPARED: list[Callable[[Household], Awaitable[Request]]] = [
    withdrawal, withdrawal_of_one_use, dispute, announcement, deletion, cancelled_payout, bank_account,
    removed_bank_account, lost_phone, named_dataset, published_version, decided_claim, revoked_key,
]  # fmt: skip


@pytest.fixture
async def home(
    contributor: Client,
    operator: Client,
    campaign: Campaign,
    owned: dict[str, str],
    place: Workplace,
    database: Pool,
) -> Household:
    return Household(contributor, operator, campaign, owned, place, database)


async def sent(request: Request, key: str | None) -> httpx.Response:
    """Send a request, as often as a phone thinks that it has to."""
    headers = {} if key is None else {"Idempotency-Key": key}
    return await request.client.request(request.method, request.path, json=request.body, headers=headers)


@pytest.mark.parametrize("keyed", [False, True], ids=["without-key", "with-key"])
@pytest.mark.parametrize("prepare", PREPARED, ids=lambda prepare: prepare.__name__)
async def test_what_is_asked_again_is_answered_again(
    home: Household, prepare: Callable[[Household], Awaitable[Request]], keyed: bool
):
    request, key = await prepare(home), uuid4().hex if keyed else None

    first, again = await sent(request, key), await sent(request, key)

    assert first.is_success, first.text
    # An announced recording that is there already is no longer created.
    assert first.status_code == again.status_code or (201, 200) == (first.status_code, again.status_code), again.text
    assert what(first) == what(again)


def what(answer: httpx.Response) -> Any:
    """What was made, without the time that an upload still has."""
    return answer.content and {**answer.json(), "upload": None}


async def test_other_words_are_another_request(home: Household):
    """A repeat is one that asks for the same: a second dispute, or a use that was never given, is refused."""
    request = await dispute(home)
    await sent(request, None)

    other = await sent(request._replace(body={"text": "Look again."}), None)
    unknown = await sent((await withdrawal(home))._replace(body={"uses": ["voice_cloning"]}), None)

    assert ("dispute-open", "withdrawal-refused") == (slug(other), slug(unknown))


async def test_an_upload_that_was_given_up_is_gone(home: Household):
    """As tus has it: whoever gave it up hears 404 the second time, and the bytes can be announced again."""
    data = speech()
    url = (await claim(home.contributor, home.campaign, data)).json()["upload"]["url"]

    answers = [await home.contributor.delete(url, headers=TUS) for _ in range(2)]

    assert [204, 404] == [answer.status_code for answer in answers]
    assert 201 == (await claim(home.contributor, home.campaign, data)).status_code
