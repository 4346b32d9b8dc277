"""What a contributor reads of their money: every figure can be traced, computed again, and paged without a gap."""

import json
from importlib.resources import files
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.earnings import projected
from api.explanation_texts import texts
from api.validation import Workplace
from capture_validation.texts import LOCALES
from storage import corrections, rates
from storage.database import Pool, transaction
from storage.earnings import Week
from storage.ledger.amounts import half_even
from tests.api import trading
from tests.api.earning import earned
from tests.api.taking import claim, offered

Client = httpx.AsyncClient
PAY = 36_667


@pytest.fixture(autouse=True)
async def screening_list(database: Pool) -> None:
    await trading.listed(database)


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any]) -> str:
    return await trading.accepted(place, contributor, campaign)


@pytest.fixture
async def sold(operator: Client, recording: str) -> str:
    """A recording that was accepted and sold for a hundred; its id."""
    buyer = await trading.buyer(operator)
    answer = await trading.sell(operator, buyer["id"], await trading.version(operator, [recording]))
    assert 201 == answer.status_code, answer.text
    return recording


def again(explanation: dict[str, Any]) -> int:
    """Compute an amount again from its explanation alone, as any client can, and hold every step to it."""
    steps = explanation["steps"]
    named: dict[str, Any] = {step["op"]: step for step in steps if step["op"] not in {"minus", "equals"}}
    if "rate" in named:
        gone = {ms for span in named["times"]["removed"] for ms in range(span["start_ms"], span["end_ms"])}
        assert named["times"]["ms"] == named["times"]["of_ms"] - len(gone)
        gross = half_even(named["rate"]["micros"] * named["times"]["ms"], named["rate"]["per_ms"])
    else:
        price = named["price"]
        assert price["micros"] == price["whole_micros"] * price["ms"] // price["of_ms"] + price["extra_micros"]
        gross = half_even(price["micros"] * named["share"]["bps"], 10_000)
    left, sums = gross, []
    for step in steps:
        if step["op"] == "minus":
            base = gross if step["of"] == "gross" else left
            taken = min(half_even(base * step["bps"], 10_000), left)
            assert taken == step["micros"]
            left -= taken
        if step["op"] == "equals":
            sums.append(step["micros"])
    assert [gross, left] == sums
    return left


async def test_every_amount_can_be_computed_again_from_its_explanation(contributor: Client, sold: str, database: Pool):
    """An accepted recording, a sale, and one with a fee: from the JSON alone, to the micro."""
    await earned(database, (await another(contributor))["id"], ms=7_919)
    lines = (await contributor.get("/v1/balance-transactions")).json()["data"]

    computed = {}
    for line in lines:
        explanation = (await contributor.get(line["explanation_url"])).json()
        assert line["net"] == explanation["net"]
        computed[line["id"]] = again(explanation)

    assert {line["id"]: line["net"]["micros"] for line in lines} == computed
    assert {"earning", "royalty"} == {line["type"] for line in lines}
    assert [line for line in lines if line["fee"]["micros"]]


async def another(contributor: Client) -> dict[str, Any]:
    """Another recording of the contributor, announced only."""
    campaigns = await offered(contributor, media="audio")
    claimed = await claim(contributor, campaigns[-1], uuid4().bytes * 40)
    return dict(claimed.json())


async def test_an_explanation_speaks_the_reader_s_language(contributor: Client, recording: str):
    line = (await contributor.get("/v1/balance-transactions")).json()["data"][0]

    german = await contributor.get(line["explanation_url"], headers={"Accept-Language": "de-AT, en;q=0.5"})
    english = await contributor.get(line["explanation_url"])

    assert "Angenommene Zeit" == german.json()["steps"][1]["label"]
    assert "12,00 € je Stunde" == german.json()["steps"][0]["value"].replace("\xa0", " ").replace("€ 12,00", "12,00 €")
    assert "11 sec" == english.json()["steps"][1]["value"]
    assert "Accept-Language" in german.headers["vary"]
    assert again(english.json()) == again(german.json()) == PAY


