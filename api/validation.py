"""The job that validates one recording: chunks in, report, decision and encrypted object out.

It may be run twice, killed anywhere, or come back after another one took over: whatever it does before its last
transaction can be thrown away, and only the newest attempt gets to commit that one. What fails here is our fault and is
tried again; what is wrong with a recording is a report.
"""

from __future__ import annotations

import hashlib
import logging
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import IO
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from msgspec import Struct

from api.decision import NOTHING_ALIKE, Likeness, decide, duration_ms
from api.glimpses import glimpses, in_clear
from api.matching import VERSIONS, Compared, catch_up, compare, likeness, packed, settle, to_keep
from capture_validation.examination import Examined
from capture_validation.examination import examine as examined
from capture_validation.profile import Profile, override, profile
from storage import custody, encryption, fingerprints, matches, reports, sweeping, uploads, validations
from storage.database import Connection, Pool, Readers, transaction
from storage.encryption import Layout, SealingFile
from storage.errors import MediaDamaged, MediaMissing
from storage.fingerprints import Fingerprint, Subject
from storage.media import Media, plaintext
from storage.objects import Store
from storage.queue import WaitFirst
from storage.uploads import Chunk
from storage.validations import Attempt

logger = logging.getLogger("companion.validation")

#: After this many tries in a row that failed on our side, the recording says so; it is tried again all the same.
PATIENCE = 4
#: Two recordings of one account that had to be killed make it wait: one minute, doubling to twenty.
KILLS_ALLOWED = 2
LONGEST_BACK_OFF = timedelta(minutes=20)


class Workplace(Struct, frozen=True):
    """What a job needs: the engines, the key, a folder for unlinked files, and how many examinations run at once.

    `store_folder` is where the store's data lie on this machine, or empty.
    """

    database: Pool
    readers: Readers
    store: Store
    master_key: bytes
    scratch: str
    at_once: CapacityLimiter
    store_folder: str = ""


class ContentWrong(Exception):
    """The stored bytes are not those that were claimed."""


class PiecesLost(Exception):
    """The store does not have some pieces any more: `lost` are to be sent again."""

    def __init__(self, lost: list[Chunk]) -> None:
        super().__init__(f"{len(lost)} pieces are not in the store")
        self.lost = lost


async def validate_recording(place: Workplace, recording: UUID, tries: int) -> None:
    """Run one attempt. Raises WaitFirst to be run later, and whatever failed on our side."""
    async with transaction(place.database) as connection:
        attempt = await validations.begin(connection, recording)
        if attempt is None:
            return
        pause = back_off(await reports.kills(connection, attempt.account_id))
    if pause > timedelta():
        raise WaitFirst(pause)
    logger.info("examining", extra={"recording": str(recording), "attempt": attempt.number})
    try:
        await examine(place, attempt)
    except Exception:
        # Whatever failed is ours, never the contributor's: it is said after a few tries, and raised to be tried again.
        if tries + 1 >= PATIENCE:
            async with transaction(place.database) as connection:
                await validations.fail(connection, attempt)
        raise


def back_off(kills: reports.Kills) -> timedelta:
    """How long an account must wait whose recordings had to be killed: hostile files must not take all of a machine."""
    if kills.count < KILLS_ALLOWED or kills.newest_ago is None:
        return timedelta()
    pause = min(timedelta(minutes=2 ** min(kills.count - KILLS_ALLOWED, 10)), LONGEST_BACK_OFF)
    return max(pause - kills.newest_ago, timedelta())


async def examine(place: Workplace, attempt: Attempt) -> None:
    """Fetch, examine, encrypt, store, read back, decide."""
    with unlinked(place.scratch) as file:
        try:
            await fetch(place, attempt, file)
        except PiecesLost as missing:
            await ask_again(place, attempt, missing.lost)
            return
        except ContentWrong:
            await give_up(place, attempt)
            return
        seen = await judge(place, attempt, file)
        compared = await compare(place.database, place.readers, seen.prints, place.at_once) if seen.prints else None
        object_key = await keep(place, attempt, file)
    await conclude(place, attempt, seen, compared, object_key)


@contextmanager
def unlinked(folder: str) -> Iterator[IO[bytes]]:
    """Lend a file without a name: whatever happens to this process, nothing of the recording stays on the disk."""
    with tempfile.TemporaryFile(dir=folder, buffering=1024 * 1024) as file:
        yield file


