"""Sales: what may be sold to whom, what a contributor hears of it, and what is refused."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.validation import Workplace
from storage import consents, recordings, royalties, sales
from storage.database import Pool, every, transaction
from storage.errors import DatabaseBusy
from tests.api import trading

Client = httpx.AsyncClient


@pytest.fixture(autouse=True)
async def screening_list(database: Pool) -> None:
    await trading.listed(database)


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any]) -> str:
    return await trading.accepted(place, contributor, campaign)


async def test_a_contributor_sees_who_uses_a_recording_and_what_it_pays(
    contributor: Client, operator: Client, recording: str
):
    """By name, country, purpose and end; half of the fee is theirs, as their terms say."""
    buyer = await trading.buyer(operator)
    dataset = await trading.version(operator, [recording])

    sold = await trading.sell(operator, buyer["id"], dataset)
    uses = (await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"]

    assert 201 == sold.status_code, sold.text
    assert 1 == sold.json()["recordings"]
    assert [buyer["legal_name"]] == [use["buyer"] for use in uses]
    assert "DE" == uses[0]["country"]
    assert 100_000_000 == uses[0]["fee"]["micros"]
    assert 50_000_000 == uses[0]["your_share"]["micros"]
    assert uses[0]["delivered_at"] is None


async def test_a_version_that_is_published_many_times_at_once_is_one(operator: Client, recording: str):
    """Whoever waited for the one before counted without it, and heard of an internal error."""
    made = {"slug": f"s-{uuid4().hex}", "title": "Read speech", "description": "Sentences."}
    dataset = (await operator.post("/v1/operator/datasets", json=made)).json()["id"]
    url, wish = f"/v1/operator/datasets/{dataset}/versions", {"recordings": [recording], "campaigns": []}

    answers = await asyncio.gather(*(operator.post(url, json=wish) for _ in range(6)))

    assert [(201, 1)] * 6 == [(answer.status_code, answer.json().get("version")) for answer in answers]


async def test_a_licence_that_is_over_is_not_sold(operator: Client, recording: str):
    """A day that has passed is a slip, and no fault of ours."""
    buyer, dataset = await trading.buyer(operator), await trading.version(operator, [recording])

    answer = await trading.sell(operator, buyer["id"], dataset, ends_at=trading.in_days(-1))

    assert (422, "/problems/licence-over") == (answer.status_code, answer.json()["type"])


async def test_a_buyer_that_is_no_id_is_told_by_its_place(operator: Client):
    """Litestar called it a fault of ours while a dependency had the same name."""
    answer = await trading.sell(operator, "Harbour Speech", str(uuid4()))

    assert (400, ["/buyer"]) == (answer.status_code, [entry["pointer"] for entry in answer.json()["errors"]])


async def test_a_withdrawn_use_tells_what_its_buyer_does(contributor: Client, operator: Client, recording: str):
    """It ended, what it earned stays, and the notice to the buyer is under way."""
    dataset = await trading.version(operator, [recording])
    await trading.sell(operator, (await trading.buyer(operator))["id"], dataset)
    await contributor.post(f"/v1/recordings/{recording}/withdrawals", json={"uses": ["*"]})

    use = (await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"][0]

    assert ("queued", 50_000_000) == (use["notice"], use["your_share"]["micros"])
    assert use["ended_at"] is not None


async def test_a_contributor_hears_of_a_sale_in_the_stream(contributor: Client, operator: Client, recording: str):
    """Numbered in the same gap-free sequence as everything else."""
    buyer = await trading.buyer(operator)
    await trading.sell(operator, buyer["id"], await trading.version(operator, [recording]))

    events = (await contributor.get("/v1/events")).json()["data"]
    told = [event for event in events if event["kind"] == "use.started"]

    assert list(range(1, len(events) + 1)) == [event["number"] for event in events]
    assert [recording] == [event["recording"] for event in told]
    assert buyer["legal_name"] == told[0]["data"]["buyer"]


async def test_a_sale_pays_its_contributors_at_once(
    contributor: Client, operator: Client, recording: str, database: Pool
):
    """The share that is shown is the one that is in the ledger, in the same transaction as the sale."""
    sold = await trading.sell(
        operator, (await trading.buyer(operator))["id"], await trading.version(operator, [recording])
    )

    async with transaction(database) as connection:
        query = "SELECT gross_micros FROM balance_transactions WHERE type = 'royalty' AND sale_id = %(sale)s"
        paid = await every(connection, trading.Paid, query, sale=sold.json()["id"])

    assert [50_000_000] == [line.gross_micros for line in paid]


async def test_a_large_sale_in_no_currency_does_not_stop_all_others(
    operator: Client, recording: str, monkeypatch: pytest.MonkeyPatch
):
    """It could never be settled, and every sale behind it would wait."""
    monkeypatch.setattr(sales, "SETTLED_AT_ONCE", 0)
    dataset = await trading.version(operator, [recording])

    refused = await trading.sell(operator, (await trading.buyer(operator))["id"], dataset, currency="EUU")

    assert (422, "currency-unknown") == (refused.status_code, refused.json()["type"].rsplit("/", 1)[-1])


async def test_a_price_is_divided_without_losing_a_micro(
    place: Workplace, contributor: Client, operator: Client, campaign: dict[str, Any], recording: str
):
    """Three recordings of one length and a price that three does not divide."""
    others = [await trading.accepted(place, contributor, campaign) for _ in range(2)]
    dataset = await trading.version(operator, [recording, *others])

    await trading.sell(operator, (await trading.buyer(operator))["id"], dataset, price_micros=100)
    fees = [
        (await contributor.get(f"/v1/recordings/{one}/uses")).json()["data"][0]["fee"]["micros"]
        for one in (recording, *others)
    ]

    assert 100 == sum(fees)
    assert {33, 34} == set(fees)


@pytest.mark.parametrize(
    ("wrong", "because"),
    [
        ({"country": "XX"}, "country-listed: XX"),
        ({"sector": "surveillance"}, "sector-listed: surveillance"),
        ({"legal_name": "NORD Aggression Holding Ltd."}, "name-listed: aggression holding nord"),
        ({"legal_name": "Nord Aggression Holding Fruit Imports"}, "name-alike: aggression holding nord"),
    ],
)
async def test_nothing_is_sold_to_a_buyer_that_screening_stops(
    operator: Client, recording: str, wrong: dict[str, str], because: str
):
    """What is listed is refused; a name that is like a listed one waits for a person."""
    buyer = await trading.buyer(operator, **wrong)

    answer = await trading.sell(operator, buyer["id"], await trading.version(operator, [recording]))

    assert because == buyer["screening_because"]
    assert 409 == answer.status_code
    assert "/problems/buyer-refused" == answer.json()["type"]


async def test_a_person_can_clear_a_name_that_is_only_alike(operator: Client, recording: str, database: Pool):
    """And it stays cleared when the next day's list names the same company again."""
    buyer = await trading.buyer(operator, legal_name="Nord Aggression Holding Fruit Imports")
    url = f"/v1/operator/buyers/{buyer['id']}"

    cleared = await operator.post(f"{url}/clearances", json={"because": "Sells apples since 1911."})
    await trading.listed(database)

    assert "cleared" == cleared.json()["screening"]
    assert "cleared" == (await operator.get(url)).json()["screening"]


