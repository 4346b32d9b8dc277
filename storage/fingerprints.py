"""Fingerprints: what recordings are compared by, and the inverted lists by which a copy is found among many.

Each word of sound has a list, which says of every time that it was heard in which recording, when, and how high; the
lists follow what is kept and deleted, in the same transaction. A row of the index of pictures is one key frame and
holds its words; GIN turns that around, and the rows that share several words of a question nominate their recordings.
Deleted with the recording at once, and never exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal
from uuid import UUID

from msgspec import Struct
from psycopg.rows import class_row

from storage.database import Connection, every, one, run

Media = Literal["audio", "video"]

#: Rows that one word of a picture may name: enough to find a recording that was sent ten thousand times.
LONGEST_LIST = 300
#: Rows of the sample on which common words are counted, in how many of them a word is common, how many are kept.
SAMPLE, COMMON, MOST_COMMON = 4000, 4, 2000


class KeyFrame(Struct, frozen=True):
    """A key frame, by its number, and its words."""

    number: int
    words: list[int]


class Heard(Struct, frozen=True):
    """Words of sound and what is posted beside each: 0 … 2³¹ − 1, as many of one as of the other."""

    words: list[int]
    places: list[int]


class Fingerprint(Struct, frozen=True):
    """What is kept of one recording or public work: packed, and the words that it is found by."""

    version: int
    content: bytes
    seconds: float
    audio: bytes | None
    video: bytes | None
    sounds: Heard
    pictures: list[KeyFrame]


class Subject(Struct, frozen=True):
    """Whose fingerprint it is: a recording, or a public work."""

    recording: UUID | None = None
    public_work: UUID | None = None


class Number(Struct, frozen=True):
    """The number of a fingerprint."""

    number: int


# From here on to the end of the transaction nobody else keeps a fingerprint: numbers become visible in their order, and
# two copies that arrive at the same instant are decided one after the other.
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('fingerprints', 0))"
NEWEST = "SELECT coalesce(max(number), 0) AS number FROM fingerprints"


async def lock(connection: Connection) -> None:
    """Be the only one to keep a fingerprint until the transaction ends."""
    await run(connection, LOCK)


async def newest(connection: Connection) -> int:
    """Give the number of the newest fingerprint, 0 when there is none."""
    row = await one(connection, Number, NEWEST)
    return row.number if row else 0


FORGET = "DELETE FROM fingerprints WHERE recording_id = %(recording)s"
REPLACE = """
    DELETE FROM fingerprints WHERE version = %(version)s
        AND (recording_id = %(recording)s OR public_work_id = %(public_work)s)
"""
KEEP = """
    INSERT INTO fingerprints (recording_id, public_work_id, version, content, seconds, audio, video, words, places)
    VALUES (%(recording)s, %(public_work)s, %(version)s, %(content)s, %(seconds)s, %(audio)s, %(video)s,
            %(words)s::int4[], %(places)s::int4[])
    RETURNING number
"""


async def keep(connection: Connection, subject: Subject, kept: Fingerprint, versions: dict[Media, int]) -> int:
    """Store a fingerprint under the lock, in place of an earlier one of that version; give its number."""
    owner = {"recording": subject.recording, "public_work": subject.public_work}
    await lock(connection)
    await run(connection, REPLACE, version=kept.version, **owner)
    made = await one(
        connection,
        Number,
        KEEP,
        version=kept.version,
        content=kept.content,
        seconds=kept.seconds,
        audio=kept.audio,
        video=kept.video,
        words=array(kept.sounds.words),
        places=array(kept.sounds.places),
        **owner,
    )
    assert made is not None  # noqa: S101  An insert that returns nothing has raised.
    async with connection.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO picture_words (fingerprint, version, key_frame, words) VALUES (%s, %s, %s, %s)",
            [(made.number, versions["video"], key.number, key.words) for key in kept.pictures],
        )
    return made.number


def array(numbers: Sequence[int]) -> str:
    """An array as PostgreSQL writes it: thousands of integers one by one would cost as much as looking them up."""
    return "{" + ",".join(map(str, numbers)) + "}"


async def forget(connection: Connection, recording: UUID) -> None:
    """Delete what a recording is compared by, in every version.

    The database does the same by itself when a recording is deleted or erased.
    """
    await run(connection, FORGET, recording=recording)


class Vote(Struct, frozen=True):
    """A key frame of the index and how many words of one group it shares with a question."""

    grouped: int
    fingerprint: int
    place: int
    votes: int


async def pictures_alike(
    connection: Connection, version: int, words: Sequence[int], groups: Sequence[int], most: int
) -> list[Vote]:
    """Give the key frames that share most words with a question, at least two, most votes first."""
    values = {"words": list(words), "groups": list(groups), "version": version, "longest": LONGEST_LIST, "most": most}
    return await every(connection, Vote, PICTURES_ALIKE, **values)


PICTURES_ALIKE = """
    SELECT * FROM pictures_alike(%(words)s::int4[], %(groups)s::int4[], %(version)s, %(longest)s, %(most)s)
