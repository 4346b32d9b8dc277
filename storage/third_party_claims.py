"""Claims by people without an account: somebody hears themselves, or their child, in a recording that is sold.

A recording that a claim names is held at once: a wrong hold costs its contributor days, a missing one costs a stranger
their voice. That must not let a stranger stop recordings cheaply, so a claim holds by itself only where all of this is
true; otherwise it is a case like any other, and a person decides about the hold:

- it names exactly one recording, by something that is met only with the recording itself: its public code (60 random
  bits), the hash of its file, or its passport's id. Nothing that can be guessed, counted up or searched for holds;
- its network has held fewer than three recordings within thirty days, and everybody together fewer than fifty within a
  day, so that somebody who bought a whole dataset and owns many addresses cannot stop it either;
- no claim about this recording was dismissed before: what a person has looked at is held by a person.

Sales refuse a recording with an open claim, held or not. A claimant has nothing but the link to the case.
"""

from __future__ import annotations

import re
import secrets
from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from storage import events
from storage.corrections import claw_back_recording
from storage.database import Connection, every, one, run
from storage.datasets import ALPHABET, CODE_LENGTH
from storage.errors import CaseClosed, CaseMissing, MoveRefused, RecordingMissing
from storage.recordings import move
from storage.sessions import hashed
from storage.withdrawals import ALL, withdraw

Kind = Literal["bystander", "minor", "identity"]
State = Literal["open", "upheld", "dismissed"]
#: Claims that one network may make within a day.
PER_NETWORK = 5
#: Recordings that one network may take out of sale within thirty days, and all networks within a day.
HOLDS_PER_NETWORK = 3
HOLDS_OF_ALL = 50


class Claim(Struct, frozen=True):
    """A case as an operator reads it; `contact` is null once it is decided."""

    id: UUID
    kind: Kind
    where_heard: Annotated[str, Meta(examples=["In the file 7K3M9QXA2PV4.flac of a speech corpus."])]
    contact: Annotated[str, Meta(examples=["amina@example.org"])] | None
    recording_id: UUID | None
    held: bool
    state: State
    answer: Annotated[str, Meta(examples=["You are not heard in it; the voice belongs to its contributor."])] | None
    created_at: datetime
    resolved_at: datetime | None


class Objection(Struct, frozen=True):
    """What somebody says, and from which network, as a hash that leads back to nobody without our key."""

    kind: Kind
    where_heard: str
    contact: str
    network_hash: bytes


class _Id(Struct, frozen=True):
    id: UUID


class _Wait(Struct, frozen=True):
    seconds: int | None


class _Subject(Struct, frozen=True):
    account_id: UUID
    state: str
    holdable: bool


# A claim that was dismissed holds nothing any more; the column still counts against its network.
COLUMNS = """
    id, kind, where_heard, contact, recording_id, held AND state <> 'dismissed' AS held, state, answer, created_at,
    resolved_at
"""
WAIT = """
    SELECT ceil(extract(epoch FROM (
        SELECT created_at + interval '1 day' - now() FROM third_party_claims
        WHERE network_hash = %(network)s AND created_at > now() - interval '1 day'
        ORDER BY created_at DESC OFFSET %(most)s - 1 LIMIT 1)))::int AS seconds
"""
INSERT = f"""
    INSERT INTO third_party_claims (kind, where_heard, contact, recording_id, secret_hash, network_hash)
    VALUES (%(kind)s, %(where_heard)s, %(contact)s, %(recording)s, %(secret)s, %(network)s) RETURNING {COLUMNS}
"""


async def admit(connection: Connection, network_hash: bytes) -> int | None:
    """Give the seconds to wait when a network has made as many claims today as it may.

    The lock lasts as long as the transaction: claims sent at once are counted one after the other.
    """
    lock = "SELECT pg_advisory_xact_lock(hashtextextended('claim ' || encode(%(network)s, 'hex'), 0))"
    await run(connection, lock, network=network_hash)
    wait = await one(connection, _Wait, WAIT, network=network_hash, most=PER_NETWORK)
    return None if wait is None else wait.seconds


async def claim(connection: Connection, objection: Objection) -> tuple[Claim, str]:
    """Open a case, and hold the recording that it names if that may happen by itself; gives the link's secret too."""
    recording = await named(connection, objection.where_heard)
    secret = secrets.token_urlsafe(32)
    made = await one(
        connection,
        Claim,
        INSERT,
        kind=objection.kind,
        where_heard=objection.where_heard,
        contact=objection.contact,
        recording=recording,
        secret=hashed(secret),
        network=objection.network_hash,
    )
    assert made is not None  # noqa: S101 - INSERT … RETURNING gives a row or raises.
    if recording is not None:
        await _hold(connection, made.id, recording, objection)
    return await _find(connection, made.id), secret


