"""The receipt after which a phone may delete its original."""

from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from api.cli import main
from api.validation import Workplace
from storage import custody, rereading
from storage.database import Pool, transaction
from storage.errors import StoreUnavailable
from tests.api.taking import examined, slug, speech, submit

Campaign = dict[str, Any]
Client = httpx.AsyncClient


async def test_a_receipt_can_be_checked_offline(
    contributor: Client, campaign: Campaign, place: Workplace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It names the recording, its hash and its size, holds without us, and not after a change."""
    data = speech()
    recording = await submit(contributor, campaign, data)
    seen = await examined(msgspec.structs.replace(place, store_folder=str(tmp_path)), contributor, recording)
    receipt = (await contributor.get(seen["custody_receipt_url"])).json()
    signed = await contributor.get(seen["custody_receipt_url"], headers={"Accept": "application/jose"})
    (tmp_path / "keys.json").write_bytes((await contributor.get("/.well-known/jwks.json")).content)
    (tmp_path / "receipt.jws").write_text(receipt["jws"])
    (tmp_path / "changed.jws").write_text(receipt["jws"].replace(".", ".e", 1))

    genuine = main(["verify", str(tmp_path / "receipt.jws"), "--keys", str(tmp_path / "keys.json")])
    said = capsys.readouterr().out
    changed = main(["verify", str(tmp_path / "changed.jws"), "--keys", str(tmp_path / "keys.json")])

    assert (0, 1) == (genuine, changed)
    assert custody_of(seen) == {name: receipt[name] for name in ("recording", "sha256", "size_bytes")}
    assert receipt["jws"] == signed.text
    assert "application/jose" == signed.headers["content-type"]
    assert "custody-receipt+jws" in said


def custody_of(seen: dict[str, Any]) -> dict[str, Any]:
    """What the recording itself says about its bytes."""
    recording = seen["recording"]
    return {
        "recording": recording["id"],
        "sha256": recording["sha256"],
        "size_bytes": recording["size_bytes"],
    }


async def test_the_same_custody_is_the_same_receipt(contributor: Client, campaign: Campaign, place: Workplace) -> None:
    """Two devices of one owner hold the same words."""
    recording = await submit(contributor, campaign, speech())
    await examined(place, contributor, recording)
    url = f"/v1/recordings/{recording}/custody-receipt"

    assert (await contributor.get(url)).json() == (await contributor.get(url)).json()


async def test_nothing_is_promised_before_the_stored_bytes_were_read_back(
    contributor: Client, campaign: Campaign
) -> None:
    """All bytes are there and acknowledged, and the original must be kept all the same."""
    recording = await submit(contributor, campaign, speech())

    answer = await contributor.get(f"/v1/recordings/{recording}/custody-receipt")

    assert (404, "custody-missing") == (answer.status_code, slug(answer))


async def test_a_disk_that_cannot_be_synced_promises_nothing(
    contributor: Client, campaign: Campaign, place: Workplace, tmp_path: Path
) -> None:
    """The job fails and is tried again; a receipt would be a lie."""
    recording = await submit(contributor, campaign, speech())
    broken = msgspec.structs.replace(place, store_folder=str(tmp_path / "away"))

    with pytest.raises(OSError, match="away"):
        await examined(broken, contributor, recording)
    assert 404 == (await contributor.get(f"/v1/recordings/{recording}/custody-receipt")).status_code
    await examined(place, contributor, recording)
    assert 200 == (await contributor.get(f"/v1/recordings/{recording}/custody-receipt")).status_code


async def test_syncing_asks_the_kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder's file system is synced, and an empty name is an external store that syncs by itself."""
    asked: list[int] = []
    monkeypatch.setattr(custody.LIBC, "syncfs", lambda descriptor: asked.append(descriptor) or 0, raising=False)

    await custody.synced("")
    await custody.synced(str(tmp_path))

    assert 1 == len(asked)


async def test_a_deleted_recording_is_in_nobody_s_custody(
    contributor: Client, other: Client, campaign: Campaign, place: Workplace
) -> None:
    """Its owner keeps the receipt they had; nobody gets another one."""
    recording = await submit(contributor, campaign, speech())
    await examined(place, contributor, recording)
    url = f"/v1/recordings/{recording}/custody-receipt"

    assert 404 == (await other.get(url)).status_code
    await contributor.delete(f"/v1/recordings/{recording}")
    assert 404 == (await contributor.get(url)).status_code


async def due(database: Pool, recording: str) -> None:
    """As if a hundred days had passed."""
    async with transaction(database) as connection:
        await connection.execute("UPDATE rereadings SET due_at = due_at + interval '1000 days'")
        await connection.execute("UPDATE rereadings SET due_at = now() WHERE recording_id = %s", (recording,))


async def test_what_is_stored_is_read_again(
    contributor: Client, campaign: Campaign, place: Workplace, caplog: pytest.LogCaptureFixture
) -> None:
    """A byte that changed is told to operators, ends the receipt, and is looked at again the next day."""
    recording = await submit(contributor, campaign, speech())
    await examined(place, contributor, recording)
    url = f"/v1/recordings/{recording}/custody-receipt"
    await due(place.database, recording)
    assert await rereading.reread(place.database, place.store, place.master_key)
    assert not await rereading.reread(place.database, place.store, place.master_key)
    whole = await contributor.get(url)
    key = f"recordings/{recording}/1"
    stored = bytearray(await place.store.read(key))
    stored[len(stored) // 2] ^= 1
    await overwritten(place, key, bytes(stored))

    await due(place.database, recording)
    assert await rereading.reread(place.database, place.store, place.master_key)
    damaged, told = await contributor.get(url), caplog.text
    stored[len(stored) // 2] ^= 1
    await overwritten(place, key, bytes(stored))
    await due(place.database, recording)
    assert await rereading.reread(place.database, place.store, place.master_key)

    assert [200, 404, 200] == [whole.status_code, damaged.status_code, (await contributor.get(url)).status_code]
    assert "does not come back" in told


async def overwritten(place: Workplace, key: str, data: bytes) -> None:
    """Put other bytes in place of an object, which our own code never does."""
    await place.store.remove({key})
    await place.store.put(key, data)


async def test_a_store_that_is_away_is_no_damage(contributor: Client, campaign: Campaign, place: Workplace) -> None:
    """It is read on another day; a recording that was deleted is not missed."""
    recording, gone = [await submit(contributor, campaign, speech()) for _ in range(2)]
    for one in (recording, gone):
        await examined(place, contributor, one)
    await due(place.database, recording)
    away = msgspec.structs.replace(place, store=Away())

    with pytest.raises(StoreUnavailable):
        await rereading.reread(away.database, away.store, away.master_key)
    assert 200 == (await contributor.get(f"/v1/recordings/{recording}/custody-receipt")).status_code
    await contributor.delete(f"/v1/recordings/{gone}")
    await due(place.database, gone)
    assert not await rereading.reread(place.database, place.store, place.master_key)


class Away:
    """A store that does not answer."""

    async def read(self, *_: Any, **__: Any) -> bytes:
        raise StoreUnavailable
