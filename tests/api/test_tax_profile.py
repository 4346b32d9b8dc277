"""Tax: what is withheld follows a rule that its contributor can read, and the number is nobody's business."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx

from storage import tax
from storage.database import Pool, transaction
from storage.tax import Rule
from tests.api.paying import account_of, confirmed
from tests.api.taking import slug

Client = httpx.AsyncClient
NUMBER = "65 929 970 489"


async def test_without_a_profile_the_rule_for_everybody_is_said(contributor: Client) -> None:
    shown = (await contributor.get("/v1/tax-profile")).json()

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


async def test_rules_are_read_from_a_file(tmp_path: Path, database: Pool) -> None:
    """What cannot be read is said; half of a list is never added."""
    from api.commands.tax import command

    file = tmp_path / "rules.json"
    file.write_text(json.dumps([{"code": "x", "residence": "XK"}]))

    assert 2 == command([str(file)])
    assert 2 == command([str(tmp_path / "absent.json")])