@pytest.mark.parametrize("language", LOCALES)
def test_every_language_has_every_text(language: str):
    """And every text has the same places for amounts."""
    raw = json.loads(files("api.explanation_texts").joinpath(f"{language}.json").read_text())

    assert texts("en").keys() == raw.keys()
    assert [] == [key for key in raw if texts("en")[key].count("{") != raw[key].count("{")]
    assert all(raw.values())


async def test_a_balance_says_where_the_money_is_and_when_it_comes(contributor: Client, sold: str):
    (balance,) = (await contributor.get("/v1/balances")).json()["data"]

    assert ("EUR", PAY + 50_000_000) == (balance["currency"], balance["pending"]["micros"])
    assert [0] * 5 == [
        balance[name]["micros"] for name in ("available", "reserved", "in_transit", "paid_total", "owed")
    ]
    assert balance["next_available_at"] is not None
    assert "€50.04" == balance["pending"]["display"]


async def test_amounts_of_two_currencies_never_meet(contributor: Client, recording: str, database: Pool):
    await earned(database, (await another(contributor))["id"], currency="JPY")

    balances = (await contributor.get("/v1/balances")).json()["data"]
    totals = (await contributor.get("/v1/earnings/summary")).json()["totals"]

    assert ["EUR", "JPY"] == [balance["currency"] for balance in balances]
    assert [PAY, 33_000] == [balance["pending"]["micros"] for balance in balances]
    assert [PAY, 33_000] == [total["net"]["micros"] for total in totals]


async def test_pages_are_stable_while_lines_are_added(contributor: Client, database: Pool):
    """Twenty lines, read three at a time while others arrive: each once, none left out."""
    for _ in range(20):
        await earned(database, (await another(contributor))["id"])
    before = [line["id"] for line in (await contributor.get("/v1/balance-transactions?limit=200")).json()["data"]]

    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 3} | ({"cursor": cursor} if cursor else {})
        listed = (await contributor.get("/v1/balance-transactions", params=query)).json()
        seen += [line["id"] for line in listed["data"]]
        cursor = listed["next_cursor"]
        if cursor is None:
            break
        await earned(database, (await another(contributor))["id"])

    assert before == seen


async def test_a_copy_that_is_current_is_not_sent_again(contributor: Client, recording: str):
    line = (await contributor.get("/v1/balance-transactions")).json()["data"][0]
    for path in (
        "/v1/balances",
        "/v1/balance-transactions",
        "/v1/earnings/summary",
        f"/v1/recordings/{recording}/earnings",
        line["explanation_url"],
        "/v1/earnings/projection",
        "/v1/rates",
    ):
        first = await contributor.get(path)
        second = await contributor.get(path, headers={"If-None-Match": first.headers["etag"]})
        other = await contributor.get(path, headers={"If-None-Match": first.headers["etag"], "Accept-Language": "de"})
        assert (200, 304, b"") == (first.status_code, second.status_code, second.content), path
        assert 200 == other.status_code, path


async def test_lines_are_found_by_type_recording_and_time(contributor: Client, sold: str):
    async def found(**query: str) -> list[str]:
        listed = (await contributor.get("/v1/balance-transactions", params=query)).json()["data"]
        return [line["type"] for line in listed]

    assert ["royalty", "earning"] == await found()
    assert ["royalty"] == await found(type="royalty")
    assert ["royalty", "earning"] == await found(recording=sold)
    assert [] == await found(recording=str(uuid4()))
    assert [] == await found(to="2020-01-01T00:00:00Z")
    assert ["royalty", "earning"] == await found(**{"from": "2020-01-01T00:00:00Z"})
    assert 400 == (await contributor.get("/v1/balance-transactions?type=gift")).status_code
    assert 400 == (await contributor.get("/v1/balance-transactions?cursor=!")).status_code


