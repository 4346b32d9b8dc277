"""What an operator types about payouts: let go, written for the bank, and what the bank did."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.payout_providers import manual
from api.settings import Settings
from storage import payouts
from storage.database import Pool, transaction
from storage.payouts import State
from tests.api.commands.conftest import Say
from tests.api.paying import IBAN, account_of, confirmed, destination, earned

Client = httpx.AsyncClient


@pytest.fixture
async def asked_for(contributor: Client, database: Pool) -> str:
    """A payout of 12.34 euros."""
    account = await account_of(contributor, database)
    await earned(database, account, 12_345_678)
    target = await destination(contributor, database, account)
    return str((await contributor.post("/v1/payouts", json={"destination": target})).json()["id"])


@pytest.fixture
def paying(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """What an operator's shell knows who pays with files."""
    monkeypatch.setenv("COMPANION_PAYOUT_DEBTOR", "Ours Ltd/DE89 3704 0044 0532 0130 00/COBADEFFXXX")
    monkeypatch.setenv("COMPANION_MASTER_KEY", base64.b64encode(settings.master_key).decode())
    for name in ("S3_ENDPOINT", "S3_ACCESS_KEY", "S3_SECRET_KEY"):
        monkeypatch.setenv(name, getattr(settings, name.lower()))


async def state(contributor: Client, payout: str) -> str:
    return str((await contributor.get(f"/v1/payouts/{payout}")).json()["state"])


async def test_a_payout_goes_to_the_bank_as_a_file_and_what_became_of_it_is_said(
    say: Say, contributor: Client, paying: None, asked_for: str, tmp_path: Path
) -> None:
    """From the list to the bank; the money is back when the bank sends it back, with the reason."""
    _, listed = await say("payouts", "list")
    await say("payouts", "approve", asked_for)
    _, written = await say("payouts", "export", str(tmp_path / "out"))
    submitted = await state(contributor, asked_for)
    await say("payouts", "paid", asked_for)
    await say("payouts", "returned", asked_for, "--because", "The account is closed.", "--code", "ac04")

    [transfers] = [path for path in (tmp_path / "out").iterdir() if path.suffix == ".xml"]
    assert asked_for in listed
    assert "€12.34" in listed
    assert str(transfers) in written
    assert UUID(asked_for).hex in transfers.read_text()
    assert ("submitted", "returned") == (submitted, await state(contributor, asked_for))
    shown = (await contributor.get(f"/v1/payouts/{asked_for}")).json()
    assert ("The account is closed.", "AC04") == (shown["because"], shown["failure"]["code"])


async def test_what_no_file_can_pay_takes_nobody_s_place(database: Pool, asked_for: str) -> None:
    """A thousand older payouts in dollars, of which no bank takes one by SEPA, and nobody in euros was paid."""
    older = """
        INSERT INTO payouts (id, account_id, destination_id, currency, micros)
        SELECT '00000000-0000-7000-8000-000000000000', account_id, destination_id, 'USD', 10000
        FROM payouts WHERE id = %s
    """
    async with database.connection() as connection, connection.transaction(force_rollback=True):
        await connection.execute(older, [asked_for])
        [first] = await payouts.in_state(connection, "requested", limit=1)
        [in_euros] = await payouts.in_state(connection, "requested", currency="EUR", limit=1)

    assert ("USD", "EUR") == (first.currency, in_euros.currency)


@pytest.mark.parametrize("reference", ["p-1", None], ids=["named", "never named"])
@pytest.mark.parametrize("way", [("paid",), ("paid", "returned")], ids=["arrived", "came back"])
async def test_a_payout_that_was_paid_is_found_in_the_books_whatever_became_of_it(
    say: Say, database: Pool, asked_for: str, tmp_path: Path, reference: str | None, way: tuple[State, ...]
) -> None:
    """By its provider's reference, or by our number where the report was quicker than the answer that has one."""
    if reference is not None:
        reference += uuid4().hex
    async with transaction(database) as connection:
        for state in ("approved", "submitted", "in_transit", *way):
            await payouts.move(connection, UUID(asked_for), state, by="worker", provider="hooked", reference=reference)
    file, today = tmp_path / "report.csv", f"{datetime.now(UTC):%F}"
    period = ("--since", today, "--until", today)
    file.write_text(f"reference,currency,amount\n{reference or UUID(asked_for).hex},EUR,12.34\n")
    _, right = await say("ledger", "reconcile", str(file), *period)
    file.write_text("reference,currency,amount\n")
    _, empty = await say("ledger", "reconcile", str(file), *period)

    name = reference or UUID(asked_for).hex
    assert [] == [line for line in right.splitlines() if name in line]
    assert ["not-reported"] == [line.split()[0] for line in empty.splitlines() if name in line]