async def test_a_buyer_that_is_listed_later_is_sold_nothing_more(operator: Client, recording: str, database: Pool):
    """Every buyer is judged anew with every list."""
    buyer = await trading.buyer(operator, country="ZZ")
    async with transaction(database) as connection:
        from storage import screening

        await screening.load(connection, trading.LIST + b"country,ZZ,test\n")

    answer = await trading.sell(operator, buyer["id"], await trading.version(operator, [recording]))
    await trading.listed(database)

    assert "/problems/buyer-refused" == answer.json()["type"]


async def refusals(operator: Client, recording: str, **more: Any) -> dict[str, str]:
    buyer, dataset = await trading.buyer(operator), await trading.version(operator, [recording])
    answer = await trading.sell(operator, buyer["id"], dataset, **more)
    assert 409 == answer.status_code, answer.text
    assert "/problems/not-for-sale" == answer.json()["type"]
    return dict(answer.json()["refused"])


async def test_a_use_that_was_not_given_is_not_sold(operator: Client, recording: str):
    """Not listed in the terms is prohibited."""
    assert {recording: "use-not-given"} == await refusals(operator, recording, uses=["asr_training", "voice_cloning"])


async def test_nothing_is_sold_beyond_the_term_of_its_consent(operator: Client, recording: str):
    """No grant is without an end, and no licence outlives it."""
    assert {recording: "term-too-short"} == await refusals(operator, recording, ends_at=trading.in_days(365 * 50))


async def test_what_its_terms_exclude_is_not_sold_to_that_sector(operator: Client, recording: str):
    """The sheet names sectors besides the operator's list."""
    buyer = await trading.buyer(operator, sector="military")
    answer = await trading.sell(operator, buyer["id"], await trading.version(operator, [recording]))

    assert {recording: "sector-excluded"} == answer.json()["refused"]


