"""A payment provider over HTTP: payouts are handed over once, its reports are believed only when they are signed."""

from datetime import timedelta
from uuid import UUID

import httpx
import pytest
from msgspec.structs import replace

from api.errors import ProviderUnavailable
from api.payout_providers import payable
from api.provider_events import QUIET, ask_silent, submit_approved
from api.settings import Settings
from storage import payouts
from storage.database import Pool, transaction
from tests.api.paying import account_of, destination, earned
from tests.api.providing import Provider, passed, signed, state
from tests.api.taking import slug

Client = httpx.AsyncClient


async def test_an_approved_payout_is_handed_over_and_its_way_reported(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """From the request to the bank without anybody's hands."""
    await submit_approved(database, settings.master_key, provider.url)
    handed = await state(contributor, approved)
    for kind in ("payout.in_transit", "payout.paid"):
        assert 204 == (await client.post("/v1/provider-events", **signed(kind, approved))).status_code

    given = provider.taken[approved]
    assert ("submitted", "paid") == (handed, await state(contributor, approved))
    assert (12_340_000, "DE89370400440532013000") == (given["micros"], given["creditor"]["iban"])


async def test_a_provider_that_cannot_take_it_now_gets_it_later_under_the_same_number(
    contributor: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Nobody can cancel it meanwhile, and it is not handed over twice."""
    provider.refusing = True
    await submit_approved(database, settings.master_key, provider.url)
    refused = await contributor.post(f"/v1/payouts/{approved}/cancel")
    provider.refusing = False
    for _ in range(2):
        await passed(database, approved, 1)
        await submit_approved(database, settings.master_key, provider.url)

    assert 409 == refused.status_code
    assert approved in provider.taken
    async with transaction(database) as connection:
        handed = await payouts.handed_to(connection, "hooked", UUID(approved))
    assert f"p-{UUID(approved).hex}" == handed.reference


async def test_a_provider_that_is_away_is_asked_again_later(
    contributor: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Nobody listens there: the others would wait for nothing, too."""
    with pytest.raises(ProviderUnavailable):
        await submit_approved(database, settings.master_key, "http://127.0.0.1:9")
    await passed(database, approved, 1)
    await submit_approved(database, settings.master_key, provider.url)

    assert approved in provider.taken


@pytest.mark.parametrize(
    ("answer", "standing", "because"),
    [
        ((422, b'{"because": "closed", "code": "AC04"}'), "failed", "closed"),
        ((400, b'{"code": "AC04"}'), "failed", None),
        ((400, b"<html>Bad gateway</html>"), "submitted", None),
        ((422, b"{}"), "submitted", None),
        ((422, b'{"because": "%s"}' % (b"w" * 501)), "failed", "w" * 500),
        ((422, b'{"because": "no\\u0000 more"}'), "failed", "no more"),
        ((422, b'{"code": "insufficient_funds"}'), "failed", "insufficient_funds"),
        ((404, b'{"because": "no such address"}'), "submitted", None),
        ((500, b""), "submitted", None),
        ((201, b"{"), "submitted", None),
    ],
)
async def test_a_payout_that_is_refused_for_a_reason_has_failed(
    contributor: Client,
    database: Pool,
    settings: Settings,
    provider: Provider,
    approved: str,
    answer: tuple[int, bytes],
    standing: str,
    because: str | None,
) -> None:
    """Its money is there again, and its owner reads why; without a reason it is tried again."""
    provider.answers = {approved: answer}
    await submit_approved(database, settings.master_key, provider.url)
    shown = (await contributor.get(f"/v1/payouts/{approved}")).json()
    [balance] = (await contributor.get("/v1/balances")).json()["data"]

    assert (standing, because) == (shown["state"], shown["because"])
    assert (12_340_000 if standing == "failed" else 0) == balance["available"]["micros"]


async def test_the_payouts_behind_one_that_is_refused_go(
    contributor: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """One account that the provider does not like must not keep everybody else from being paid."""
    account = await account_of(contributor, database)
    await earned(database, account, 5_000_000)
    target = await destination(contributor, database, account)
    behind = (await contributor.post("/v1/payouts", json={"destination": target})).json()["id"]
    async with transaction(database) as connection:
        await payouts.move(connection, UUID(behind), "approved", by="operator")
    provider.answers = {approved: (500, b"")}
    await submit_approved(database, settings.master_key, provider.url)

    assert behind in provider.taken


async def test_an_event_counts_once_and_a_late_one_not_at_all(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Providers deliver twice, and out of order."""
    await submit_approved(database, settings.master_key, provider.url)
    failed = signed("payout.failed", approved)
    for event in (failed, failed, signed("payout.in_transit", approved)):
        assert 204 == (await client.post("/v1/provider-events", **event)).status_code

    shown = (await contributor.get(f"/v1/payouts/{approved}")).json()
    assert ("failed", "account closed", "AC04") == (shown["state"], shown["because"], shown["failure"]["code"])
    assert 1 == sum(step["state"] == "failed" for step in shown["timeline"])


async def test_an_event_that_says_more_than_was_agreed_on_is_heard(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Refused, it would be sent again until its provider gives up, and nobody would know."""
    await submit_approved(database, settings.master_key, provider.url)
    event = signed("payout.failed", approved, because="w" * 600, code="account_closed")

    assert 204 == (await client.post("/v1/provider-events", **event)).status_code
    shown = (await contributor.get(f"/v1/payouts/{approved}")).json()
    assert ("failed", "w" * 500, None) == (shown["state"], shown["because"], shown["failure"]["code"])


async def test_an_event_that_is_not_the_provider_s_is_refused(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """A wrong secret, an old event, a changed body, and none of the headers."""
    await submit_approved(database, settings.master_key, provider.url)
    strange = signed("payout.paid", approved, secret="whsec_" + "A" * 32)
    old = signed("payout.paid", approved, age=timedelta(minutes=6))
    changed = signed("payout.failed", approved)
    changed["content"] = changed["content"].replace("failed", "paid")
    for event in (strange, old, changed, {"content": "{}"}, {"content": b"\xff"}):
        answer = await client.post("/v1/provider-events", **event)
        assert (401, "provider-event-refused") == (answer.status_code, slug(answer))

    assert "submitted" == await state(contributor, approved)


async def test_a_payout_that_the_provider_never_had_cannot_be_moved_by_it(client: Client, approved: str) -> None:
    """A provider speaks of its own payouts only."""
    answer = await client.post("/v1/provider-events", **signed("payout.paid", approved))

    assert (404, "payout-missing") == (answer.status_code, slug(answer))


@pytest.mark.parametrize(
    ("standings", "way"),
    [
        (["paid"], ["submitted", "paid"]),
        (["in_transit", "failed"], ["submitted", "in_transit", "failed"]),
        (["returned"], ["submitted", "paid", "returned"]),
        (["accepted"], ["submitted"]),
        ([None], ["submitted"]),
    ],
)
async def test_a_report_that_was_lost_is_asked_for(
    contributor: Client,
    database: Pool,
    settings: Settings,
    provider: Provider,
    approved: str,
    standings: list[str | None],
    way: list[str],
) -> None:
    """It goes the same way as if the events had come; also what came back before we heard that it had arrived."""
    await submit_approved(database, settings.master_key, provider.url)
    for standing in standings:
        provider.standings = {approved: {"state": standing, "because": "account closed"}} if standing else {}
        await passed(database, approved, 11)
        await ask_silent(database, provider.url)

    shown = (await contributor.get(f"/v1/payouts/{approved}")).json()
    assert ["requested", "approved", *way] == [step["state"] for step in shown["timeline"]]
    assert len(standings) == provider.asked.count(approved)


async def test_a_provider_is_asked_once_in_a_while_and_an_event_after_that_changes_nothing(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Not at once, not twice in ten minutes; once it was paid, daily; and one that is away later."""
    await submit_approved(database, settings.master_key, provider.url)
    provider.standings = {approved: {"state": "accepted"}}
    seen = []
    for minutes in (0, 11, 0, 11):
        await passed(database, approved, minutes)
        await ask_silent(database, provider.url, QUIET)
        seen.append(provider.asked.count(approved))
    provider.refusing = True
    await passed(database, approved, 11)
    await ask_silent(database, provider.url)
    await passed(database, approved, 11)
    with pytest.raises(ProviderUnavailable):
        await ask_silent(database, "http://127.0.0.1:9")
    provider.refusing, provider.standings = False, {approved: {"state": "paid"}}
    for minutes in (11, 11, 24 * 60):
        await passed(database, approved, minutes)
        await ask_silent(database, provider.url)
    late = await client.post("/v1/provider-events", **signed("payout.paid", approved))

    assert [0, 1, 1, 2] == seen
    assert 5 == provider.asked.count(approved)
    shown = (await contributor.get(f"/v1/payouts/{approved}")).json()
    assert (204, "paid") == (late.status_code, shown["state"])
    assert 1 == sum(step["state"] == "paid" for step in shown["timeline"])


async def test_a_return_that_is_heard_before_the_arrival_comes_back(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """The event counts once, so it must count then; the arrival that comes later is old."""
    await submit_approved(database, settings.master_key, provider.url)
    for kind in ("payout.returned", "payout.paid"):
        assert 204 == (await client.post("/v1/provider-events", **signed(kind, approved))).status_code

    assert "returned" == await state(contributor, approved)
    [balance] = (await contributor.get("/v1/balances")).json()["data"]
    assert (12_340_000, 0) == (balance["available"]["micros"], balance["in_transit"]["micros"])


async def test_a_provider_that_moves_another_currency_is_given_it(
    contributor: Client, database: Pool, settings: Settings, provider: Provider
) -> None:
    """What a SEPA file cannot pay, a provider that says it can does."""
    account = await account_of(contributor, database)
    await earned(database, account, 9_000_000, "USD")
    target = UUID(await destination(contributor, database, account))
    both = payable(replace(settings, payout_provider_url=provider.url, payout_provider_currencies="EUR USD"))
    async with transaction(database) as connection:
        made = await payouts.request(connection, account, target, None, 0, currency="USD", payable=both)
        await payouts.move(connection, made.id, "approved", by="operator")
    await submit_approved(database, settings.master_key, provider.url)

    given = provider.taken[str(made.id)]
    assert ("USD", 9_000_000) == (given["currency"], given["micros"])
