"""What an operator types about payouts: let go, written for the bank, and what the bank did."""

import base64
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from api.settings import Settings
from storage.database import Pool
from tests.api.commands.conftest import Say
from tests.api.paying import account_of, destination, earned

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
    await say("payouts", "returned", asked_for, "--because", "The account is closed.")

    [transfers] = [path for path in (tmp_path / "out").iterdir() if path.suffix == ".xml"]
    assert asked_for in listed
    assert "€12.34" in listed
    assert str(transfers) in written
    assert UUID(asked_for).hex in transfers.read_text()
    assert ("submitted", "returned") == (submitted, await state(contributor, asked_for))
    assert "The account is closed." == (await contributor.get(f"/v1/payouts/{asked_for}")).json()["because"]


async def test_what_cannot_be_is_refused_in_a_sentence(say: Say, asked_for: str) -> None:
    """A payout that nobody let go has not been paid."""
    status, said = await say("payouts", "paid", asked_for)

    assert 1 == status
    assert "too far on its way" in said
