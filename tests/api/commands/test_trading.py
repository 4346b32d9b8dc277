"""What operators type about buyers, datasets, sales, claims and erasures: the whole way from a list to a sale."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.validation import Workplace
from storage import erasures
from storage.embedded.seaweedfs import S3Settings
from storage.objects import Store
from tests.api import trading
from tests.api.commands.conftest import Say

Client = httpx.AsyncClient
ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any]) -> str:
    return await trading.accepted(place, contributor, campaign)


@pytest.fixture
def screening_list(tmp_path: Path) -> Path:
    path = tmp_path / "list.csv"
    path.write_bytes(trading.LIST)
    return path


async def test_an_operator_sells_from_the_console(
    say: Say, contributor: Client, client: Client, recording: str, screening_list: Path
):
    """A list, a buyer, a dataset, a version, a sale and a key that opens it."""
    assert "Entries: 3." in (await say("buyers", "screen", str(screening_list)))[1]
    name = f"Harbour Speech {uuid4().hex[:6]}"
    buyer = ID.findall(
        (
            await say(
                "buyers", "add", name, "--country", "de", "--sector", "speech_technology", "--purpose", "Hospitals."
            )
        )[1]
    )[0]
    described = ("--title", "Speech", "--description", "Read aloud.")
    dataset = ID.findall((await say("datasets", "create", f"speech-{uuid4().hex[:8]}", *described))[1])[0]
    published = (await say("datasets", "publish", dataset, recording))[1]
    terms = ("--version", "1", "--use", "asr_training", "--purpose", "Hospitals.", "--until", "2027-06-30")
    status, sold = await say(
        "sales", "sell", "--buyer", buyer, "--dataset", dataset, *terms, "--price", "12.50", "--currency", "EUR"
    )
    key = (await say("buyers", "key", buyer))[1].split()[-1]
    uses = (await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"]
    release = await client.get(f"/v1/datasets/{dataset}/releases/1", headers={"Authorization": f"Bearer {key}"})

    assert "Version 1: 1 recordings" in published
    assert (0, True) == (status, "€12.50" in sold), sold
    assert [name] == [use["buyer"] for use in uses]
    assert 202 == release.status_code
    assert name in (await say("buyers", "list"))[1]
    assert dataset in (await say("datasets", "list"))[1]
    assert ID.findall(sold)[0] in (await say("sales", "list"))[1]


async def test_a_sale_that_is_asked_for_twice_under_one_key_is_one(
    say: Say, contributor: Client, operator: Client, recording: str, screening_list: Path
):
    """The connection broke, and the operator gave the command again."""
    await say("buyers", "screen", str(screening_list))
    buyer, dataset = (await trading.buyer(operator))["id"], await trading.version(operator, [recording])
    terms = (
        "--buyer",
        buyer,
        "--dataset",
        dataset,
        "--version",
        "1",
        "--use",
        "asr_training",
        "--purpose",
        "Hospitals.",
    )
    words = ("sales", "sell", *terms, "--until", "2027-06-30", "--currency", "EUR", "--key", f"order-{uuid4()}")
    first, again = await say(*words, "--price", "12.50"), await say(*words, "--price", "12.50")
    other = await say(*words, "--price", "12.51")

    assert 0 == first[0]
    assert first == again
    assert (1, True) == (other[0], "belongs to another sale" in other[1])
    assert 1 == len((await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"])
    lines = (await contributor.get("/v1/balance-transactions")).json()["data"]
    assert 1 == sum(line["type"] == "royalty" for line in lines)


async def test_what_is_refused_is_said_in_a_sentence(say: Say, recording: str, screening_list: Path):
    """With the facts, and the exit status 1."""
    await say("buyers", "screen", str(screening_list))
    listed = await say("buyers", "add", "X Ltd", "--country", "XX", "--sector", "speech", "--purpose", "None.")
    buyer = ID.findall(listed[1])[0]
    terms = ("--dataset", str(uuid4()), "--version", "1", "--use", "asr_training", "--purpose", "x")

    status, said = await say(
        "sales", "sell", "--buyer", buyer, *terms, "--until", "2027-06-30", "--price", "1", "--currency", "EUR"
    )

    assert 1 == status
    assert "country-listed: XX" in said


@pytest.mark.parametrize(
    "content", ["name,value\n", "kind,value,because\nplanet,Mars,no\n", "kind,value,because\nname\n"]
)
async def test_a_list_that_cannot_be_read_changes_nothing(say: Say, tmp_path: Path, content: str):
    """Half a list would clear whom the other half names."""
    path = tmp_path / "list.csv"
    path.write_text(content)

    status, said = await say("buyers", "screen", str(path))

    assert 1 == status
    assert "cannot be read" in said


async def test_a_claim_is_decided_from_the_console(say: Say, client: Client, contributor: Client, recording: str):
    """Found, held, dismissed; the claimant reads the answer."""
    words = f"On the radio, {uuid4().hex}."
    body = {"kind": "identity", "where_heard": words, "contact": "amina@example.org"}
    url = (await client.post("/v1/third-party-claims", json=body)).json()["url"]
    lines = (await say("claims", "list"))[1].splitlines()
    claim = ID.findall(lines[next(at for at, line in enumerate(lines) if words in line) - 1])[0]

    held = await say("claims", "hold", claim, recording)
    dismissed = await say("claims", "dismiss", claim, "--answer", "It is another voice.")
    again = await say("claims", "uphold", claim, "--answer", "No, it is yours.")

    assert "held" in held[1]
    assert 0 == dismissed[0]
    assert "It is another voice." == (await client.get(url)).json()["answer"]
    assert (1, True) == (again[0], "decided already" in again[1])


async def test_erasures_are_replayed_from_the_console(
    say: Say, monkeypatch: pytest.MonkeyPatch, s3: S3Settings, app_store: Store, contributor: Client
):
    """An account that the log names and the database still has is erased."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    account = (await contributor.get("/v1/me")).json()["id"]
    await erasures.log(app_store, UUID(account), datetime.now(UTC))

    status, said = await say("erasures", "replay")

    assert 0 == status, said
    assert account in (await say("erasures", "list"))[1]
    assert 401 == (await contributor.get("/v1/me")).status_code


async def test_erasures_are_replayed_from_a_list_where_the_bucket_was_restored_as_well(
    say: Say,
    monkeypatch: pytest.MonkeyPatch,
    s3: S3Settings,
    app_store: Store,
    contributor: Client,
    tmp_path: Path,
):
    """A backup of the whole folder holds the log of its day, and knows nobody who left since."""
    for name, value in s3.environment().items():
        monkeypatch.setenv(name, value)
    account = (await contributor.get("/v1/me")).json()["id"]
    await erasures.log(app_store, UUID(account), datetime.now(UTC))
    kept, wrong = tmp_path / "erased.txt", tmp_path / "wrong.txt"
    kept.write_text((await say("erasures", "list"))[1])
    wrong.write_text("nobody\n")
    await app_store.remove([f"{erasures.LOG}{account}.json"])

    refused = await say("erasures", "replay", str(wrong))
    without = await say("erasures", "replay")
    still_there = (await contributor.get("/v1/me")).status_code
    status, said = await say("erasures", "replay", str(kept))

    assert (2, 0, 200, 0) == (refused[0], without[0], still_there, status), said
    assert 401 == (await contributor.get("/v1/me")).status_code
    assert account in (await say("erasures", "list"))[1]
