"""Taking everything along: one ZIP with every recording, report, receipt and amount (GDPR Art. 20), signed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.response import Stream

from api.archive import Archive
from api.dependencies import Caller, Configuration, Database, Objects, Signing
from api.endings import while_allowed
from api.problems import problems
from api.signing import Signer, sign_detached
from storage import encryption, events, exports, recordings, reports, sales, sessions
from storage.database import Connection, Pool, reading, transaction
from storage.errors import MediaDamaged, MediaMissing, ReportMissing, SessionMissing
from storage.media import Media, plaintext
from storage.objects import Store
from storage.recordings import Recording

TYP = "companion-export+jws"
PAGE = 100
#: How files are called that are opened with a double click; not the machine's own table, which differs.
ENDINGS = {
    "audio/aac": "aac", "audio/aiff": "aiff", "audio/amr": "amr", "audio/flac": "flac", "audio/m4a": "m4a",
    "audio/mp4": "m4a", "audio/mpeg": "mp3", "audio/ogg": "ogg", "audio/opus": "opus", "audio/wav": "wav",
    "audio/webm": "webm", "audio/x-m4a": "m4a", "audio/x-wav": "wav", "video/3gpp": "3gp", "video/mp4": "mp4",
    "video/ogg": "ogv", "video/quicktime": "mov", "video/webm": "webm", "video/x-matroska": "mkv",
    "video/x-msvideo": "avi",
}  # fmt: skip
README = b"""What this service holds about you.

account.json, devices.json      you, and where you are signed in
recordings/ID/                  each recording: the file as you sent it, where it stands and who uses it, its report
events.json                     everything that happened, in order
consents.json, quotes.json      what you agreed to, and what you were offered
consent-receipts.json           the signed receipts: "companion verify" checks each `jws`
disputes.json                   what you objected to, and what was answered
withdrawals.json                what you took back
withdrawal-notices.json         what each buyer did about it
privacy.json                    what you had hidden in the copies that buyers get
refused-companies.json          who gets nothing of yours
balance-transactions.json       every amount, with the steps by which it was worked out
statements.json                 the monthly statements, each with its signature
tax-profile.json, payouts.json  where you pay taxes, and what was paid to you
payout-destinations.json        your bank accounts, by the last characters of their numbers
data-budget.json                what your phone may spend
manifest.json                   the hash of every file here, signed: "companion verify manifest.json"

