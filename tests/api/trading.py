"""The steps of operators and buyers, for tests: a recording that may be sold, a buyer that may be sold to, a sale."""

import hashlib
import io
import os
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from msgspec import Struct

from api.validation import Workplace
from storage import encryption, renditions, screening, term_sheets, validations
from storage.database import Pool, one, run, transaction
from storage.encryption import Layout, SealingFile
from storage.recordings import move
from tests.api.taking import agree, claim
from tests.api.terms.sheets import document

#: Nobody is cleared without a list; this one names a company, a country and a sector.
LIST = b"kind,value,because\nname,Nord Aggression Holding,test\ncountry,XX,test\nsector,surveillance,test\n"


class Owner(Struct):
    """Whose a recording is."""

    account_id: UUID


class Paid(Struct):
    """What somebody earned, in micros."""

    gross_micros: int


class Coded(Struct):
    """The public code of a recording."""

    code: str


async def accepted(place: Workplace, client: httpx.AsyncClient, campaign: dict[str, Any]) -> str:
    """Have a contributor's recording accepted, with every use given; return its id.

    It is stored and moved as the worker does, but nobody listens to it: these tests are about what comes after.
    """
    data = os.urandom(3000)
    claimed = await claim(client, campaign, data)
    assert 201 == claimed.status_code, claimed.text
    recording = str(claimed.json()["id"])
    agreed = await agree(client, campaign, recording)
    assert agreed.status_code in {200, 201}, agreed.text
    object_key = await stored(place, recording, "recordings", data)
    async with transaction(place.database) as connection:
        for state in ("uploading", "validating"):
            await move(connection, UUID(recording), state, by="contributor", because=None)
        facts = {"object_key": object_key, "duration_ms": 11_000, "recording": recording}
        await run(connection, validations.RESULT, **facts)
        await move(connection, UUID(recording), "accepted", by="worker", because="passed")
    return recording


async def withdraw(client: httpx.AsyncClient, recording: str, *uses: str) -> httpx.Response:
    """Take uses back, or all that were given."""
    return await client.post(f"/v1/recordings/{recording}/withdrawals", json={"uses": list(uses) or ["*"]})


async def stored(place: Workplace, recording: str, folder: str, data: bytes) -> str:
    """Encrypt bytes under their contributor's key and put them into the bucket; return the object's key."""
    async with transaction(place.database) as connection:
        owner = await one(connection, Owner, "SELECT account_id FROM recordings WHERE id = %(id)s", id=recording)
        assert owner is not None
        key = await encryption.subject_key(connection, place.master_key, owner.account_id)
    object_key, layout = f"{folder}/{recording}/1", Layout(len(data))
    sealing = SealingFile(io.BytesIO(data), layout, key, UUID(recording))
    await place.store.put_file(object_key, sealing, layout.object_size)  # type: ignore[arg-type]
    return object_key


async def cleaned(place: Workplace, recording: str) -> bytes:
    """Store a rendition of a recording, in place of the worker; return its bytes."""
    data = os.urandom(3000)
    object_key = await stored(place, recording, "renditions", data)
    async with transaction(place.database) as connection:
        order = await renditions.order(connection, UUID(recording))
        assert order is not None
        assert await renditions.store(
            connection,
            order,
            object_key=object_key,
            sha256=hashlib.sha256(data).digest(),
            size_bytes=len(data),
            media_type="audio/flac",
            edits=[],
            removed_ms=0,
        )
    return data


async def listed(database: Pool) -> None:
    """Load the screening list."""
    async with transaction(database) as connection:
        await screening.load(connection, LIST)


UNDER = """
    INSERT INTO consents (recording_id, account_id, term_sheet_id, term_sheet_version, term_sheet_sha256, locale,
        decisions)
    SELECT c.recording_id, c.account_id, s.id, s.version, s.sha256, c.locale, c.decisions
    FROM consents c, term_sheets s WHERE c.recording_id = %(recording)s AND s.id = %(name)s
"""


async def under(database: Pool, recording: str, changes: dict[str, Any]) -> None:
    """Put the consent of a recording under a sheet of its own that differs in some members."""
    name = f"sheet-{os.urandom(6).hex()}"
    async with transaction(database) as connection:
        await term_sheets.publish(connection, document("voice-standard", 2) | changes | {"id": name, "version": 1})
        await run(connection, UNDER, recording=recording, name=name)


async def buyer(operator: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    """Register a buyer."""
    wish = {"legal_name": f"Harbour Speech {os.urandom(4).hex()} GmbH", "country": "DE", "sector": "speech_technology"}
    wish |= {"purpose": "Speech recognition for hospitals.", **more}
    answer = await operator.post("/v1/operator/buyers", json=wish)
    assert 201 == answer.status_code, answer.text
    return dict(answer.json()["buyer"])


async def key(operator: httpx.AsyncClient, buyer_id: str) -> str:
    """Make an API key for a buyer."""
    answer = await operator.post(f"/v1/operator/buyers/{buyer_id}/keys")
    assert 201 == answer.status_code, answer.text
    return str(answer.json()["secret"])


async def version(operator: httpx.AsyncClient, recordings: list[str]) -> str:
    """Publish version 1 of a new dataset with these recordings; return the dataset's id."""
    named = await operator.post(
        "/v1/operator/datasets",
        json={"slug": f"speech-{os.urandom(6).hex()}", "title": "Read speech", "description": "Sentences, read aloud."},
    )
    assert 201 == named.status_code, named.text
    dataset = str(named.json()["id"])
    published = await operator.post(f"/v1/operator/datasets/{dataset}/versions", json={"recordings": recordings})
    assert 201 == published.status_code, published.text
    return dataset


def in_days(days: int) -> str:
    """A moment from now on, as JSON writes it."""
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


async def sell(operator: httpx.AsyncClient, buyer_id: str, dataset: str, **more: Any) -> httpx.Response:
    """Sell version 1 of a dataset for speech recognition, for a year and a hundred euros."""
    wish = {"buyer": buyer_id, "dataset": dataset, "version": 1, "uses": ["asr_training"], "purpose": "Hospitals."}
    wish |= {"ends_at": in_days(365), "currency": "EUR", "price_micros": 100_000_000, **more}
    return await operator.post("/v1/operator/sales", json=wish)


async def heard(client: httpx.AsyncClient, kind: str) -> list[dict[str, Any]]:
    """Give the events of one kind that somebody's app was told."""
    return [event for event in (await client.get("/v1/events")).json()["data"] if event["kind"] == kind]