async def test_what_was_taken_back_is_shown_with_its_reason(contributor: Client, recording: str, database: Pool):
    (line,) = (await contributor.get("/v1/balance-transactions")).json()["data"]
    async with transaction(database) as connection:
        await corrections.claw_back(connection, UUID(line["id"]), "It was not yours.")

    back, first = (await contributor.get("/v1/balance-transactions")).json()["data"]

    assert ("reversed", back["id"]) == (first["status"], first["reversed_by"])
    assert ("reversal", "It was not yours.", -PAY) == (back["type"], back["because"], back["net"]["micros"])
    assert {"type": "balance_transaction", "id": first["id"], "url": None} == back["source"]
    assert 404 == (await contributor.get(f"/v1/earnings/{back['id']}/explanation")).status_code


@pytest.mark.parametrize(("group_by", "parts"), [("month", 1), ("recording", 1), ("use", 2), ("buyer", 2)])
async def test_a_summary_adds_up_whatever_it_is_grouped_by(contributor: Client, sold: str, group_by: str, parts: int):
    summary = (await contributor.get("/v1/earnings/summary", params={"group_by": group_by})).json()

    assert PAY + 50_000_000 == summary["totals"][0]["net"]["micros"]
    assert PAY + 50_000_000 == sum(part["net"]["micros"] for part in summary["parts"])
    assert PAY + 50_000_000 == sum(point["net"]["micros"] for point in summary["points"])
    assert parts == len(summary["parts"])


async def test_a_summary_is_of_its_period(contributor: Client, sold: str):
    month = (await contributor.get("/v1/earnings/summary")).json()["points"][0]["month"]

    for period, lines in ((month, 2), (month[:4], 2), ("2019", 0), ("2019-12", 0)):
        totals = (await contributor.get("/v1/earnings/summary", params={"period": period})).json()["totals"]
        assert lines == sum(total["lines"] for total in totals), period
    for wrong in ("20", "2026-13", "9999", "2026-1", "x"):
        assert 400 == (await contributor.get("/v1/earnings/summary", params={"period": wrong})).status_code, wrong


async def test_a_recording_tells_what_it_earned_in_its_life(contributor: Client, other: Client, sold: str):
    earnings = (await contributor.get(f"/v1/recordings/{sold}/earnings")).json()

    assert PAY + 50_000_000 == earnings["lifetime"][0]["net"]["micros"]
    assert ["royalty", "earning"] == [line["type"] for line in earnings["data"]]
    assert 404 == (await other.get(f"/v1/recordings/{sold}/earnings")).status_code


async def test_a_projection_is_made_of_past_weeks_and_promises_nothing(contributor: Client, recording: str):
    (projection,) = (await contributor.get("/v1/earnings/projection?weeks=8")).json()["data"]

    assert [PAY * 8] * 3 == [projection[name]["micros"] for name in ("low", "likely", "high")]
    assert [PAY] == [money["micros"] for money in projection["inputs"]]
    assert projection["promise"] is False


def test_a_projection_takes_quartiles():
    """Of seven weeks the middle one belongs to both halves, as Tukey's hinges have it."""
    past = [Week("EUR", ago, micros) for ago, micros in enumerate([70, 10, 30, 50, 20, 60, 40])]

    seen = projected("EUR", past, 2, "en")

    assert (50, 80, 110) == (seen.low.micros, seen.likely.micros, seen.high.micros)


async def test_nobody_reads_another_s_money(contributor: Client, other: Client, recording: str):
    line = (await contributor.get("/v1/balance-transactions")).json()["data"][0]

    assert [] == (await other.get("/v1/balance-transactions")).json()["data"]
    assert [] == (await other.get("/v1/balances")).json()["data"]
    assert [] == (await other.get("/v1/balance-transactions", params={"recording": recording})).json()["data"]
    assert 404 == (await other.get(line["explanation_url"])).status_code


