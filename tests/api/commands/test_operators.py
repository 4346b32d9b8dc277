"""What operators type about recordings and money: decided once, with a reason, and read by the contributor."""

import asyncio
import json
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli import main
from api.commands.database import amount
from api.commands.ledger import read_report
from api.commands.review import span
from api.validation import Workplace
from storage import recordings, term_sheets
from storage.database import Pool, run, transaction
from storage.ledger import accounts
from tests.api import trading
from tests.api.commands.conftest import Say
from tests.api.earning import owner
from tests.api.paying import account_of
from tests.api.taking import agree, claim
from tests.api.terms.sheets import document

Client = httpx.AsyncClient
PAY = 36_667
CAMPAIGN = Path(__file__).parents[3] / "api/demo_data/campaign-read-speech.json"


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any]) -> str:
    """An accepted recording."""
    return await trading.accepted(place, contributor, campaign)


@pytest.fixture
async def waiting(
    place: Workplace, contributor: Client, campaign: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> str:
    """A recording that waits for a person."""
    moved = trading.move

    async def to_review(connection: Any, recording: UUID, to: Any, **more: Any) -> Any:
        return await moved(connection, recording, "in_review" if to == "accepted" else to, **more)

    with monkeypatch.context() as instead:
        instead.setattr(trading, "move", to_review)
        return await trading.accepted(place, contributor, campaign)


async def state(client: Client, recording: str) -> tuple[str, str]:
    seen = (await client.get(f"/v1/recordings/{recording}")).json()
    return seen["recording"]["state"], seen["reason"]


async def earned(client: Client) -> list[int]:
    lines = (await client.get("/v1/balance-transactions")).json()["data"]
    return [line["net"]["micros"] for line in lines]


async def test_a_person_accepts_and_the_contributor_is_paid_and_reads_why(say: Say, contributor: Client, waiting: str):
    listed = await say("review", "list")
    accepted = await say("review", "accept", waiting, "--because", "The hum is part of the scene.")
    again = await say("review", "accept", waiting, "--because", "Twice.")

    assert waiting in listed[1]
    assert 0 == accepted[0], accepted[1]
    assert ("accepted", "The hum is part of the scene.") == await state(contributor, waiting)
    assert [PAY] == await earned(contributor)
    assert 1 == again[0]
    assert "accepted" in again[1]


async def test_what_a_person_takes_out_is_not_paid_and_is_named(say: Say, contributor: Client, waiting: str):
    words = ("--because", "Without the neighbour.", "--remove", "1-2.5:bystander", "--remove", "2-3")
    assert 0 == (await say("review", "accept", waiting, *words))[0]

    line = (await contributor.get("/v1/balance-transactions")).json()["data"][0]
    steps = (await contributor.get(line["explanation_url"])).json()["steps"]

    assert 30_000 == line["net"]["micros"]
    assert 9_000 == steps[1]["ms"]
    assert ["bystander", "removed"] == [removed["reason"] for removed in steps[1]["removed"]]


@pytest.mark.parametrize(("word", "to"), [("reject", "rejected"), ("return", "needs_fix")])
async def test_a_person_who_does_not_take_it_says_why(say: Say, contributor: Client, waiting: str, word: str, to: str):
    assert 0 == (await say("review", word, waiting, "--because", "Somebody else speaks."))[0]

    assert (to, "Somebody else speaks.") == await state(contributor, waiting)
    assert [] == await earned(contributor)


async def test_a_decision_needs_a_reason_and_a_recording(say: Say, waiting: str):
    assert 2 == (await say("review", "accept", waiting))[0]
    assert 1 == (await say("review", "accept", str(uuid4()), "--because", "?"))[0]
    assert 2 == (await say("review", "accept", waiting, "--because", "x", "--remove", "5-3"))[0]


async def test_nobody_can_accept_what_its_owner_did_not_agree_to(
    say: Say, contributor: Client, campaign: dict[str, Any], database: Pool
):
    recording = (await claim(contributor, campaign, uuid4().bytes * 50)).json()["id"]
    async with transaction(database) as connection:
        for to in ("uploading", "validating", "in_review"):
            await recordings.move(connection, UUID(recording), to, by="worker", because="borderline")  # type: ignore[arg-type]

    status, printed = await say("review", "accept", recording, "--because", "Good.")

    assert 1 == status
    assert "accepted" in printed
    assert "no consent yet" in (await say("review", "list"))[1]


async def test_the_audit_proves_the_books(say: Say, recording: str):
    status, printed = await say("ledger", "audit")

    assert 0 == status, printed
    assert "WRONG" not in printed
    assert "EUR over all accounts: 0 micros" in printed
    assert "Drift of all balances from their transfers: 0 micros" in printed


async def test_a_correction_is_done_once_and_read_with_its_reason(
    say: Say, contributor: Client, database: Pool, recording: str
):
    account = str(await owner(database, recording))
    words = ("--currency", "EUR", "--because", "We lost a take.", "--key", str(uuid4()))

    assert [0, 0] == [(await say("ledger", "adjust", account, "2.50", *words))[0] for _ in range(2)]
    assert 0 == (await say("ledger", "hold", account, "1", "--currency", "EUR", "--because", "A claim."))[0]
    assert 0 == (await say("ledger", "free", account, "0.25", "--currency", "EUR", "--because", "Most of it."))[0]
    too_much = await say("ledger", "adjust", account, "-100", "--currency", "EUR", "--because", "?")
    unknown = await say("ledger", "adjust", "nobody@example.org", "1", "--currency", "EUR", "--because", "?")

    (balance,) = (await contributor.get("/v1/balances")).json()["data"]
    assert (1_750_000, 750_000) == (balance["available"]["micros"], balance["reserved"]["micros"])
    assert [2_500_000, PAY] == await earned(contributor)
    assert (1, "less on the account" in too_much[1]) == (too_much[0], True)
    assert (1, "no such account" in unknown[1]) == (unknown[0], True)


@pytest.mark.parametrize(
    "words",
    [
        ("ledger", "adjust", "{account}", "1", "--currency", "EURO", "--because", "A test."),
        ("ledger", "received", "{account}", "1", "--currency", "QQQ", "--reference", "a"),
        ("campaigns", "rate", "{campaign}", "--per-hour", "1", "--currency", "QQQ", "--because", "A test."),
    ],
)
async def test_a_currency_that_does_not_exist_is_refused_in_a_sentence(
    say: Say, contributor: Client, database: Pool, campaign: dict[str, Any], words: tuple[str, ...]
):
    account = str(await account_of(contributor, database))
    status, said = await say(*(word.format(account=account, campaign=campaign["id"]) for word in words))

    assert (1, True) == (status, "There is no such currency" in said)


async def test_an_operator_sees_what_somebody_has_and_the_numbers_of_its_lines(
    say: Say, contributor: Client, recording: str
):
    me = (await contributor.get("/v1/me")).json()
    (line,) = (await contributor.get("/v1/balance-transactions")).json()["data"]
    for name in (me["id"], me["pseudonym"], me["email"]):
        status, printed = await say("ledger", "show", name)
        assert 0 == status
        assert f"pending      EUR {'0.036667':>18}" in printed
        assert line["id"] in printed
    assert 1 == (await say("ledger", "show", "nobody@example.org"))[0]


async def test_an_earning_is_taken_back_by_its_number(say: Say, contributor: Client, recording: str):
    (line,) = (await contributor.get("/v1/balance-transactions")).json()["data"]

    assert 0 == (await say("ledger", "clawback", line["id"], "--because", "Not yours."))[0]
    assert 1 == (await say("ledger", "clawback", line["id"], "--because", "Not yours."))[0]

    assert [-PAY, PAY] == await earned(contributor)


async def test_settling_says_what_was_done(say: Say, recording: str):
    status, printed = await say("ledger", "settle")

    assert 0 == status
    assert "0 recordings and 0 sales paid" in printed


async def test_a_report_is_compared_line_by_line(say: Say, tmp_path: Path, database: Pool):
    """What a buyer paid, noted once; and a bank's report that is right, then wrong in three ways."""
    buyer, reference = str(uuid4()), f"INV-{uuid4().hex[:8]}"
    received = ("ledger", "received", buyer, "99.95", "--currency", "EUR", "--reference", reference)
    assert [0, 0] == [(await say(*received))[0] for _ in range(2)]
    file = tmp_path / "bank.csv"

    file.write_text(f"reference,currency,amount\n{reference},EUR,99.95\n")
    right = await say("ledger", "reconcile", str(file))
    file.write_text(f"reference,currency,amount\n{reference},EUR,99.96\nelse,EUR,1\n{reference},EUR,99.95\n")
    wrong = await say("ledger", "reconcile", str(file))

    assert (0, "1 lines, 0 differences.\n") == right
    assert 1 == wrong[0]
    assert ["amount", "unknown", "twice", "3"] == [line.split()[0] for line in wrong[1].splitlines()]
    async with transaction(database) as connection:
        owed = await accounts.sums(connection, await accounts.of(connection, UUID(buyer), "buyer", "EUR"))
    assert 99_950_000 == owed.balance


@pytest.mark.parametrize(
    "content", ["", "reference,amount\n", "reference,currency,amount\nr,EUR,much\n", "reference,currency,amount\nr\n"]
)
async def test_a_report_that_cannot_be_read_says_where(say: Say, tmp_path: Path, content: str):
    file = tmp_path / "bank.csv"
    file.write_text(content)

    with pytest.raises(ValueError, match=r"missing|line 2"):
        read_report(file)
    assert 2 == (await say("ledger", "reconcile", str(file)))[0]
    assert 2 == (await say("ledger", "reconcile", str(tmp_path / "absent.csv")))[0]


async def test_a_rate_is_changed_with_a_reason_that_everybody_reads(say: Say, client: Client, campaign: dict[str, Any]):
    words = ("campaigns", "rate", campaign["id"], "--currency", "EUR", "--because", "A test.")
    assert 0 == (await say(*words, "--per-hour", "13.37"))[0]
    listed = await say("campaigns", "list")
    newest = (await client.get("/v1/rates")).json()["data"][0]
    assert 0 == (await say(*words, "--per-hour", "12"))[0]

    assert "€13.37 per hour" in listed[1]
    assert (campaign["id"], 13_370_000, "A test.") == (newest["campaign"], newest["micros"], newest["because"])
    assert 1 == (await say("campaigns", "rate", str(uuid4()), *words[3:], "--per-hour", "1"))[0]


async def test_a_campaign_is_opened_from_a_file(say: Say, client: Client, tmp_path: Path):
    """And refused with a sentence when it cannot be read, has rules that contradict, or pays less than its card."""
    draft = json.loads(CAMPAIGN.read_text()) | {"slug": uuid4().hex}
    file = tmp_path / "campaign.json"
    bad = (
        {"rate_micros": 1},
        {"profile": "opera"},
        {"rules": {"audio.duration": {"minimum": 9, "maximum": 2}}},
        {"x": 1},
    )

    statuses = []
    for changes in ({}, {}, *bad):
        file.write_text(json.dumps(draft | changes))
        statuses.append((await say("campaigns", "open", str(file)))[0])
    opened = (await say("campaigns", "list"))[1]

    assert [0, 0, 1, 2, 2, 2] == statuses
    assert 2 == (await say("campaigns", "open", str(tmp_path / "none.json")))[0]
    shown = next(line for line in opened.splitlines() if "voice-standard 3" in line)
    assert 200 == (await client.get(f"/v1/campaigns/{shown.split()[0]}")).status_code


async def test_a_campaign_moves_to_new_terms_once_its_contributors_had_notice(
    say: Say, client: Client, contributor: Client, database: Pool, tmp_path: Path
):
    """At once while nobody has agreed; afterwards only as long after the publication as the card promises."""
    name = f"sheet-{uuid4().hex[:12]}"
    async with transaction(database) as connection:
        for version in (1, 2, 3):
            await term_sheets.publish(connection, document() | {"id": name, "version": version})
    draft = json.loads(CAMPAIGN.read_text())
    file = tmp_path / "campaign.json"
    terms = {"term_sheet_id": name, "term_sheet_version": 1, "slug": name, "title": name, "prompts": []}
    file.write_text(json.dumps(draft | terms))
    url = (await say("campaigns", "open", str(file)))[1].split()[-1]
    move = ("campaigns", "terms", url.rsplit("/", 1)[1], "--sheet", name, "--version")
    first = await say(*move, "2")
    campaign = dict((await client.get(url)).json())
    recording = (await claim(contributor, campaign, uuid4().bytes)).json()["id"]
    await agree(contributor, campaign, recording)
    second = await say(*move, "3")
    async with transaction(database) as connection:
        long_ago = """
            INSERT INTO term_sheets (id, version, sha256, document, published_at)
            SELECT id, 4, sha256, document, now() - interval '31 days' FROM term_sheets
            WHERE id = %(name)s AND version = 3
        """
        await run(connection, long_ago, name=name)
    third = await say(*move, "4")

    assert (2, 4) == (campaign["term_sheet"]["version"], (await client.get(url)).json()["term_sheet"]["version"])
    assert [0, 1, 0] == [first[0], second[0], third[0]]
    assert "possible_from" in second[1]
    assert 1 == (await say(*move, "99"))[0]


def test_amounts_are_exact_to_the_micro():
    assert [12_500_000, -3_000_000, 1] == [amount(text) for text in ("12.5", "-3", "0.000001")]
    for wrong in ("0.0000001", "much", "NaN", "1e30"):
        with pytest.raises(ValueError, match=wrong):
            amount(wrong)


@given(st.integers(-(2**53) + 1, 2**53 - 1))
def test_an_amount_that_is_written_out_is_read_back(micros: int):
    assert micros == amount(f"{Decimal(micros) / 1_000_000:f}")


def test_spans_are_read_in_seconds():
    assert (3200, 5000, "bystander") == (span("3.2-5:bystander").start_ms, span("3.2-5").end_ms, "bystander")
    for wrong in ("5-3", "3", "a-b", "3-3", "-1-2"):
        with pytest.raises(ValueError, match=wrong):
            span(wrong)


async def test_without_a_database_the_reason_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
):
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("COMPANION_DATA", str(tmp_path))

    assert 2 == await asyncio.to_thread(main, ("ledger", "audit"))
    assert "companion: DATABASE_URL is not set, and no companion runs here.\n" == capsys.readouterr().err


async def test_whoever_forgot_their_password_gets_another_one(say: Say, client: Client):
    """It is shown once and opens the account; whoever was signed in is not any more."""
    email, old = f"{uuid4().hex}@example.org", "a sentence nobody else says"
    made = await client.post("/v1/accounts", json={"email": email, "password": old})
    token = {"Authorization": f"Bearer {made.json()['tokens']['access_token']}"}

    status, said = await say("accounts", "password", email)
    nobody = await say("accounts", "password", "nobody@example.org")

    new = said.split("password ")[1].split(" ")[0]
    answers = [await client.post("/v1/sessions", json={"email": email, "password": word}) for word in (old, new)]
    assert (0, [401, 201]) == (status, [answer.status_code for answer in answers])
    assert 401 == (await client.get("/v1/me", headers=token)).status_code
    assert (1, "companion accounts: There is no such account.") == (nobody[0], nobody[1].strip())