#: People copy codes by hand: O is read for 0, I and L for 1, and small letters and dashes make no difference.
MISREAD = str.maketrans("OIL", "011")
CODE = re.compile(rf"(?<![0-9A-Z])[{ALPHABET}]{{{CODE_LENGTH}}}(?![0-9A-Z])")
DASHED = re.compile(r"(?<=[0-9A-Za-z])-(?=[0-9A-Za-z])")
SHA256 = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
PASSPORT = re.compile(r"(?<![0-9a-f])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-f])")
NAMED = """
    SELECT recording_id AS id FROM recording_codes WHERE code = ANY(%(codes)s)
    UNION SELECT recording_id FROM renditions WHERE sha256 = ANY(%(hashes)s)
    UNION SELECT id FROM recordings WHERE sha256 = ANY(%(hashes)s) AND state NOT IN ('deleted', 'erased', 'expired')
    UNION SELECT id FROM recordings WHERE id = ANY(%(passports)s) AND state NOT IN ('deleted', 'erased', 'expired')
    LIMIT 2
"""


def codes_in(text: str) -> list[str]:
    """Find what may be public codes in somebody's words."""
    plain = DASHED.sub("", text).upper().translate(MISREAD)
    return CODE.findall(plain)


async def named(connection: Connection, text: str) -> UUID | None:
    """Find the one recording that somebody's words name; None when there is none, or more than one."""
    found = await every(
        connection,
        _Id,
        NAMED,
        codes=codes_in(text),
        hashes=[bytes.fromhex(digest) for digest in SHA256.findall(text.lower())],
        passports=[UUID(passport) for passport in PASSPORT.findall(text.lower())],
    )
    return found[0].id if len(found) == 1 else None


SUBJECT = """
    SELECT r.account_id, r.state,
        NOT EXISTS (SELECT FROM third_party_claims WHERE recording_id = r.id AND state = 'dismissed')
        AND (SELECT count(*) FROM third_party_claims WHERE held AND network_hash = %(network)s
            AND created_at > now() - interval '30 days') < %(of_network)s
        AND (SELECT count(*) FROM third_party_claims WHERE held AND created_at > now() - interval '1 day') < %(of_all)s
            AS holdable
    FROM recordings r WHERE r.id = %(recording)s FOR UPDATE
"""
HOLD = "UPDATE third_party_claims SET held = true WHERE id = %(claim)s"


async def _hold(connection: Connection, claim: UUID, recording: UUID, objection: Objection) -> None:
    """Tell the contributor, and take the recording out of sale where a claim may do that by itself."""
    # All networks' holds are counted one after the other.
    await run(connection, "SELECT pg_advisory_xact_lock(hashtextextended('holds of claims', 0))")
    subject = await one(
        connection,
        _Subject,
        SUBJECT,
        recording=recording,
        network=objection.network_hash,
        of_network=HOLDS_PER_NETWORK,
        of_all=HOLDS_OF_ALL,
    )
    if subject is None:
        return
    facts = {"claim": str(claim), "kind": objection.kind}
    await events.tell(connection, subject.account_id, "claim.opened", recording=recording, by="claimant", data=facts)
    if subject.holdable and subject.state == "accepted":
        await move(connection, recording, "held", by="claimant", because=f"claim-{objection.kind}")
        await run(connection, HOLD, claim=claim)


async def of_secret(connection: Connection, secret: str) -> Claim:
    """Give the case behind a link. Raises CaseMissing."""
    query = f"SELECT {COLUMNS} FROM third_party_claims WHERE secret_hash = %(secret)s"
    found = await one(connection, Claim, query, secret=hashed(secret))
    if found is None:
        raise CaseMissing
    return found


async def _find(connection: Connection, claim: UUID) -> Claim:
    found = await one(connection, Claim, f"SELECT {COLUMNS} FROM third_party_claims WHERE id = %(claim)s", claim=claim)
    if found is None:
        raise CaseMissing
    return found


LISTING = f"""
    SELECT {COLUMNS} FROM third_party_claims
    WHERE (%(state)s::text IS NULL OR state = %(state)s) AND (%(before)s::uuid IS NULL OR id < %(before)s)
    ORDER BY id DESC LIMIT %(limit)s
"""


async def listing(
    connection: Connection, *, state: State | None = None, before: UUID | None = None, limit: int = 50
) -> list[Claim]:
    """List cases for operators, newest first, from the one before `before` on."""
    return await every(connection, Claim, LISTING, state=state, before=before, limit=limit)


LOCK = f"SELECT {COLUMNS} FROM third_party_claims WHERE id = %(claim)s FOR UPDATE"


async def _open(connection: Connection, claim: UUID) -> Claim:
    found = await one(connection, Claim, LOCK, claim=claim)
    if found is None:
        raise CaseMissing
    if found.state != "open":
        raise CaseClosed(state=found.state)
    return found


