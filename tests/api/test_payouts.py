"""Payouts: what is available can be asked for once, moves only along its edges, and is never lost on the way."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.payout_failures import OTHER, SAME, failure, texts
from capture_validation.texts import LOCALES
from storage import payouts
from storage.database import Pool, transaction
from storage.ledger import accounts
from storage.payout_errors import PayoutMoveRefused
from tests.api import trading
from tests.api.paying import account_of, confirmed, destination, earned
from tests.api.taking import agree, claim, slug
from tests.api.terms.sheets import document

Client = httpx.AsyncClient


@pytest.fixture
async def account(contributor: Client, database: Pool) -> UUID:
    return await account_of(contributor, database)


async def held(database: Pool, account: UUID) -> dict[str, int]:
    """Everything somebody has, by place."""
    async with transaction(database) as connection:
        [balance] = await accounts.balances(connection, account)
    places = ("available", "reserved", "in_transit", "paid")
    return {place: getattr(balance, place) for place in places}


async def asked(contributor: Client, database: Pool, account: UUID, micros: int = 12_345_678) -> dict[str, Any]:
    """A payout of everything, rounded down to the cent."""
    await earned(database, account, micros)
    target = await destination(contributor, database, account)
    answer = await contributor.post("/v1/payouts", json={"destination": target})
    assert 201 == answer.status_code, answer.text
    return dict(answer.json())


async def go(database: Pool, payout: str, *states: Any) -> None:
    async with transaction(database) as connection:
        for state in states:
            await payouts.move(connection, UUID(payout), state, by="operator", because="test")


async def test_everything_available_is_set_aside_down_to_the_cent(
    contributor: Client, database: Pool, account: UUID
) -> None:
    """What no bank can move stays on the account."""
    made = await asked(contributor, database, account)

    assert ("requested", 12_340_000, "€12.34") == (made["state"], made["amount"]["micros"], made["amount"]["display"])
    assert {"available": 5_678, "reserved": 12_340_000, "in_transit": 0, "paid": 0} == await held(database, account)
    assert made["can_cancel"]
    assert ["requested"] == [step["state"] for step in made["timeline"]]


async def test_a_payout_goes_its_way_and_every_step_is_told(contributor: Client, database: Pool, account: UUID) -> None:
    """To the bank and out of our hands, in one gap-free stream of events."""
    made = await asked(contributor, database, account)
    await go(database, made["id"], "approved", "submitted", "in_transit", "paid")

    shown = await contributor.get(f"/v1/payouts/{made['id']}", headers={"Accept-Language": "de"})

    steps = ["requested", "approved", "submitted", "in_transit", "paid"]
    assert steps == [step["state"] for step in shown.json()["timeline"]]
    assert "12,34\u00a0€" == shown.json()["amount"]["display"]
    assert "de" == shown.headers["content-language"]
    assert {"available": 5_678, "reserved": 0, "in_transit": 0, "paid": 12_340_000} == await held(database, account)
    told = [event["kind"] for event in (await contributor.get("/v1/events")).json()["data"]]
    assert [f"payout.{step}" for step in steps] == [kind for kind in told if kind.startswith("payout.")]
    again = {"If-None-Match": shown.headers["etag"], "Accept-Language": "de"}
    assert 304 == (await contributor.get(f"/v1/payouts/{made['id']}", headers=again)).status_code


@pytest.mark.parametrize(
    "way", [("cancelled",), ("approved", "cancelled"), ("approved", "submitted", "failed"),
            ("approved", "submitted", "in_transit", "failed"), ("approved", "submitted", "paid", "returned")],
    ids=lambda way: way[-1],
)  # fmt: skip
async def test_money_that_does_not_arrive_is_available_again(
    contributor: Client, database: Pool, account: UUID, way: tuple[str, ...]
) -> None:
    """Cancelled, refused or sent back: nothing of it is lost, and it can be asked for again."""
    made = await asked(contributor, database, account)
    await go(database, made["id"], *way)

    assert {"available": 12_345_678, "reserved": 0, "in_transit": 0, "paid": 0} == await held(database, account)
    again = await contributor.post("/v1/payouts", json={"destination": made["destination"]})
    assert 201 == again.status_code


@pytest.mark.parametrize(
    ("code", "locale", "sentence"),
    [("AC04", "en", "closed"), ("AC03", "de", "Kontonummer"), ("ZZ99", "fr", "aucune raison"), (None, "hi", "कारण")],
)
async def test_a_payout_that_did_not_arrive_says_why_and_what_helps(
    contributor: Client, database: Pool, account: UUID, code: str | None, locale: str, sentence: str
) -> None:
    """By the bank's code, in the reader's language; also of one that nobody knows."""
    made = await asked(contributor, database, account)
    await go(database, made["id"], "approved", "submitted")
    async with transaction(database) as connection:
        await payouts.move(connection, UUID(made["id"]), "failed", by="operator", code=code)

    shown = (await contributor.get(f"/v1/payouts/{made['id']}", headers={"Accept-Language": locale})).json()

    assert code == shown["failure"]["code"]
    assert sentence in shown["failure"]["sentence"]
    assert shown["failure"]["fix"]
    assert made["failure"] is None


def test_without_a_code_the_words_of_whoever_decided_are_the_reason() -> None:
    """And never a claim that nobody gave one."""
    assert (
        "Wrong holder."
        == failure(None, "Wrong holder.", "en").sentence
        == failure("ZZ99", "Wrong holder.", "de").sentence
    )
    assert "closed" in failure("AC04", "Wrong holder.", "en").sentence


@pytest.mark.parametrize("language", LOCALES)
def test_every_failure_is_said_in_every_language(language: str) -> None:
    """Every code that stands for others is there, and each text is a sentence of its own language."""
    said = texts(language)

    assert list(texts("en")) == list(said)
    assert {OTHER, *SAME.values()} <= set(said)
    words = [text for one in said.values() for text in (one.sentence, one.fix)]
    assert all(text.endswith((".", "।")) for text in words)
    if language != "en":
        assert not set(words) & {text for one in texts("en").values() for text in (one.sentence, one.fix)}


EDGES = {
    ("requested", "approved"), ("requested", "cancelled"), ("approved", "submitted"), ("approved", "cancelled"),
    ("submitted", "in_transit"), ("submitted", "paid"), ("submitted", "failed"), ("in_transit", "paid"),
    ("in_transit", "failed"), ("paid", "returned"),
}  # fmt: skip
WAYS: dict[str, tuple[str, ...]] = {
    "requested": (), "approved": ("approved",), "cancelled": ("cancelled",), "submitted": ("approved", "submitted"),
    "in_transit": ("approved", "submitted", "in_transit"), "paid": ("approved", "submitted", "paid"),
    "failed": ("approved", "submitted", "failed"), "returned": ("approved", "submitted", "paid", "returned"),
}  # fmt: skip


@pytest.mark.parametrize("state", WAYS)
async def test_a_payout_moves_only_along_its_edges(
    contributor: Client, database: Pool, account: UUID, state: str
) -> None:
    """Every other move is refused, and moves no money; a repeated one changes nothing."""
    made = await asked(contributor, database, account)
    await go(database, made["id"], *WAYS[state])
    before = await held(database, account)

    for to in WAYS.keys() - {state}:
        if (state, to) not in EDGES:
            with pytest.raises(PayoutMoveRefused):
                await go(database, made["id"], to)
    await go(database, made["id"], state)

    assert before == await held(database, account)


async def test_a_contributor_calls_a_payout_back_until_it_is_handed_over(
    contributor: Client, database: Pool, account: UUID
) -> None:
    made = await asked(contributor, database, account)
    first = await contributor.post(f"/v1/payouts/{made['id']}/cancel")
    later = await asked(contributor, database, account)
    await go(database, later["id"], "approved", "submitted")
    refused = await contributor.post(f"/v1/payouts/{later['id']}/cancel")

    assert (200, "cancelled", None) == (first.status_code, first.json()["state"], first.json()["because"])
    assert (409, "payout-move-refused", "submitted") == (refused.status_code, slug(refused), refused.json()["state"])


async def test_money_asks_for_the_password_again(contributor: Client, database: Pool, account: UUID) -> None:
    """A phone that lies unlocked on a table can neither name a bank account nor ask for money."""
    added = await contributor.post(
        "/v1/payout-destinations", json={"method": "sepa", "holder": "X", "iban": "DE89370400440532013000"}
    )
    asked_for = await contributor.post("/v1/payouts", json={"destination": str(uuid4())})

    assert (403, "step-up-required") == (added.status_code, slug(added))
    assert (403, "step-up-required") == (asked_for.status_code, slug(asked_for))


async def test_a_new_destination_rests_first(contributor: Client, database: Pool, account: UUID) -> None:
    await earned(database, account, 50_000_000)
    target = await destination(contributor, database, account, rested=False)

    refused = await contributor.post("/v1/payouts", json={"destination": target})

    assert (409, "destination-resting") == (refused.status_code, slug(refused))
    assert "usable_from" in refused.json()


@pytest.mark.parametrize(
    ("available", "wanted", "problem", "fact"),
    [
        (0, None, "nothing-to-pay", ("available_micros", 0)),
        (9_999, None, "nothing-to-pay", ("available_micros", 9_999)),
        (4_999_999, None, "below-threshold", ("missing_micros", 10_000)),
        (20_000_000, 4_000_000, "below-threshold", ("missing_micros", 1_000_000)),
        (20_000_000, 20_000_001, "overdrawn", ("available_micros", 20_000_000)),
    ],
)
async def test_an_amount_that_cannot_be_paid_says_what_is_missing(
    contributor: Client, database: Pool, account: UUID, available: int, wanted: int | None, problem: str, fact: Any
) -> None:
    if available:
        await earned(database, account, available)
    target = await destination(contributor, database, account)

    refused = await contributor.post("/v1/payouts", json={"destination": target, "micros": wanted})

    assert (409, problem) == (refused.status_code, slug(refused))
    assert fact[1] == refused.json()[fact[0]]


async def test_a_currency_that_no_bank_account_here_takes_says_so_and_stays(
    contributor: Client, database: Pool, account: UUID
) -> None:
    """In the balance, in the reader's language, and when it is asked for; nothing of it is lost."""
    await earned(database, account, 50_000_000, "USD")
    target = await destination(contributor, database, account)

    refused = await contributor.post("/v1/payouts", json={"destination": target, "currency": "USD"})
    answer = await contributor.get("/v1/balances", headers={"Accept-Language": "de"})

    assert (409, "currency-not-payable") == (refused.status_code, slug(refused))
    assert ("USD", ["EUR"]) == (refused.json()["currency"], refused.json()["payable"])
    [balance] = answer.json()["data"]
    assert (False, 50_000_000) == (balance["payable"], balance["available"]["micros"])
    assert "USD können wir noch nicht auf ein Bankkonto auszahlen. Alles davon bleibt dein" in balance["note"]
    await earned(database, account, 1_000_000)
    shown = (await contributor.get("/v1/balances")).json()["data"]
    assert [("EUR", True, True), ("USD", False, False)] == [
        (row["currency"], row["payable"], row["note"] is None) for row in shown
    ]