"""


class Sound(Struct, frozen=True):
    """What is posted of one fingerprint."""

    number: int
    words: list[int]
    places: list[int]


SOUNDS = """
    SELECT number, words, places FROM fingerprints
    WHERE number = ANY(%(numbers)s) AND places IS NOT NULL ORDER BY number
"""
# A row that somebody is deleting is left alone: nobody waits for each other.
FORGET_PLACES = """
    UPDATE fingerprints SET places = NULL WHERE number IN (
        SELECT number FROM fingerprints WHERE places IS NOT NULL AND made_at < now() - interval '1 day'
        ORDER BY made_at LIMIT %(most)s FOR UPDATE SKIP LOCKED
    )
"""


async def sounds(connection: Connection, numbers: Sequence[int]) -> list[Sound]:
    """Give everything that was posted of these fingerprints, of those that are younger than a day."""
    return await every(connection, Sound, SOUNDS, numbers=list(numbers))


async def forget_places(connection: Connection, most: int = 10_000) -> int:
    """Forget where the words of fingerprints lie that are older than a day; the lists know. Return of how many."""
    return await run(connection, FORGET_PLACES, most=most)


class Held(Struct, frozen=True):
    """A stored fingerprint, and whose it is; `state` and `account_id` are None for a public work."""

    number: int
    version: int
    content: bytes
    seconds: float
    audio: bytes | None
    video: bytes | None
    recording_id: UUID | None
    public_work_id: UUID | None
    account_id: UUID | None
    state: str | None


HELD = """
    SELECT f.number, f.version, f.content, f.seconds, f.audio, f.video, f.recording_id, f.public_work_id, r.account_id,
           r.state
    FROM fingerprints f LEFT JOIN recordings r ON r.id = f.recording_id
"""
BY_NUMBER = f"{HELD} WHERE f.number = ANY(%(numbers)s) ORDER BY f.number"
BY_CONTENT = f"{HELD} WHERE f.content = %(content)s ORDER BY f.number LIMIT 100"
SINCE = f"{HELD} WHERE f.number > %(number)s AND f.version = %(version)s ORDER BY f.number LIMIT %(limit)s"


async def held(connection: Connection, numbers: Sequence[int]) -> list[Held]:
    """Give stored fingerprints by number; those that were forgotten meanwhile are missing.

    They come as binary: as text, a fingerprint would be written and read as twice as many letters.
    """
    async with connection.cursor(binary=True, row_factory=class_row(Held)) as cursor:
        await cursor.execute(BY_NUMBER, {"numbers": list(numbers)})
        return await cursor.fetchall()


async def same_content(connection: Connection, content: bytes) -> list[Held]:
    """Give the fingerprints of recordings whose coded sound and picture are these very bytes."""
    return await every(connection, Held, BY_CONTENT, content=content)


async def since(connection: Connection, number: int, version: int, limit: int) -> list[Held]:
    """Give the fingerprints kept after a number, oldest first."""
    return await every(connection, Held, SINCE, number=number, version=version, limit=limit)


class Common(Struct, frozen=True):
    """Words of pictures that many share, the most shared one first."""

    words: list[int]


COMMON_OF = "SELECT words FROM common_words WHERE media = 'video' AND version = %(version)s"


async def common(connection: Connection, version: int) -> list[int]:
    """Give the words of pictures that many share, the most shared one first; none before they were counted."""
    row = await one(connection, Common, COMMON_OF, version=version)
    return row.words if row else []


class Rows(Struct, frozen=True):
    """About how many rows a table has, by its last ANALYZE: counting would cost more than what it is for."""

    rows: float


ROWS = """
    SELECT coalesce(sum(greatest(reltuples, 0)), 0)::float8 AS rows
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'picture_words'::regclass
"""
COUNTED = """
    WITH sampled AS (
        SELECT words FROM picture_words TABLESAMPLE SYSTEM (%(percent)s) WHERE version = %(version)s LIMIT %(sample)s
    )
    INSERT INTO common_words (media, version, words)
    SELECT 'video', %(version)s, coalesce(array_agg(word ORDER BY held DESC, word), '{}') FROM (
        SELECT word, count(*) AS held FROM sampled, unnest(words) AS word
        GROUP BY word HAVING count(*) >= %(common)s ORDER BY held DESC, word LIMIT %(most)s
    ) AS counted
    ON CONFLICT (media, version) DO UPDATE SET words = excluded.words, counted_at = now()
