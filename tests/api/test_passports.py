"""Passports and checkpoints: what is written cannot be changed, left out or put in another order unnoticed."""

import copy
import hashlib
import json
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import httpx
import psycopg
import pytest
import rfc8785
from litestar import Litestar

from api import checkpoints
from api.commands.verify import checked, verify
from api.signing import Jwks, SignatureWrong, parse_jwks
from api.validation import Workplace
from storage.database import Pool, one, run, transaction
from storage.passports import Entry
from tests.api import trading
from tests.api.trading import withdraw

Client = httpx.AsyncClient


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any]) -> str:
    return await trading.accepted(place, contributor, campaign)


@pytest.fixture
async def keys(client: Client) -> Jwks:
    return parse_jwks((await client.get("/.well-known/jwks.json")).json())


async def passport(client: Client, recording: str) -> dict[str, Any]:
    answer = await client.get(f"/v1/recordings/{recording}/passport")
    assert 200 == answer.status_code, answer.text
    return dict(answer.json())


async def sealed(app: Litestar, database: Pool) -> date:
    """Make a checkpoint of a day that has none; return it."""
    async with transaction(database) as connection:
        await checkpoints.checkpoints.due(connection)  # Nobody else makes one meanwhile.
        newest = await checkpoints.checkpoints.newest(connection)
        # Long ago enough for all tests to have days, and not so long that closing each takes minutes.
        first = (datetime.now(UTC) - timedelta(days=100)).date()
        day = first if newest is None else newest.day + timedelta(days=1)
        await checkpoints.seal(connection, await app.state.signing.signer(), day)
    return day


async def test_a_passport_tells_the_whole_story(
    place: Workplace, contributor: Client, operator: Client, recording: str, database: Pool, keys: Jwks
):
    """Consent, acceptance, sale, withdrawal, and that a buyer was told: in order, and genuine."""
    await trading.listed(database)
    await trading.cleaned(place, recording)
    buyer = await trading.buyer(operator)
    # A purpose with everything that JSON writes in a way of its own.
    purpose = 'Hospitals, "quiet" ones \\ at night:\n\t\x07\x1f\x7fé\u2028😀'
    data = await trading.version(operator, [recording])
    assert 201 == (await trading.sell(operator, buyer["id"], data, purpose=purpose)).status_code
    await withdraw(contributor, recording)

    found = await passport(contributor, recording)

    kinds = [entry["kind"] for entry in found["entries"]]
    wanted = ["recording.claimed", "consent.given", "recording.accepted", "rendition.made", "use.started"]
    assert [*wanted, "use.ended"] == [kind for kind in kinds if kind in {*wanted, "use.ended"}]
    assert [purpose] == [entry["data"]["purpose"] for entry in found["entries"] if entry["kind"] == "use.started"]
    assert {"consent.withdrawn", "recording.withdrawn"} <= set(kinds)
    assert [(buyer["legal_name"], 100_000_000)] == [(use["buyer"], use["fee_micros"]) for use in found["uses"]]
    assert {"withdrawn"} == {use["status"] for use in found["consent"] if use["use"] == "asr_training"}
    assert "passport+jws" == checked(json.dumps(found), keys).typ


async def test_a_checkpoint_fixes_the_history_before_it(
    app: Litestar, contributor: Client, client: Client, recording: str, database: Pool, keys: Jwks
):
    """The passport carries the way to the day's root; the day is published and names the one before."""
    await sealed(app, database)
    day = await sealed(app, database)
    await withdraw(contributor, recording)

    found = await passport(contributor, recording)
    listed = (await client.get("/v1/ledger/checkpoints")).json()["data"]
    alone = await client.get(f"/v1/ledger/checkpoints/{day}")

    proof = found["checkpoint"]
    assert 0 < proof["number"] < found["head"]["number"]
    assert "passport+jws" == checked(json.dumps(found), keys).typ
    assert listed[0] == alone.json()
    assert "immutable" in alone.headers["cache-control"]
    assert {"checkpoint+jws"} == {checked(json.dumps(one), keys).typ for one in listed}
    for newer, older in pairwise(listed):
        assert newer["previous"] == hashlib.sha256(rfc8785.dumps(older)).hexdigest()