@pytest.mark.parametrize(
    ("promised", "currency", "least"), [(1, "EUR", 1), (20, "EUR", 5), (1, "USD", 5)], ids=["less", "more", "foreign"]
)
async def test_no_setting_asks_for_more_than_a_term_sheet_that_somebody_agreed_to(
    contributor: Client, database: Pool, campaign: Any, account: UUID, promised: int, currency: str, least: int
) -> None:
    """The setting is five; a sheet of the contributor's says something else."""
    recording = (await claim(contributor, campaign, b"a take")).json()["id"]
    assert (await agree(contributor, campaign, recording)).status_code in {200, 201}
    terms = document("voice-standard", 2)["payout"] | {"threshold": {"currency": currency, "micros": promised * 10**6}}
    await trading.under(database, recording, {"payout": terms})
    await earned(database, account, 50_000_000)
    target = await destination(contributor, database, account)

    refused = await contributor.post("/v1/payouts", json={"destination": target, "micros": least * 10**6 - 10_000})
    made = await contributor.post("/v1/payouts", json={"destination": target, "micros": least * 10**6})

    assert (409, least * 10**6) == (refused.status_code, refused.json()["least_micros"])
    assert 201 == made.status_code


async def test_another_s_destination_and_payout_do_not_exist(
    contributor: Client, other: Client, database: Pool, account: UUID
) -> None:
    made = await asked(contributor, database, account)
    await confirmed(database, await account_of(other, database))

    for answer in (
        await other.post("/v1/payouts", json={"destination": made["destination"]}),
        await other.delete(f"/v1/payout-destinations/{made['destination']}"),
        await other.get(f"/v1/payouts/{made['id']}"),
        await other.post(f"/v1/payouts/{made['id']}/cancel"),
    ):
        assert 404 == answer.status_code
    assert [] == (await other.get("/v1/payouts")).json()["data"]