ASSIGN = "UPDATE third_party_claims SET recording_id = %(recording)s, held = %(held)s WHERE id = %(claim)s"


async def hold(connection: Connection, claim: UUID, recording: UUID) -> Claim:
    """Say which recording is meant, as an operator, and hold it. Raises CaseMissing, CaseClosed, RecordingMissing."""
    found = await _open(connection, claim)
    subject = await one(connection, _Subject, SUBJECT, recording=recording, network=b"", of_network=0, of_all=0)
    if subject is None or subject.state in ("deleted", "erased", "expired"):
        raise RecordingMissing("There is no recording by that id.")
    if found.recording_id not in (None, recording):
        raise CaseClosed("This case is about another recording; ask the claimant for a claim of its own.")
    if found.recording_id is None:
        facts = {"claim": str(claim), "kind": found.kind}
        await events.tell(
            connection, subject.account_id, "claim.opened", recording=recording, by="claimant", data=facts
        )
    if subject.state == "accepted":
        await move(connection, recording, "held", by="operator", because=f"claim-{found.kind}")
    await run(connection, ASSIGN, claim=claim, recording=recording, held=True)
    return await _find(connection, claim)


RESOLVE = """
    UPDATE third_party_claims SET state = %(state)s, answer = %(answer)s, contact = NULL, resolved_at = now(),
        resolved_by = %(operator)s
    WHERE id = %(claim)s
"""
RELEASABLE = """
    SELECT r.id FROM recordings r WHERE r.id = %(recording)s AND r.state = 'held'
        AND r.moved_because IN ('claim-bystander', 'claim-minor', 'claim-identity')
        AND NOT EXISTS (SELECT FROM third_party_claims WHERE recording_id = r.id AND state = 'open')
    FOR UPDATE
"""


async def resolve(
    connection: Connection,
    claim: UUID,
    operator: UUID | None,
    state: Literal["upheld", "dismissed"],
    answer: str,
    *,
    take_back: str | None = None,
) -> Claim:
    """Decide a case; the claimant reads `answer` behind the link, and nobody needs their address any more.

    A dismissed claim lets its recording go on, unless another claim or another reason holds it. An upheld one ends it:
    its contributor could not license what is somebody else's. What it earned is theirs from then on, unless an upheld
    claim says why it is taken back (`take_back`): both in one transaction, so that nothing is paid out in between.
    One that was decided like this is not decided again, but what is left of the pay is taken back all the same.
    Raises CaseMissing, CaseClosed, MoveRefused, Overdrawn.
    """
    before = await one(connection, Claim, LOCK, claim=claim)
    repeated = before if before is not None and (before.state, before.answer) == (state, answer) else None
    found = repeated or await _open(connection, claim)
    if state == "upheld" and take_back is not None and found.recording_id is not None:
        # First, because whoever takes a line back locks it before its owner.
        await claw_back_recording(connection, found.recording_id, take_back)
    if repeated:
        return found
    await run(connection, RESOLVE, claim=claim, state=state, answer=answer, operator=operator)
    if found.recording_id is not None:
        if state == "upheld":
            await _end(connection, found.recording_id)
        elif await one(connection, _Id, RELEASABLE, recording=found.recording_id):
            await move(connection, found.recording_id, "accepted", by="operator", because="claim-dismissed")
        await _tell(connection, found.recording_id, claim, state)
    return await _find(connection, claim)


async def _end(connection: Connection, recording: UUID) -> None:
    """Take a recording from everybody for good; buyers hear of it. Raises MoveRefused for one that is not decided yet.

    That one cannot be sold while its case is open, so the case waits for the decision.
    """
    subject = await one(connection, _Subject, SUBJECT, recording=recording, network=b"", of_network=0, of_all=0)
    if subject is None or subject.state in ("withdrawn", "rejected", "deleted", "erased", "expired", "replaced"):
        return
    if subject.state not in ("accepted", "held", "in_review"):
        raise MoveRefused(state=subject.state)
    if subject.state == "in_review":
        await move(connection, recording, "rejected", by="operator", because="claim-upheld")
    else:
        await withdraw(connection, subject.account_id, recording, [ALL], None, by="operator", because="claim-upheld")


OWNER = "SELECT account_id AS id FROM recordings WHERE id = %(recording)s"


async def _tell(connection: Connection, recording: UUID, claim: UUID, outcome: str) -> None:
    """Let the contributor hear how a claim about their recording ended."""
    owner = await one(connection, _Id, OWNER, recording=recording)
    if owner is not None:
        facts = {"claim": str(claim), "outcome": outcome}
        await events.tell(connection, owner.id, "claim.resolved", recording=recording, by="operator", data=facts)