async def test_an_estimate_is_explained_and_binds_nobody(client: Client, campaign: dict[str, Any]):
    """The very steps by which a recording is paid."""
    url = f"/v1/campaigns/{campaign['id']}/estimate"

    answer = await client.get(url, params={"duration": "PT11S"})
    assert 200 == answer.status_code, answer.text

    estimate = answer.json()
    assert PAY == estimate["net"]["micros"] == again(estimate)
    assert (False, "P7D", 11_000) == (estimate["binding"], estimate["hold"], estimate["duration_ms"])
    # Nobody announced anything yet.
    assert "Rate of the campaign as it is now" == estimate["steps"][0]["label"]
    assert 400 == (await client.get(url, params={"duration": "soon"})).status_code
    assert 422 == (await client.get(url, params={"language": "xx"})).status_code
    assert 404 == (await client.get(f"/v1/campaigns/{uuid4()}/estimate")).status_code


async def test_a_rate_change_is_history_and_reaches_only_what_is_announced_after_it(
    client: Client,
    contributor: Client,
    place: Workplace,
    campaign: dict[str, Any],
    database: Pool,
    monkeypatch: pytest.MonkeyPatch,
):
    """A change between the claim and the acceptance of a recording does not change its pay."""
    moved, cut = trading.move, []

    async def cut_before(connection: Any, recording: UUID, to: Any, **more: Any) -> Any:
        if to == "accepted" and not cut:
            cut.append(recording)
            reason = "The buyer pays more from December on."
            await rates.change(connection, UUID(campaign["id"]), "EUR", 18_000_000, 3_600_000, reason)
        return await moved(connection, recording, to, **more)

    monkeypatch.setattr(trading, "move", cut_before)
    try:
        before = await trading.accepted(place, contributor, campaign)
        after = await trading.accepted(place, contributor, campaign)
        versions = (await client.get("/v1/rates", params={"media": "audio"})).json()["data"]
    finally:
        async with transaction(database) as connection:
            await rates.change(connection, UUID(campaign["id"]), "EUR", 12_000_000, 3_600_000, "As it was.")

    paid = {
        recording: (await contributor.get(f"/v1/recordings/{recording}/earnings")).json()["data"][0]["net"]["micros"]
        for recording in (before, after)
    }
    assert {before: PAY, after: 55_000} == paid
    new, old = [version for version in versions if version["campaign"] == campaign["id"]][:2]
    assert (18_000_000, "The buyer pays more from December on.", None) == (new["micros"], new["because"], new["until"])
    assert (12_000_000, new["since"]) == (old["micros"], old["until"])


async def test_rates_are_found_by_media_language_and_territory(client: Client):
    async def count(**query: str) -> int:
        return len((await client.get("/v1/rates", params=query)).json()["data"])

    assert 1 <= await count(media="video") < await count()
    assert 1 <= await count(language="de")
    assert 1 <= await count(territory="DE")
    assert 400 == (await client.get("/v1/rates?territory=Germany")).status_code


async def test_a_contributor_who_earned_nothing_has_empty_pages(contributor: Client):
    assert [] == (await contributor.get("/v1/balances")).json()["data"]
    assert [] == (await contributor.get("/v1/earnings/projection")).json()["data"]
    summary = (await contributor.get("/v1/earnings/summary?group_by=buyer")).json()
    assert ([], [], []) == (summary["totals"], summary["parts"], summary["points"])


TIMES = ("2026-02-30T25:61:00Z", "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z", "P999999999999D", "-P1D")
GARBAGE = ("\x00", "9" * 400, "-1", "é", "[]", "", *TIMES)


@pytest.mark.parametrize("value", GARBAGE)
async def test_nothing_that_is_asked_is_our_fault(contributor: Client, campaign: dict[str, Any], value: str):
    """Whatever stands in a query is answered, with a page or with what is wrong with it."""
    asked = {
        "/v1/balance-transactions": ("type", "from", "to", "recording", "cursor", "limit"),
        "/v1/earnings/summary": ("group_by", "period"),
        "/v1/earnings/projection": ("weeks",),
        "/v1/rates": ("media", "language", "territory", "cursor", "limit"),
        f"/v1/campaigns/{campaign['id']}/estimate": ("duration", "language"),
    }
    for path, names in asked.items():
        for name in names:
            answer = await contributor.get(path, params={name: value})
            assert answer.status_code in {200, 400, 422}, (path, name, answer.text)
