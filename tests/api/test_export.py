"""Taking everything along: the archive is whole, true, signed, and only one's own."""

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from api.archive import Archive
from api.commands.verify import verify
from api.export import as_list, once
from api.validation import Workplace
from storage.database import Pool, one, transaction
from storage.objects import Store
from tests.api import trading
from tests.api.paying import account_of, destination

Client = httpx.AsyncClient


class Stored(Struct):
    """Where a recording lies."""

    object_key: str


@pytest.fixture
async def recording(
    place: Workplace, contributor: Client, operator: Client, campaign: dict[str, Any], database: Pool
) -> str:
    """A recording that was sold."""
    await trading.listed(database)
    made = await trading.accepted(place, contributor, campaign)
    await trading.sell(operator, (await trading.buyer(operator))["id"], await trading.version(operator, [made]))
    return made


async def taken(client: Client) -> zipfile.ZipFile:
    answer = await client.get("/v1/accounts/me/export")
    assert 200 == answer.status_code, answer.text
    assert "application/zip" == answer.headers["content-type"]
    archive = zipfile.ZipFile(io.BytesIO(answer.content))
    assert archive.testzip() is None
    return archive


async def test_an_export_holds_everything_of_somebody(contributor: Client, recording: str):
    """The file as it was sent, who uses it, the receipt of the consent, every event and every amount."""
    archive = await taken(contributor)
    seen = (await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]
    profile = (await contributor.get("/v1/me")).json()

    original = archive.read(f"recordings/{recording}/original.wav")
    known = json.loads(archive.read(f"recordings/{recording}/recording.json"))

    assert seen["sha256"] == hashlib.sha256(original).hexdigest() == known["sha256"]
    assert [50_000_000] == [use["contributor_micros"] for use in known["uses"]]
    assert [profile["email"]] == [row["email"] for row in json.loads(archive.read("account.json"))]
    amounts = json.loads(archive.read("balance-transactions.json"))
    assert ["earning", "royalty"] == sorted(row["type"] for row in amounts)
    assert 1 == len(json.loads(archive.read("consent-receipts.json")))
    events = json.loads(archive.read("events.json"))
    assert list(range(1, len(events) + 1)) == [event["number"] for event in events]


async def test_an_export_has_what_was_said_no_to_and_what_came_of_it(contributor: Client, recording: str):
    """Who is refused, that consent is paused, what is hidden in copies, and what each buyer did about a withdrawal."""
    await contributor.put("/v1/me/refused-companies", json={"names": ["Nord AG"]})
    await contributor.put(f"/v1/recordings/{recording}/privacy", json={"mute": [{"start_s": 1, "end_s": 2}]})
    await contributor.post(f"/v1/recordings/{recording}/withdrawals", json={"uses": ["*"]})
    await contributor.put("/v1/me/consent-pause", json={"paused": True})

    archive = await taken(contributor)

    def part(name: str) -> list[dict[str, Any]]:
        return list(json.loads(archive.read(f"{name}.json")))

    assert ["Nord AG"] == [row["name"] for row in part("refused-companies")]
    assert [recording] == [row["recording_id"] for row in part("privacy")]
    (notice,) = part("withdrawal-notices")
    assert (recording, "queued") == (notice["recording_id"], notice["state"])
    assert notice["buyer"]
    assert part("account")[0]["consent_paused_at"]


async def test_an_export_names_bank_accounts_and_the_data_budget(contributor: Client, database: Pool):
    """By the last characters only: the whole number is nobody's to carry around."""
    named = await destination(contributor, database, await account_of(contributor, database))
    await contributor.put("/v1/me/data-budget", json={"wifi_only": True})

    archive = await taken(contributor)

    (bank,) = json.loads(archive.read("payout-destinations.json"))
    assert (named, "3000", "DE") == (bank["id"], bank["hint"], bank["country"])
    assert [True] == [row["wifi_only"] for row in json.loads(archive.read("data-budget.json"))]
    assert b"0532013000" not in archive.read("payout-destinations.json")


async def test_its_manifest_is_signed_and_lists_every_file(
    contributor: Client, client: Client, recording: str, tmp_path: Path
):
    """`companion verify` believes it, and stops believing when one byte of it is changed."""
    archive = await taken(contributor)
    keys, whole, changed = (tmp_path / name for name in ("jwks.json", "manifest.json", "changed.json"))
    keys.write_bytes((await client.get("/.well-known/jwks.json")).content)
    whole.write_bytes(archive.read("manifest.json"))
    changed.write_text(whole.read_text().replace("README.txt", "readme.txt", 1))
    listed = {file["path"]: file["sha256"] for file in json.loads(whole.read_text())["files"]}

    assert 0 == verify(["--keys", str(keys), str(whole)])
    assert 1 == verify(["--keys", str(keys), str(changed)])
    assert set(archive.namelist()) == {*listed, "manifest.json"}
    assert listed == {name: hashlib.sha256(archive.read(name)).hexdigest() for name in listed}


async def test_what_the_store_has_lost_is_said(contributor: Client, recording: str, app_store: Store, database: Pool):
    """The rest is exported all the same."""
    async with transaction(database) as connection:
        stored = await one(connection, Stored, "SELECT object_key FROM recordings WHERE id = %(id)s", id=recording)
    assert stored is not None
    await app_store.remove([stored.object_key])

    archive = await taken(contributor)

    unreadable = json.loads(archive.read("manifest.json"))["unreadable"]
    assert [f"recordings/{recording}/original.wav"] == unreadable
    assert f"recordings/{recording}/recording.json" in archive.namelist()


async def test_an_export_holds_nobody_else_s_data(contributor: Client, other: Client, recording: str):
    """Nor anything that only means something inside of the service."""
    mine, theirs = await taken(contributor), await taken(other)
    everything = b"".join(mine.read(name) for name in mine.namelist() if name.endswith(".json"))

    assert not [name for name in theirs.namelist() if "recordings/" in name]
    assert not [word for word in (b"password_hash", b"wrapped", b"object_key", b"network_hash") if word in everything]


@given(st.lists(st.binary(max_size=5000), max_size=5))
async def test_any_bytes_come_back_from_an_archive(contents: list[bytes]):
    """As they went in, with their hashes, in any number of files."""
    archive, sent = Archive(), b""
    for number, content in enumerate(contents):
        async for ready in archive.file(f"{number}.bin", once(content)):
            sent += ready
    sent += archive.end()
    read = zipfile.ZipFile(io.BytesIO(sent))

    assert contents == [read.read(f"{number}.bin") for number in range(len(contents))]
    assert [hashlib.sha256(content).hexdigest() for content in contents] == [file.sha256 for file in archive.files]


async def test_an_archive_is_sent_while_it_is_written():
    """A large recording is never held whole."""
    archive, largest = Archive(), 0
    piece = os.urandom(100_000)

    async def many():
        for _ in range(50):
            yield piece

    async for ready in archive.file("large.bin", many()):
        largest = max(largest, len(ready))

    assert largest < 4 * len(piece)


@pytest.mark.parametrize("rows", [[], [1], [1, 2, 3]])
async def test_rows_are_a_json_list(rows: list[int]):
    """None, one or many."""

    async def given_rows():
        for row in rows:
            yield row

    assert rows == json.loads(b"".join([piece async for piece in as_list(given_rows())]))