async def test_a_lost_answer_is_not_a_second_payout(contributor: Client, database: Pool, account: UUID) -> None:
    await earned(database, account, 50_000_000)
    target = await destination(contributor, database, account)
    body, key = {"destination": target, "micros": 10_000_000}, {"Idempotency-Key": str(uuid4())}

    first = await contributor.post("/v1/payouts", json=body, headers=key)
    again = await contributor.post("/v1/payouts", json=body, headers=key)

    assert first.json() == again.json()
    assert 10_000_000 == (await held(database, account))["reserved"]


async def test_many_requests_at_once_never_pay_more_than_there_is(
    contributor: Client, database: Pool, account: UUID
) -> None:
    """Sixteen at once for a third of the money each: three get it."""
    await earned(database, account, 30_000_000)
    target = await destination(contributor, database, account)
    body = {"destination": target, "micros": 10_000_000}

    answers = await asyncio.gather(*(contributor.post("/v1/payouts", json=body) for _ in range(16)))

    assert [201] * 3 + [409] * 13 == sorted(answer.status_code for answer in answers)
    assert {"available": 0, "reserved": 30_000_000, "in_transit": 0, "paid": 0} == await held(database, account)
    async with transaction(database) as connection:
        cursor = await connection.execute("SELECT count(*) FROM ledger_drift")
        assert (0,) == await cursor.fetchone()


async def test_payouts_are_listed_page_by_page(contributor: Client, database: Pool, account: UUID) -> None:
    await earned(database, account, 50_000_000)
    target = await destination(contributor, database, account)
    made = [
        (await contributor.post("/v1/payouts", json={"destination": target, "micros": 6_000_000})).json()["id"]
        for _ in range(3)
    ]

    first = (await contributor.get("/v1/payouts", params={"limit": 2})).json()
    second = (await contributor.get("/v1/payouts", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    assert made[::-1] == [row["id"] for row in first["data"] + second["data"]]
    assert second["next_cursor"] is None


async def test_what_is_shown_as_available_can_be_paid_out(contributor: Client, database: Pool) -> None:
    """Of 4.996 there are 4.99 to be had, and not 5.00."""
    await earned(database, await account_of(contributor, database), 4_996_000)

    (euros,) = (await contributor.get("/v1/balances")).json()["data"]

    assert {"currency": "EUR", "micros": 4_996_000, "display": "€4.99"} == euros["available"]