Times are UTC (RFC 3339), amounts are millionths of the currency's unit, durations are milliseconds.
What is worked out when you ask is not in here: passports, custody receipts, what the X-ray saw, and which recordings
resemble each other. Ask for them recording by recording while you have the account.
"""
ZIP = ResponseSpec(bytes, generate_examples=False, description="The archive.", media_type="application/zip")


@get("/v1/accounts/me/export", responses={200: ZIP, **problems()}, tags=["Accounts"])
async def export_account(
    request: Request[Any, Any, Any],
    account: Caller,
    database: Database,
    store: Objects,
    settings: Configuration,
    signing: Signing,
) -> Stream:
    """Download everything of yours in one ZIP: recordings, reports, receipts, uses and amounts.

    It is written while it is sent, so it begins at once and has no length; `manifest.json`, the last file, is signed
    and lists every other one, so a cut download is noticed. It ends where this device is signed out meanwhile.
    """
    exporter = Exporter(database, store, settings.master_key, account.id, account.session_id)
    body = while_allowed(request, exported(exporter, await signing.signer()), partial(signed_in, exporter))
    headers = {"Content-Disposition": 'attachment; filename="companion-export.zip"', "Cache-Control": "no-store"}
    return Stream(body, media_type="application/zip", headers=headers)


class Exporter(msgspec.Struct, frozen=True):
    """Whose data are exported, on which device, and from where."""

    database: Pool
    store: Store
    master_key: bytes
    account: UUID
    session: UUID


async def signed_in(exporter: Exporter) -> None:
    """Look whether the device is still signed in. Raises SessionMissing."""
    async with reading(exporter.database) as connection:
        if await sessions.speaks_for(connection, exporter.session) is None:
            raise SessionMissing


async def exported(exporter: Exporter, signer: Signer) -> AsyncIterator[bytes]:
    """Write the whole archive; what is damaged or missing in the store is named in the manifest."""
    archive, missing = Archive(), list[str]()
    async for ready in archive.file("README.txt", once(README)):
        yield ready
    for part in exports.PARTS:
        async for ready in archive.file(f"{part}.json", as_list(part_rows(exporter, part))):
            yield ready
    async for ready in archive.file("events.json", as_list(event_rows(exporter))):
        yield ready
    async for recording in every_recording(exporter):
        async for ready in recording_files(exporter, archive, recording, missing):
            yield ready
    async for ready in archive.file("manifest.json", once(manifest(exporter.account, archive, missing, signer))):
        yield ready
    yield archive.end()


async def once(data: bytes) -> AsyncIterator[bytes]:
    """Give one piece."""
    yield data


async def as_list(rows: AsyncIterator[Any]) -> AsyncIterator[bytes]:
    """Write rows as a JSON list, one to a line."""
    between = b"[\n"
    async for row in rows:
        yield between + msgspec.json.encode(row)
        between = b",\n"
    yield b"\n]\n" if between == b",\n" else b"[]\n"


async def part_rows(exporter: Exporter, part: str) -> AsyncIterator[dict[str, Any]]:
    """Read a part, a connection for each thousand rows: a slow download holds none."""
    after = exports.FIRST
    while True:
        async with transaction(exporter.database) as connection:
            rows = await exports.rows(connection, exporter.account, part, after)
        for row in rows:
            yield row.value
        if len(rows) < exports.CHUNK:
            return
        after = rows[-1].id


async def event_rows(exporter: Exporter) -> AsyncIterator[events.Event]:
    """Read the whole stream of events."""
    number = 0
    while True:
        async with transaction(exporter.database) as connection:
            found = await events.after(connection, exporter.account, number, exports.CHUNK)
        for event in found:
            yield event
        if not found:
            return
        number = found[-1].number


async def every_recording(exporter: Exporter) -> AsyncIterator[Recording]:
    """Read the recordings, newest first."""
    before = None
    while True:
        async with transaction(exporter.database) as connection:
            found = await recordings.listing(connection, exporter.account, before=before, limit=PAGE)
        for recording in found:
            yield recording
        if len(found) < PAGE:
            return
        before = found[-1].id


async def recording_files(
    exporter: Exporter, archive: Archive, recording: Recording, missing: list[str]
) -> AsyncIterator[bytes]:
    """Write one recording: what is known about it, its report, and its bytes as they were sent."""
    folder = f"recordings/{recording.id}"
    async with transaction(exporter.database) as connection:
        facts = await facts_of(connection, recording)
        report = await report_of(connection, recording)
        key = await encryption.subject_key(connection, exporter.master_key, exporter.account)
    async for ready in archive.file(f"{folder}/recording.json", once(msgspec.json.encode(facts))):
        yield ready
    if report is not None:
        async for ready in archive.file(f"{folder}/report.json", once(msgspec.json.encode(report))):
            yield ready
    if recording.object_key is None:
        return
    path = f"{folder}/original.{ENDINGS.get(recording.media_type, 'bin')}"
    pieces = plaintext(
        exporter.store, Media(recording.id, recording.object_key, recording.size_bytes), key, 0, recording.size_bytes
    )
    try:
        first = await anext(pieces)
    except (MediaMissing, MediaDamaged):
        missing.append(path)
        return
    async for ready in archive.file(path, continued(first, pieces)):
        yield ready


async def continued(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Put the piece back that was fetched to see whether there is one."""
    yield first
    async for piece in rest:
        yield piece


async def facts_of(connection: Connection, recording: Recording) -> dict[str, Any]:
    """What is known about a recording, and who uses it."""
    known = msgspec.to_builtins(recording, builtin_types=(datetime, UUID))
    known = {name: value for name, value in known.items() if name not in {"account_id", "object_key"}}
    uses = await sales.uses_of(connection, recording.id, limit=10_000)
    return {**known, "sha256": recording.sha256.hex(), "uses": uses}


async def report_of(connection: Connection, recording: Recording) -> dict[str, Any] | None:
    """The newest report, when there is one."""
    try:
        return (await reports.newest(connection, recording.id, recording.state)).report
    except ReportMissing:
        return None


def manifest(account: UUID, archive: Archive, missing: list[str], signer: Signer) -> bytes:
    """List every file with its hash, and sign the list; a file that could not be read is named, too."""
    listed: dict[str, Any] = {
        "account": str(account),
        "exported_at": msgspec.to_builtins(datetime.now(UTC)),
        "files": [msgspec.to_builtins(file) for file in archive.files],
        "unreadable": missing,
    }
    return msgspec.json.encode({**listed, "signature": sign_detached(signer, listed, typ=TYP)})


handlers = [export_account]