"""


async def count_common(connection: Connection, version: int) -> None:
    """Count on a sample which words of pictures many share, so that questions ask for rarer ones first."""
    size = await one(connection, Rows, ROWS)
    percent = min(100.0, 100.0 * SAMPLE / max(1.0, size.rows if size else 1.0))
    await run(connection, COUNTED, version=version, percent=percent, sample=SAMPLE, common=COMMON, most=MOST_COMMON)


class Outdated(Struct, frozen=True):
    """A stored recording without a fingerprint of the version in use."""

    recording_id: UUID
    account_id: UUID
    object_key: str
    size_bytes: int


class Left(Struct, frozen=True):
    """How many recordings are still to be moved over."""

    recordings: int


WITHOUT = """
    FROM recordings r WHERE r.object_key IS NOT NULL AND r.state NOT IN ('deleted', 'erased')
        AND NOT EXISTS (SELECT FROM fingerprints f WHERE f.recording_id = r.id AND f.version = %(version)s)
"""
OUTDATED = f"""
    SELECT r.id AS recording_id, r.account_id, r.object_key, r.size_bytes {WITHOUT}
        AND (%(after)s::uuid IS NULL OR r.id > %(after)s) ORDER BY r.id LIMIT 1
"""
COUNT_OUTDATED = f"SELECT count(*)::int AS recordings {WITHOUT}"


async def outdated(connection: Connection, version: int, after: UUID | None) -> Outdated | None:
    """Give the next stored recording, by id, that has no fingerprint of this version."""
    return await one(connection, Outdated, OUTDATED, version=version, after=after)


async def count_outdated(connection: Connection, version: int) -> int:
    """Count the stored recordings without a fingerprint of this version."""
    left = await one(connection, Left, COUNT_OUTDATED, version=version)
    return left.recordings if left else 0


STILL_HELD = """
    SELECT id AS recording_id, account_id, object_key, size_bytes FROM recordings
    WHERE id = %(recording)s AND object_key IS NOT NULL AND state NOT IN ('deleted', 'erased') FOR UPDATE
"""


async def still_held(connection: Connection, recording: UUID) -> bool:
    """Keep a recording from being deleted until the transaction ends; False when it is gone already."""
    return await one(connection, Outdated, STILL_HELD, recording=recording) is not None


# What has nothing newer stays: a public work that nobody has registered again, a recording that was deleted and paid.
REPLACED = """
    FROM fingerprints old WHERE old.version < %(version)s AND EXISTS (
        SELECT FROM fingerprints new WHERE new.version = %(version)s
            AND (new.recording_id = old.recording_id OR new.public_work_id = old.public_work_id)
    )
"""
COUNT_REPLACED = f"SELECT count(*)::int AS recordings {REPLACED}"
DROP_REPLACED = f"""
    DELETE FROM fingerprints WHERE number = (
        SELECT old.number {REPLACED} AND old.number > %(after)s ORDER BY old.number LIMIT 1
    ) RETURNING number
"""


async def count_replaced(connection: Connection, version: int) -> int:
    """Count the fingerprints of older versions whose recording or public work has one of this version."""
    left = await one(connection, Left, COUNT_REPLACED, version=version)
    return left.recordings if left else 0


async def drop_replaced(connection: Connection, version: int, after: int) -> int | None:
    """Delete the next of them behind that number, and give its number; None when there is none.

    One at a time: its words are taken out of the lists of sounds at the end of the transaction, which takes a second
    for an hour of sound, and nobody else can post meanwhile.
    """
    dropped = await one(connection, Number, DROP_REPLACED, version=version, after=after)
    return dropped.number if dropped else None