async def test_a_changed_byte_is_caught_in_every_place(
    app: Litestar, contributor: Client, client: Client, recording: str, database: Pool, keys: Jwks, tmp_path: Any
):
    """Receipt, passport and checkpoint: each byte that carries meaning is changed in turn, and none gets through.

    A change that a reader of JSON cannot see (an escape for the same letter) is none.
    """
    day = await sealed(app, database)
    consent = (await contributor.get(f"/v1/recordings/{recording}/consents")).json()
    receipt = (await contributor.get(consent["receipt"], headers={"Accept": "application/jose"})).text
    files = {
        "receipt": receipt,
        "passport": json.dumps(await passport(contributor, recording), separators=(",", ":")),
        "checkpoint": (await client.get(f"/v1/ledger/checkpoints/{day}")).text,
    }
    tried, missed = 0, []
    for name, text in files.items():
        assert checked(text, keys)
        # Every seventh, which meets every field; the end of a signature whole, where base64 has bits to spare.
        for position in {*range(0, len(text), 7), *range(len(text) - 100, len(text))}:
            changed = mutated(text, position)
            if name != "receipt" and readable(changed) == readable(text):
                continue
            tried += 1
            if accepts(changed, keys):
                missed.append((name, position, text[max(0, position - 20) : position + 20]))

    assert tried > 500
    assert [] == missed


def mutated(text: str, position: int) -> str:
    """The text with another character at a position."""
    return text[:position] + chr(ord(text[position]) ^ 1) + text[position + 1 :]


