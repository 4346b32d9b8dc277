"""Public material and new versions, as an operator types them."""

import hashlib
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest

from api.matching import VERSIONS
from api.validation import Workplace
from capture_validation.duplicates.recording import VERSION
from storage import fingerprints
from storage.database import Pool, transaction
from tests.api.commands.conftest import Say
from tests.api.test_matches import copied, stands, taken
from tests.voices import new_speech

Client = httpx.AsyncClient
Campaign = dict[str, Any]


async def test_a_copy_of_public_material_goes_to_a_person_who_is_told_which(
    say: Say, tmp_path: Path, contributor: Client, campaign: Campaign, place: Workplace
) -> None:
    """Its owner reads the title; what is registered already is not read again; what is removed is forgotten."""
    data = new_speech()
    (tmp_path / "An old broadcast.wav").write_bytes(data)
    (tmp_path / "notes.txt").write_text("no recording")

    added = await say("references", "add", str(tmp_path))
    again = await say("references", "add", str(tmp_path))
    recording = await taken(contributor, campaign, copied(data), place)
    match = (await contributor.get(f"/v1/recordings/{recording}/matches")).json()["data"][0]
    listed = await say("references", "list")
    work = next(line.split()[0] for line in listed[1].splitlines() if "An old broadcast" in line)
    removed = await say("references", "remove", work)

    assert 0 == added[0]
    assert "1 registered, 0 were there, 1 cannot be read." in added[1]
    assert "0 registered, 1 were there, 1 cannot be read." in again[1]
    assert ("in_review", "public-material") == await stands(contributor, recording)
    assert "An old broadcast" == match["public_work"]["title"]
    assert "“An old broadcast”" in match["sentence"]
    assert (0, "") == removed
    assert [] == (await contributor.get(f"/v1/recordings/{recording}/matches")).json()["data"]
    assert 1 == (await say("references", "remove", work))[0]


async def test_what_lacks_the_version_in_use_is_fingerprinted_again(
    say: Say,
    contributor: Client,
    campaign: Campaign,
    place: Workplace,
    database: Pool,
    process_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Decrypted, decoded in the sandbox, kept beside the old version; a later copy is found by it."""
    data = new_speech()
    recording = await taken(contributor, campaign, data, place)
    async with transaction(database) as connection:
        await connection.execute(
            "UPDATE fingerprints SET version = %s WHERE recording_id = %s AND version = %s",
            (VERSION - 1, UUID(recording), VERSION),
        )
    for name, value in process_environment.items():
        monkeypatch.setenv(name, value)

    status, told = await say("refingerprint", "--drop-older")
    second = await taken(contributor, campaign, copied(data), place)

    async with transaction(database) as connection:
        cursor = await connection.execute(
            "SELECT version FROM fingerprints WHERE recording_id = %s", (UUID(recording),)
        )
        assert [(VERSION,)] == await cursor.fetchall()
    assert f"version {VERSION} now" in told
    assert recording not in told, "only what cannot be read is named"
    # Whether anything else can be read is up to the other tests of the run; the status says so either way.
    assert (0 if ", 0 cannot be read." in told else 1) == status
    assert ("needs_fix", "already-sent") == await stands(contributor, second)


async def test_what_the_store_lost_keeps_nothing_behind_it_from_being_fingerprinted(
    say: Say,
    contributor: Client,
    campaign: Campaign,
    place: Workplace,
    database: Pool,
    process_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is named, and the exit status says that something could not be read."""
    lost, kept = [await taken(contributor, campaign, new_speech(), place) for _ in range(2)]
    both = [UUID(lost), UUID(kept)]
    async with transaction(database) as connection:
        await connection.execute("UPDATE fingerprints SET version = 1 WHERE recording_id = ANY(%s)", (both,))
        cursor = await connection.execute("SELECT object_key FROM recordings WHERE id = %s", (both[0],))
        await place.store.remove([key for (key,) in await cursor.fetchall()])
    for name, value in process_environment.items():
        monkeypatch.setenv(name, value)

    status, told = await say("refingerprint")

    assert 1 == status
    assert f"{lost}: " in told
    async with transaction(database) as connection:
        cursor = await connection.execute(
            "SELECT max(version) FROM fingerprints WHERE recording_id = ANY(%s) GROUP BY recording_id", (both,)
        )
        assert {1, VERSION} == {version for (version,) in await cursor.fetchall()}


async def test_what_is_registered_is_not_decoded_again(
    say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An archive of days that was interrupted goes on where it ended, and a lost version is asked for."""
    (tmp_path / "Old.wav").write_bytes(new_speech())
    first = await say("references", "add", str(tmp_path))
    monkeypatch.delattr("api.commands.references.printed")

    assert (0, "1 registered, 0 were there, 0 cannot be read.\n") == first
    assert (0, "0 registered, 1 were there, 0 cannot be read.\n") == await say("references", "add", str(tmp_path))


async def test_an_older_fingerprint_goes_only_when_there_is_a_newer_one(
    say: Say,
    tmp_path: Path,
    database: Pool,
    process_environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is public has no bytes here to be fingerprinted again, so its old one serves until it is registered anew."""
    for name, value in process_environment.items():
        monkeypatch.setenv(name, value)
    file = tmp_path / "A tape.wav"
    file.write_bytes(new_speech())
    await say("references", "add", str(file))
    sha256 = sha256_of(file)
    await age(database, sha256)

    await say("refingerprint", "--drop-older")
    kept = await versions(database, sha256)
    await say("references", "add", str(file))
    _, told = await say("refingerprint", "--drop-older")

    assert [VERSION - 1] == kept
    # How many is up to the other tests of the run.
    assert "of older versions were dropped." in told
    assert [VERSION] == await versions(database, sha256)


def sha256_of(file: Path) -> bytes:
    """What a public work is known by."""
    return hashlib.sha256(file.read_bytes()).digest()


OF_WORK = "WHERE public_work_id = (SELECT id FROM public_works WHERE sha256 = %s)"


async def age(database: Pool, work: bytes) -> None:
    """Make what is kept of a public work one version older."""
    async with transaction(database) as connection:
        await connection.execute(f"UPDATE fingerprints SET version = version - 1 {OF_WORK}", (work,))


async def versions(database: Pool, work: bytes) -> list[int]:
    """The versions in which a public work has a fingerprint."""
    async with transaction(database) as connection:
        cursor = await connection.execute(f"SELECT version FROM fingerprints {OF_WORK} ORDER BY version", (work,))
        return [version for (version,) in await cursor.fetchall()]


async def test_common_words_are_counted_on_a_sample(
    contributor: Client, campaign: Campaign, place: Workplace, database: Pool
) -> None:
    """Counting never fails, also on an index without rows; what many share comes first."""
    await taken(contributor, campaign, new_speech(), place)
    async with transaction(database) as connection:
        await fingerprints.count_common(connection, VERSIONS["video"])
        assert isinstance(await fingerprints.common(connection, VERSIONS["video"]), list)
        assert [] == await fingerprints.common(connection, 99)