@pytest.mark.parametrize(
    ("territory", "country", "sold"),
    [
        ({"include": ["FR", "DE"]}, "DE", True),
        ({"include": ["FR"]}, "DE", False),
        ({"include": ["worldwide"], "exclude": ["DE"]}, "DE", False),
        ({"include": ["worldwide"], "exclude": ["US-IL"]}, "US", True),
    ],
)
async def test_nothing_is_sold_to_where_its_terms_do_not_count(
    database: Pool, operator: Client, recording: str, territory: dict[str, Any], country: str, sold: bool
):
    """A part of a country binds what a buyer does there, not where it is."""
    await trading.under(database, recording, {"territory": territory})
    buyer = await trading.buyer(operator, country=country)
    answer = await trading.sell(operator, buyer["id"], await trading.version(operator, [recording]))

    assert (None if sold else {recording: "territory-excluded"}) == answer.json().get("refused")


async def test_a_held_recording_stops_a_sale_or_is_left_out_of_it(
    place: Workplace,
    contributor: Client,
    operator: Client,
    campaign: dict[str, Any],
    recording: str,
    database: Pool,
):
    """A price is never paid for less than was talked about, unless the operator says so."""
    other = await trading.accepted(place, contributor, campaign)
    buyer, dataset = await trading.buyer(operator), await trading.version(operator, [recording, other])
    async with transaction(database) as connection:
        await recordings.move(connection, UUID(other), "held", by="operator", because=None)

    stopped = await trading.sell(operator, buyer["id"], dataset)
    without = await trading.sell(operator, buyer["id"], dataset, without_refused=True)

    assert {other: "held"} == stopped.json()["refused"]
    assert 201 == without.status_code, without.text
    assert 1 == without.json()["recordings"]


async def test_a_dataset_lists_accepted_recordings_only(contributor: Client, operator: Client):
    """What nobody may buy is not published."""
    dataset = (
        await operator.post("/v1/operator/datasets", json={"slug": f"x-{uuid4()}", "title": "x", "description": "x"})
    ).json()["id"]

    answer = await operator.post(f"/v1/operator/datasets/{dataset}/versions", json={"recordings": [str(uuid4())]})

    assert "/problems/not-for-sale" == answer.json()["type"]


async def test_the_uses_of_a_recording_are_its_owner_s(other: Client, operator: Client, recording: str):
    """Somebody else hears the same as for an id that nobody has."""
    await trading.sell(operator, (await trading.buyer(operator))["id"], await trading.version(operator, [recording]))

    assert 404 == (await other.get(f"/v1/recordings/{recording}/uses")).status_code
    assert 404 == (await other.get(f"/v1/recordings/{uuid4()}/uses")).status_code


async def test_uses_come_page_by_page_and_are_not_sent_twice(contributor: Client, operator: Client, recording: str):
    """A cursor goes on after a sale, and an unchanged page is 304."""
    dataset = await trading.version(operator, [recording])
    for _ in range(3):
        await trading.sell(operator, (await trading.buyer(operator))["id"], dataset)
    url = f"/v1/recordings/{recording}/uses"

    first = await contributor.get(url, params={"limit": 2})
    second = await contributor.get(url, params={"limit": 2, "cursor": first.json()["next_cursor"]})
    again = await contributor.get(url, params={"limit": 2}, headers={"If-None-Match": first.headers["etag"]})

    assert (2, 1) == (len(first.json()["data"]), len(second.json()["data"]))
    assert second.json()["next_cursor"] is None
    assert 304 == again.status_code


async def test_a_sale_in_flight_lets_titles_change_and_keeps_recordings_where_they_are(
    contributor: Client, database: Pool, recording: str
):
    """One of a hundred thousand is written for minutes: only who takes a recording away waits for it."""
    until = datetime.now(UTC) + timedelta(days=30)
    async with transaction(database) as selling:
        assert await consents.lock_for_sale(selling, [UUID(recording)], ["asr_training"], until)
        named = await asyncio.wait_for(
            contributor.patch(f"/v1/recordings/{recording}", json={"title": "Breakfast"}), timeout=10
        )
        with pytest.raises(DatabaseBusy):
            await held_at_once(database, recording)

    assert (200, "Breakfast") == (named.status_code, named.json()["title"])


async def held_at_once(database: Pool, recording: str) -> None:
    """Take a recording out of sale, or give up after a moment."""
    async with transaction(database) as moving:
        await moving.execute("SET LOCAL lock_timeout = '100ms'")
        await recordings.move(moving, UUID(recording), "held", by="operator", because="claim-privacy")


async def test_what_a_line_was_paid_is_looked_up_by_itself(database: Pool):
    """Not by reading for each line what was paid for the whole sale, as a join would: that took hours for 100,000."""
    async with transaction(database) as connection:
        await connection.execute("SET LOCAL enable_seqscan = off")
        rows = await connection.execute("EXPLAIN " + royalties.UNSETTLED, {"sale": uuid4(), "recordings": [uuid4()]})
        plan = [str(row[0]).strip() for row in await rows.fetchall()]

    assert "Index Cond: ((sale_id = l.sale_id) AND (recording_id = l.recording_id))" in plan