async def fetch(place: Workplace, attempt: Attempt, file: IO[bytes]) -> None:
    """Copy the chunks in order into one file, hashing on the way. Raises PiecesLost, ContentWrong."""
    async with transaction(place.database) as connection:
        chunks = await uploads.chunks(connection, attempt.upload_id)
    digest, lost = hashlib.sha256(), []
    for chunk in chunks:
        try:
            size = await place.store.copy_to(chunk.object_key, file, digest)  # type: ignore[arg-type]
        except MediaMissing:
            size = 0
        if size != chunk.size:
            lost.append(chunk)
    if lost:
        raise PiecesLost(lost)
    if digest.digest() != attempt.sha256:
        raise ContentWrong
    await to_thread.run_sync(file.flush)


async def judge(place: Workplace, attempt: Attempt, file: IO[bytes]) -> Examined:
    """Examine and fingerprint the file in the sandbox, in a thread: this worker's heartbeat goes on meanwhile."""
    rules = rules_of(attempt)
    file.seek(0)
    return await to_thread.run_sync(lambda: examined(file.fileno(), rules, attempt.prompt), limiter=place.at_once)


def rules_of(attempt: Attempt) -> Profile:
    """Take the campaign's profile with the campaign's own limits."""
    return override(profile(attempt.profile), attempt.rules)


async def keep(place: Workplace, attempt: Attempt, file: IO[bytes]) -> str:
    """Store the recording encrypted, read it back, and return its key. Raises MediaDamaged when it differs."""
    async with transaction(place.database) as connection:
        key = await encryption.subject_key(connection, place.master_key, attempt.account_id)
    object_key = f"recordings/{attempt.recording_id}/{attempt.number}"
    file.seek(0)
    layout = Layout(attempt.size_bytes)
    sealing = SealingFile(file, layout, key, attempt.recording_id)  # type: ignore[arg-type]
    await place.store.put_file(object_key, sealing, layout.object_size)  # type: ignore[arg-type]
    stored = Media(attempt.recording_id, object_key, attempt.size_bytes)
    digest = hashlib.sha256()
    async for piece in plaintext(place.store, stored, key, 0, attempt.size_bytes):
        digest.update(piece)
    if digest.digest() != attempt.sha256:
        raise MediaDamaged
    await custody.synced(place.store_folder)
    return object_key


async def conclude(
    place: Workplace, attempt: Attempt, seen: Examined, compared: Compared | None, object_key: str
) -> None:
    """Commit everything at once, or throw the stored object away when another attempt has taken over."""
    report = seen.report
    kept = None
    if compared is not None:
        kept = await to_thread.run_sync(packed, compared.prints, limiter=place.at_once)
        compared = await catch_up(place.database, compared)
    async with transaction(place.database) as connection:
        if not await validations.fenced(connection, attempt):
            await sweeping.doom(connection, [object_key])
            return
        situation = await validations.situation(connection, attempt)
        alike = NOTHING_ALIKE
        if compared is not None and kept is not None:
            alike = await remember(connection, attempt, compared, kept)
        decision = decide(report, situation, longest_ms=attempt.max_duration_ms, likeness=alike)
        key = await encryption.subject_key(connection, place.master_key, attempt.account_id)
        await validations.conclude(
            connection,
            attempt,
            to=decision.to,
            because=decision.because,
            report=in_clear(report),
            glimpses=encryption.seal(key, attempt.recording_id, glimpses(report, seen.xray)),
            object_key=object_key,
            duration_ms=duration_ms(report) or None,
        )
        await custody.secure(connection, attempt.recording_id)
    logger.info("validated", extra={"recording": str(attempt.recording_id), "state": decision.to})


async def remember(connection: Connection, attempt: Attempt, compared: Compared, kept: Fingerprint) -> Likeness:
    """Keep the fingerprints and what they matched, and say what that means for the decision."""
    compared = await settle(connection, compared)
    await fingerprints.keep(connection, Subject(attempt.recording_id), kept, VERSIONS)
    await matches.store(connection, attempt.recording_id, to_keep(compared, attempt.account_id, attempt.recording_id))
    return likeness(compared, attempt.account_id, attempt.recording_id, attempt.profile)


async def ask_again(place: Workplace, attempt: Attempt, lost: list[Chunk]) -> None:
    """Let the phone send again what a power cut took from the store, and nothing else."""
    async with transaction(place.database) as connection:
        if await validations.fenced(connection, attempt):
            await uploads.reopen(connection, attempt.upload_id, attempt.recording_id, lost)
    logger.warning("pieces lost", extra={"recording": str(attempt.recording_id), "pieces": len(lost)})


async def give_up(place: Workplace, attempt: Attempt) -> None:
    """Reject bytes that are not the announced ones; the same claim can be made again."""
    async with transaction(place.database) as connection:
        if await validations.fenced(connection, attempt):
            await validations.reject_unseen(connection, attempt, because="hash-mismatch")
