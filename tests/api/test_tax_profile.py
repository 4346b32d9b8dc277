"""Tax: what is withheld follows a rule that its contributor can read, and the number is nobody's business."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from msgspec.structs import replace

from api.validation import Workplace
from storage import tax
from storage.database import Pool, transaction
from storage.ledger import accounts
from storage.ledger.posting import Leg, post
from storage.payout_errors import RuleDiffers
from storage.tax import Rule
from tests.api import trading
from tests.api.paying import account_of, confirmed
from tests.api.taking import slug

Client = httpx.AsyncClient
NUMBER = "65 929 970 489"


async def test_without_a_profile_the_rule_for_everybody_is_said(contributor: Client) -> None:
    shown = (await contributor.get("/v1/tax-profile")).json()
    german = await contributor.get("/v1/tax-profile", headers={"Accept-Language": "de"})

    assert "Wir behalten keine Steuer ein" in german.json()["withholding"]["why"]
    assert ("missing", 0, "nothing-withheld") == (
        shown["status"],
        shown["withholding"]["bps"],
        shown["withholding"]["rule"],
    )
    assert shown["withholding"]["why"]


async def test_a_profile_is_kept_sealed_and_shown_by_its_end(contributor: Client, database: Pool) -> None:
    account = await account_of(contributor, database)
    refused = await contributor.put("/v1/tax-profile", json={"residence": "DE", "tax_id": NUMBER})
    await confirmed(database, account)
    kept = await contributor.put("/v1/tax-profile", json={"residence": "DE", "tax_id": NUMBER})
    async with transaction(database) as connection:
        cursor = await connection.execute("SELECT tax_id FROM tax_profiles WHERE account_id = %s", [account])
        sealed = bytes((await cursor.fetchone())[0])  # type: ignore[index]

    assert (403, "step-up-required") == (refused.status_code, slug(refused))
    assert ("complete", "DE", "489") == tuple(kept.json()[name] for name in ("status", "residence", "tax_id_hint"))
    assert b"929" not in sealed
    assert kept.json() == (await contributor.get("/v1/tax-profile")).json()


async def test_the_nearest_rule_that_has_begun_fits(contributor: Client, database: Pool) -> None:
    """A country's own before everybody's, one that a number earns before one without, the newest of them."""
    account = await account_of(contributor, database)
    past, future = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
    await confirmed(database, account)
    rules = [
        Rule(code="treaty", residence="XK", needs_tax_id=True, bps=500, since=past, because="A treaty."),
        Rule(code="no-number", residence="XK", bps=2800, since=past, because="Without a number."),
        Rule(code="later", residence="XK", bps=9999, since=future, because="Not yet."),
    ]
    async with transaction(database) as connection:
        assert 3 == await tax.add_rules(connection, rules)
        assert 0 == await tax.add_rules(connection, rules)

    without = (await contributor.put("/v1/tax-profile", json={"residence": "XK"})).json()
    given = (await contributor.put("/v1/tax-profile", json={"residence": "XK", "tax_id": NUMBER})).json()
    async with transaction(database) as connection:
        cursor = await connection.execute("SELECT bps, rule FROM withholding(%s)", [account])
        counted = await cursor.fetchone()

    assert ("number-missing", 2800, "no-number") == (
        without["status"],
        without["withholding"]["bps"],
        without["withholding"]["rule"],
    )
    assert (500, "treaty") == (given["withholding"]["bps"], given["withholding"]["rule"])
    assert (500, "treaty") == counted


async def test_what_is_withheld_is_explained_by_the_rule_as_it_stood(
    contributor: Client, database: Pool, place: Workplace, campaign: dict[str, Any]
) -> None:
    """A rule that we have no words for speaks for itself, and a later one of its name says nothing about the past."""
    account = await account_of(contributor, database)
    await confirmed(database, account)
    await contributor.put("/v1/tax-profile", json={"residence": "XZ"})
    past, future = datetime.now(UTC) - timedelta(days=1), datetime.now(UTC) + timedelta(days=1)
    rules = [
        Rule(code="island-tax", residence="XZ", bps=1500, since=past, because="The island keeps 15 %."),
        Rule(code="island-tax", residence="XZ", bps=1800, since=future, because="The island keeps 18 %."),
    ]
    async with transaction(database) as connection:
        await tax.add_rules(connection, rules)

    await trading.accepted(place, contributor, campaign)

    (line,) = (await contributor.get("/v1/balance-transactions")).json()["data"]
    steps = (await contributor.get(line["explanation_url"])).json()["steps"]
    (withheld,) = [step for step in steps if step.get("code") == "tax"]
    assert (36_667, 5_500, 31_167) == tuple(line[part]["micros"] for part in ("gross", "tax", "net"))
    assert withheld["how"].endswith("The island keeps 15 %.")
    (year,) = (await contributor.get("/v1/tax-documents")).json()["data"]
    amounts = [year[part]["micros"] for part in ("gross", "fee", "withheld", "net", "paid_out")]
    assert [36_667, 0, 5_500, 31_167, 0] == amounts
    assert not year["complete"]


async def test_years_are_told_apart_and_payouts_are_no_earnings(contributor: Client, database: Pool) -> None:
    account = await account_of(contributor, database)
    now = datetime.now(UTC)
    for micros, kind, at in (
        (7_000_000, "adjustment", now - timedelta(days=800)),
        (9_000_000, "adjustment", now),
        (-5_000_000, "payout", now),
    ):
        await booked(database, account, micros, kind, at)

    newest, oldest = (await contributor.get("/v1/tax-documents", headers={"Accept-Language": "de"})).json()["data"]

    assert (now.year, (now - timedelta(days=800)).year) == (newest["year"], oldest["year"])
    assert (9_000_000, 5_000_000, False) == (
        newest["gross"]["micros"],
        newest["paid_out"]["micros"],
        newest["complete"],
    )
    assert ("7,00\u00a0€", True) == (oldest["gross"]["display"], oldest["complete"])


async def booked(database: Pool, account: UUID, micros: int, kind: str, at: datetime) -> None:
    """A line of another day."""
    query = (
        "INSERT INTO balance_transactions (account_id, type, currency, gross_micros, transaction_id, available_at,"
        " released_at, created_at) VALUES (%s, %s, 'EUR', %s, %s, %s, %s, %s)"
    )
    async with transaction(database) as connection:
        available = await accounts.of(connection, account, "contributor_available", "EUR")
        ours = await accounts.ours(connection, "adjustments", "EUR")
        leg = Leg(ours, available, micros) if micros > 0 else Leg(available, ours, -micros)
        posted = await post(connection, f"test {uuid4()}", "adjustment", [leg])
        await connection.execute(query, [account, kind, micros, posted, at, at, at])


async def test_whoever_gave_no_number_hears_that_one_would_count(contributor: Client, database: Pool) -> None:
    account = await account_of(contributor, database)
    await confirmed(database, account)
    await contributor.put("/v1/tax-profile", json={"residence": "XY"})
    since = datetime.now(UTC)
    rule = Rule(code="numbered", residence="XY", needs_tax_id=True, bps=500, since=since, because="A treaty.")

    for _ in range(2):
        async with transaction(database) as connection:
            await tax.add_rules(connection, [rule])

    told = (await contributor.get("/v1/events")).json()["data"]
    (asked,) = [event for event in told if event["kind"] == "tax.action_required"]
    assert {"residence": "XY", "status": "number-missing"} == asked["data"]


@pytest.mark.parametrize(
    "changes",
    [{"bps": 500}, {"because": "Otherwise."}, {"code": "other"}, {"residence": "XV"}, {"needs_tax_id": True}],
    ids=lambda changes: next(iter(changes)),
)
async def test_a_rule_that_says_something_else_than_one_that_is_there_is_not_left_out_silently(
    database: Pool, changes: dict[str, Any]
) -> None:
    """An operator would believe that it counts; and a code of two countries would explain one by the other's words."""
    code, since = f"w-{uuid4().hex}", datetime.now(UTC)
    there = Rule(code=code, residence="XW", bps=1500, since=since, because="So it is.")
    async with transaction(database) as connection:
        assert 1 == await tax.add_rules(connection, [there])
        assert 0 == await tax.add_rules(connection, [there])

    with pytest.raises(RuleDiffers):
        async with transaction(database) as connection:
            await tax.add_rules(connection, [replace(there, **changes)])


async def test_rules_are_read_from_a_file(tmp_path: Path, database: Pool) -> None:
    """What cannot be read is said; half of a list is never added."""
    from api.commands.tax import command

    file = tmp_path / "rules.json"
    rule = {"code": "x", "residence": "XK", "bps": 0, "since": "2026-01-01T00:00:00Z", "because": "x"}

    for wrong in ({"bps": None}, {"bps": 10_001}, {"bps": -1}, {"residence": "xk"}, {"code": "X"}, {"since": "never"}):
        file.write_text(json.dumps([rule, rule | wrong]))
        assert 2 == command([str(file)])
    assert 2 == command([str(tmp_path / "absent.json")])
