"""What a comparison reads of the index of sounds: lists of words, and textures of recordings, megabytes at a time.

Read by a thread with a connection of its own (`storage.database.readers`); what is kept, and by whom, is in
`storage.fingerprints`.
"""

from __future__ import annotations

import struct
from functools import cache

from msgspec import Struct
from psycopg import adapters, sql
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from storage.database import Reader


class Lists(Struct, frozen=True):
    """Lists of words of sound, one after another; a long one lies on several pages, each of which is a list here.

    `heads`: for each list its word and how many postings it has. `postings`: for each of those the number of a
    fingerprint, and what was posted beside the word. All int32, big-endian.
    """

    heads: bytes
    postings: bytes


#: Words whose lists are answered together: tens of kilobytes are sent as they are. Ten megabytes in one piece would be
#: copied three times into memory that is new each time, and each list by itself costs as much for its own row.
TOGETHER = 48
# The version is written into the statement, so that its partition is chosen once, when it is planned, and not again for
# every piece: that was an eighth of its price.
LISTS = sql.SQL("""
    SELECT heads, postings FROM generate_series(1, cardinality(%(words)s::int4[]), %(together)s) AS start, LATERAL (
        SELECT string_agg(int4send(word) || int4send(octet_length(postings) / 8), ''::bytea) AS heads,
               string_agg(postings, ''::bytea) AS postings
        FROM sound_lists
        WHERE version = {version} AND word = ANY((%(words)s::int4[])[start:start + %(together)s - 1])
    ) AS part
    WHERE heads IS NOT NULL
""")


def sounds_alike(connection: Reader, version: int, words: bytes) -> list[Lists]:
    """Give the lists of these words, as far as they have any, `TOGETHER` words at a time; in a thread.

    `words`: int32, big-endian.
    """
    with connection.cursor(binary=True) as cursor:
        cursor.execute(_lists(version), {"words": Packed(words), "together": TOGETHER}, prepare=True)
        return [Lists(*row) for row in cursor.fetchall()]


@cache
def _lists(version: int) -> bytes:
    """The statement for the lists of one version."""
    return LISTS.format(version=sql.Literal(version)).as_bytes(None)


class Packed(bytes):
    """Integers as they are sent, int32 and big-endian: thousands of them one by one cost as much as looking them up."""


class Packing(Dumper):
    """Sends packed integers as an array: a head, and before each integer that it has four bytes."""

    oid = adapters.types["int4"].array_oid
    format = Format.BINARY

    def dump(self, obj: Buffer) -> Buffer:
        """The array as PostgreSQL receives it, see `array_recv` in its src/backend/utils/adt/arrayfuncs.c."""
        packed = bytes(obj)
        body = bytearray(2 * len(packed))
        body[3::8] = b"\4" * (len(packed) // 4)
        for byte in range(4):
            body[4 + byte :: 8] = packed[byte::4]
        return struct.pack(">iiiii", 1, 0, adapters.types["int4"].oid, len(packed) // 4, 1) + bytes(body)


adapters.register_dumper(Packed, Packing)


class Texture(Struct, frozen=True):
    """What is kept of the sound of one fingerprint."""

    number: int
    audio: bytes


TEXTURES = "SELECT number, audio FROM fingerprints WHERE number = ANY(%(numbers)s::int4[]) AND audio IS NOT NULL"


def textures(connection: Reader, numbers: bytes) -> list[Texture]:
    """Give what is kept of the sound of these fingerprints, without those that were forgotten meanwhile; in a thread.

    `numbers`: int32, big-endian.
    """
    with connection.cursor(binary=True) as cursor:
        cursor.execute(TEXTURES, {"numbers": Packed(numbers)}, prepare=True)
        return [Texture(*row) for row in cursor.fetchall()]