async def test_a_name_that_no_bank_reads_keeps_nobody_else_from_being_paid(
    say: Say, contributor: Client, other: Client, database: Pool, paying: None, asked_for: str, tmp_path: Path
) -> None:
    """It is left out and named; whoever approved it can call it back with a reason."""
    account = await account_of(other, database)
    await earned(database, account, 9_000_000)
    await confirmed(database, account)
    blank = {"method": "sepa", "holder": " ", "iban": IBAN}
    refused = await other.post("/v1/payout-destinations", json=blank)
    named = (await other.post("/v1/payout-destinations", json=blank | {"holder": "\N{GRINNING FACE}"})).json()["id"]
    async with transaction(database) as connection:
        await connection.execute("UPDATE payout_destinations SET usable_from = now() WHERE id = %s", [named])
    unreadable = (await other.post("/v1/payouts", json={"destination": named})).json()["id"]
    await say("payouts", "approve", asked_for, unreadable)
    status, said = await say("payouts", "export", str(tmp_path / "out"))

    assert 400 == refused.status_code
    assert 0 == status
    assert f"{unreadable} is left out" in said
    assert ("submitted", "approved") == (await state(contributor, asked_for), await state(other, unreadable))
    await say("payouts", "cancel", unreadable, "--because", "Tell us your name as your bank writes it.")


async def test_a_file_whose_payouts_are_not_marked_does_not_look_like_one(
    say: Say,
    contributor: Client,
    paying: None,
    asked_for: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An operator could give it to the bank, and what the next export writes again as well."""

    def killed(*words: Any) -> list[Path]:
        write(*words)
        raise OSError("there is no room left")

    await say("payouts", "approve", asked_for)
    write = manual.write
    with monkeypatch.context() as patch:
        patch.setattr(manual, "write", killed)
        status, _ = await say("payouts", "export", str(tmp_path / "out"))
    left = {path.suffix for path in (tmp_path / "out").iterdir()}
    before = await state(contributor, asked_for)
    await say("payouts", "export", str(tmp_path / "out"))

    assert (1, {".part"}, "approved") == (status, left, before)
    assert {".xml", ".csv"} == {path.suffix for path in (tmp_path / "out").iterdir()}
    assert "submitted" == await state(contributor, asked_for)


async def test_what_cannot_be_is_refused_in_a_sentence(say: Say, asked_for: str) -> None:
    """A payout that nobody let go has not been paid."""
    status, said = await say("payouts", "paid", asked_for)

    assert 1 == status
    assert "too far on its way" in said


@pytest.fixture
async def receipt(contributor: Client, database: Pool, tmp_path: Path) -> Path:
    """What somebody got who left with 1.239 euros, less than the smallest payout."""
    account = await account_of(contributor, database)
    await earned(database, account, 1_239_000)
    await confirmed(database, account)
    farewell = (await contributor.delete("/v1/accounts/me")).json()
    assert [{"currency": "EUR", "micros": 1_239_000}] == farewell["unpaid"]
    file = tmp_path / "farewell.jws"
    file.write_text(farewell["receipt"])
    return file


async def test_what_a_closed_account_left_is_paid_to_whoever_has_its_receipt(
    say: Say, database: Pool, paying: None, receipt: Path, tmp_path: Path
) -> None:
    """All of it down to the cent, once, and the bank account's number is kept nowhere."""
    words = ("payouts", "closed", str(receipt), str(tmp_path / "out"), "--holder", "Amina Okello", "--iban", IBAN)
    status, said = await say(*words)
    [transfers] = [path for path in (tmp_path / "out").iterdir() if path.suffix == ".xml"]
    again = await say(*words)
    payout = UUID(said.split()[0])
    await say("payouts", "paid", str(payout))

    assert (0, 1) == (status, again[0])
    assert "nothing available" in again[1]
    assert IBAN.replace(" ", "") in transfers.read_text()
    assert "€1.23" in said
    async with transaction(database) as connection:
        query = (
            "SELECT p.state, p.micros, d.sealed, d.hint FROM payouts p JOIN payout_destinations d"
            " ON d.id = p.destination_id WHERE p.id = %s"
        )
        assert ("paid", 1_230_000, None, "") == await (await connection.execute(query, [payout])).fetchone()


async def test_only_the_receipt_of_an_erasure_opens_a_closed_account(
    say: Say, contributor: Client, paying: None, receipt: Path, tmp_path: Path
) -> None:
    """Not a changed one, nor anything else that we signed, nor a number that no bank has."""
    changed, other = tmp_path / "changed.jws", tmp_path / "other.jws"
    head, payload, signature = receipt.read_text().split(".")
    changed.write_text(f"{head}.{payload[:-4]}AAAA.{signature}")
    other.write_text("not signed at all")
    to = (str(tmp_path / "out"), "--holder", "Amina Okello", "--iban")

    for file in (changed, other, tmp_path / "missing.jws"):
        assert 1 == (await say("payouts", "closed", str(file), *to, IBAN))[0]
    assert 2 == (await say("payouts", "closed", str(receipt), *to, "DE89 3704 0044 0532 0130 01"))[0]
    assert not (tmp_path / "out").exists()