def readable(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def accepts(text: str, keys: Jwks) -> bool:
    try:
        checked(text, keys)
    except SignatureWrong:
        return False
    return True


@pytest.mark.parametrize("harm", ["changed", "removed", "swapped", "last", "elsewhere"])
async def test_a_history_that_we_forge_ourselves_is_caught_too(
    app: Litestar, contributor: Client, recording: str, database: Pool, keys: Jwks, harm: str
):
    """Signed with our own key: the chain and the checkpoint contradict whoever rewrites the past."""
    await sealed(app, database)
    found = await passport(contributor, recording)
    forged = copy.deepcopy(found)
    entries = forged["entries"]
    if harm == "changed":
        entries[1]["data"] = {"by": "somebody else"}
    elif harm == "removed":
        del entries[1]
    elif harm == "swapped":
        entries[0], entries[1] = entries[1], entries[0]
    elif harm == "last":
        del entries[-1]
    else:
        forged["checkpoint"]["position"] += 1

    signed = await resigned(app, forged)

    with pytest.raises(SignatureWrong):
        checked(json.dumps(signed), keys)


async def resigned(app: Litestar, document: dict[str, Any]) -> dict[str, Any]:
    from api.signing import sign_detached

    document.pop("signature")
    document["signature"] = sign_detached(await app.state.signing.signer(), document, typ="passport+jws")
    return document


async def test_a_passport_is_verified_offline_by_the_command(
    contributor: Client, client: Client, recording: str, tmp_path: Any, capsys: pytest.CaptureFixture[str]
):
    """`companion verify passport.json` needs the file and the keys, nothing else."""
    (tmp_path / "jwks.json").write_text((await client.get("/.well-known/jwks.json")).text)
    (tmp_path / "passport.json").write_text(json.dumps(await passport(contributor, recording)))
    (tmp_path / "forged.json").write_text(
        (tmp_path / "passport.json").read_text().replace('"state": "accepted"', '"state": "withdrawn"', 1)
    )

    words = ["--keys", str(tmp_path / "jwks.json")]
    statuses = [verify([str(tmp_path / name), *words]) for name in ("passport.json", "forged.json")]

    assert [0, 1] == statuses
    assert "genuine passport" in capsys.readouterr().out


async def test_a_file_finds_its_passport_by_hash_and_by_itself(
    place: Workplace, contributor: Client, other: Client, recording: str
):
    """The original and the cleaned copy; for nobody but its owner."""
    copy_of_it = await trading.cleaned(place, recording)
    sha256 = (await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]["sha256"]

    by_hash = await contributor.get("/v1/passports", params={"sha256": sha256})
    by_file = await contributor.post("/v1/passports/look-ups", content=copy_of_it)
    strangers = await other.get("/v1/passports", params={"sha256": sha256})

    assert [(recording, "original")] == [(one["recording"], one["copy"]) for one in by_hash.json()["data"]]
    assert [(recording, "cleaned")] == [(one["recording"], one["copy"]) for one in by_file.json()["data"]]
    assert [] == strangers.json()["data"]


async def test_every_day_is_closed_once_and_none_is_left_out(app: Litestar, database: Pool, recording: str):
    """By whoever comes first; after an outage of days each of them, because the ledger's day is in its own."""
    signer = await app.state.signing.signer()
    made: list[date] = []
    async with transaction(database) as connection:
        while day := await checkpoints.make(connection, signer):
            made.append(day)
        cursor = await connection.execute("SELECT day FROM checkpoints ORDER BY day")
        days = [row[0] for row in await cursor.fetchall()]

    # A worker of another test may have closed this one before, and the tests here then close days to come.
    assert (datetime.now(UTC) - timedelta(days=1, minutes=5)).date() in days
    assert all(timedelta(days=1) == after - before for before, after in pairwise(made))


async def test_a_day_is_closed_while_a_recording_moves(
    app: Litestar, contributor: Client, database: Pool, recording: str
):
    """Who holds a recording waits for its passport; were it the other way round as well, both would wait for ever."""
    async with transaction(database) as moving:
        await moving.execute("SELECT FROM recordings WHERE id = %s FOR UPDATE", [recording])
        day = await sealed(app, database)

    assert day.isoformat() == (await passport(contributor, recording))["checkpoint"]["document"]["day"]


async def test_a_large_file_is_hashed_as_it_comes(contributor: Client):
    """More than any JSON request may hold."""
    data = bytes(5_000_000)

    answer = await contributor.post("/v1/passports/look-ups", content=data)

    assert (200, hashlib.sha256(data).hexdigest()) == (answer.status_code, answer.json()["sha256"])


async def test_no_entry_can_be_changed_or_removed_in_the_database(recording: str, database: Pool):
    """Not by the service's own role."""
    for words in ("UPDATE passport_entries SET data = '{}'", "DELETE FROM passport_entries"):
        with pytest.raises(psycopg.errors.RestrictViolation):
            async with transaction(database) as connection:
                await run(connection, f"{words} WHERE recording_id = %(recording)s", recording=recording)


async def test_the_hash_in_the_database_is_the_one_anybody_computes(database: Pool, recording: str):
    """Also with letters, quotes and control characters that JSON escapes."""
    from api.passport_proof import entry_hash
    from api.passports import entry

    data = {"é": '“quoted” " \\ / \n\t\u0001 ☃ 𝄞', "b": [1, None, True, {"z": -5, "a": []}], "a": {}}
    async with transaction(database) as connection:
        await run(
            connection,
            "SELECT note_in_passport(%(recording)s, 'test.entry', %(data)s)",
            recording=recording,
            data=psycopg.types.json.Jsonb(data),
        )
        row = await one(
            connection,
            Entry,
            """
            SELECT number, kind, rfc3339(at) AS at, data, previous, sha256 FROM passport_entries
            WHERE recording_id = %(recording)s AND kind = 'test.entry'
            """,
            recording=recording,
        )

    assert row is not None
    assert row.sha256.hex() == entry_hash(recording, entry(row))
