"""The index in PostgreSQL: what keeping and asking cost when it holds 10³, 10⁴ and 10⁵ minutes, and what is found.

    createdb scratch
    python -m benchmarks.duplicates.index --database postgresql://owner@/scratch --minutes 1000 10000 100000 FOLDER…

Half of the recordings of the folders are held, the other half are new. The rest of the index is synthetic with real
statistics: real landmarks, moved and jittered anew, so that words are as common and as rare as real ones. Run it on an
empty database of its own: nothing is taken away again.
"""

import argparse
import os
import time
from collections import defaultdict
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from uuid import UUID, uuid4

import anyio
import numpy as np
import psycopg
from anyio import to_thread

from api.matching import VERSIONS, Index, packed
from benchmarks.duplicates.audio import NOISE
from benchmarks.duplicates.audio_transforms import RATE, Samples, transforms
from benchmarks.duplicates.corpus import copied, print_of, shares_audio, sounds
from capture_validation.duplicates.audio import AudioFingerprint, StoredAudio
from capture_validation.duplicates.audio_match import THRESHOLD
from capture_validation.duplicates.audio_words import OFFSETS, Integers, Triples, Words, triples, words
from capture_validation.duplicates.evidence import Match
from capture_validation.duplicates.recording import VERSION, Fingerprints
from storage import fingerprints
from storage.database import Connection, Pool, Readers, lent, pool, readers, transaction
from storage.fingerprints import Subject
from storage.migrate import migrate

#: A synthetic recording has five minutes; its words differ from the real ones they come from by so many steps.
MINUTES, JITTER = 5, 1.0
#: Moved landmarks that synthetic words are drawn from: so many that no rare word is missing, which would be found too
#: easily. Lists that are written at once.
DRAWN, AT_ONCE = 300_000_000, 20_000
#: Postings of a page that is full, and pages of a list that is, as in storage/migrations/0027.pages_of_lists.sql.
PAGE, PAGES = 1000, 4
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


# As many postings of a list that becomes full stay as they have a share in what was heard. Which ones is drawn: where
# in the list they begin, and beyond its end they go on at its beginning.
LENGTHEN = """
    WITH known AS (
        SELECT more.word, more.heard, more.postings, coalesce(old.postings, ''::bytea) AS held,
            coalesce(octet_length(old.postings) / 8, 0) AS size,
            coalesce(octet_length(old.postings) / 8 + left_out, 0) AS before
        FROM more LEFT JOIN LATERAL (
            SELECT string_agg(postings, ''::bytea ORDER BY page) AS postings, sum(left_out)::int AS left_out
            FROM sound_lists WHERE version = %(version)s AND word = more.word
        ) AS old ON true
    ), shared AS (
        SELECT *, before + heard AS total, CASE
            WHEN size + octet_length(postings) / 8 <= %(full)s THEN size
            ELSE greatest(%(full)s - octet_length(postings) / 8,
                          least(size, round(%(full)s * (before::float8 / (before + heard)))::int)) END AS stay
        FROM known
    ), whole AS (
        SELECT word, total, CASE WHEN stay = size THEN held ELSE
                substring(held || held FROM 1 + 8 * floor(random() * size)::int FOR 8 * stay) END
            || substring(postings FOR 8 * (%(full)s - stay)) AS postings
        FROM shared
    )
    INSERT INTO sound_lists AS held (version, word, page, postings, left_out)
        SELECT %(version)s, word, page, substring(postings FROM 1 + 8 * %(page)s * page FOR 8 * %(page)s),
            greatest(0, total - %(full)s) * %(page)s / %(full)s
        FROM whole, generate_series(0, (octet_length(postings) / 8 - 1) / %(page)s) AS page
    ON CONFLICT (version, word, page) DO UPDATE SET postings = excluded.postings, left_out = excluded.left_out
        WHERE held.postings <> excluded.postings OR held.left_out <> excluded.left_out
"""


def main() -> None:
    """Fill, measure, fill more, measure again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--database", required=True, help="libpq URL of the owner of an empty database")
    parser.add_argument("--minutes", nargs="+", type=int, default=[1_000, 10_000])
    parser.add_argument("--sources", type=int, default=20, help="how many recordings to copy")
    options = parser.parse_args()
    migrate(options.database)
    anyio.run(partial(measure, options.database, options.folders, options.minutes, options.sources))


async def measure(database: str, folders: list[Path], minutes: list[int], sources: int) -> None:
    """Print a table of costs, a line per size, and a table of recall at the largest size."""
    held = {name: samples for name, samples in sounds(folders) if len(samples) > RATE // 4}
    noise = next(samples for name, samples in held.items() if NOISE in name and len(samples) > RATE)
    prints = {name: print_of(samples) for name, samples in held.items() if NOISE not in name}
    names = list(prints)
    old, new = names[0::2], names[1::2]
    async with AsyncExitStack() as stack:
        connections = await stack.enter_async_context(pool(database, largest=1))
        threads = stack.enter_context(readers(database, largest=1))
        bench = Bench(connections, threads, [prints[name] for name in old])
        chosen = copied({name: held[name] for name in old}, sources)
        known = [name for name in old if name not in chosen]
        await bench.hold({name: prints[name] for name in known})
        print("| Minutes held | words | a list | MB | keep, CPU ms/min | new, CPU ms/min | of it PostgreSQL | a copy |")
        print("|---|---|---|---|---|---|---|---|")
        for size in minutes:
            await bench.fill(database, size)
            await bench.cost(size, [prints[name] for name in new[:200]], [prints[name] for name in known[:200]])
        # What came last is found last: a list that is full has no room for it.
        await bench.hold({name: prints[name] for name in chosen})
        await bench.recall({name: held[name] for name in chosen}, noise, held)
        await bench.strangers({name: held[name] for name in new}, prints, held)


class Bench:
    """One run: two connections, whose server processes are watched, and the landmarks synthetic ones are made of."""

    def __init__(self, database: Pool, threads: Readers, real: list[AudioFingerprint]) -> None:
        self.database = database
        self.threads = threads
        self.minutes = 0.0
        self.names: dict[int, str] = {}
        self.random = np.random.default_rng(7)
        parts = [triples(one.peaks) for one in real]
        self.per_minute = sum(len(words(part).word) for part in parts) / sum(one.seconds for one in real) * 60
        self.drawn = self.jittered(parts)

    def jittered(self, real: list[Triples]) -> Words:
        """Words of real landmarks, each moved a little, in order."""
        part = np.concatenate([one.parts for one in real], axis=1)
        place = np.concatenate([one.place for one in real])
        made = []
        for _ in range(max(1, DRAWN // part.shape[1])):
            moved = part + self.random.standard_normal(part.shape, np.float32) * JITTER
            made.append(words(Triples(np.maximum(moved, -np.array(OFFSETS, np.float32)[:, None]), place)))
        word, place = (np.concatenate([getattr(one, name) for one in made]) for name in ("word", "place"))
        order = np.argsort(word)
        return Words(word[order], place[order])

    async def hold(self, prints: dict[str, AudioFingerprint]) -> None:
        """Keep real recordings the way the service does."""
        for name, one in prints.items():
            async with transaction(self.database) as connection:
                work = await public_work(connection, name)
                number = await fingerprints.keep(connection, Subject(public_work=work), packed(whole(one)), VERSIONS)
            self.names[number] = name
            self.minutes += one.seconds / 60

    async def fill(self, url: str, minutes: int) -> None:
        """Add synthetic recordings up to a size."""
        count = max(0, round((minutes - self.minutes) / MINUTES))
        await to_thread.run_sync(self.load, url, count)
        self.minutes += count * MINUTES

    def load(self, url: str, count: int) -> None:
        """Write synthetic recordings and add their words to the lists, as many lists at once as memory allows."""
        with psycopg.connect(url, autocommit=True) as connection:
            numbers = self.owners(connection, count)
            share = count * MINUTES * self.per_minute / len(self.drawn.word)
            word, begin, size = np.unique(self.drawn.word, return_index=True, return_counts=True)
            for start in range(0, len(word), AT_ONCE):
                part = slice(start, start + AT_ONCE)
                self.lists(connection, word[part], self.random.poisson(size[part] * share), (begin[part], size[part]),
                           numbers)  # fmt: skip
            connection.execute("VACUUM ANALYZE sound_lists")
        print(f"<!-- {count} synthetic recordings were added -->", flush=True)

    def lists(
        self,
        connection: "psycopg.Connection[tuple[int, ...]]",
        word: Integers,
        length: Integers,
        drawn: tuple[Integers, Integers],
        numbers: Integers,
    ) -> None:
        """Lengthen lists, each by postings at random times of random recordings, as high as real ones of that word."""
        begin, size = drawn
        heard, length = length, np.minimum(length, PAGE * PAGES)
        which = np.repeat(np.arange(len(word)), length)
        source = self.drawn.place[begin[which] + self.random.integers(0, size[which])]
        frame = self.random.integers(0, MINUTES * 3750, len(which))
        posting = np.stack([self.random.choice(numbers, len(which)), (frame << 13) | (source & 8191)], 1).astype(">i4")
        packed, end = posting.tobytes(), np.cumsum(length) * 8
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE IF NOT EXISTS more (word int4, heard int4, postings bytea)")
            cursor.execute("TRUNCATE more")
            with cursor.copy("COPY more FROM STDIN BINARY") as copy:
                copy.set_types(["int4", "int4", "bytea"])
                for one, said, last, size_ in zip(
                    word.tolist(), heard.tolist(), end.tolist(), length.tolist(), strict=True
                ):
                    if size_:
                        copy.write_row((one, said, packed[last - 8 * size_ : last]))
            sizes = {"full": PAGE * PAGES, "page": PAGE}
            cursor.execute(LENGTHEN, {"version": VERSIONS["audio"], **sizes})

    def owners(self, connection: "psycopg.Connection[tuple[int, ...]]", count: int) -> Integers:
        """Keep recordings that synthetic words belong to, with a texture that is compared like any other's."""
        half = MINUTES * 60 * 125 // 4
        texture = self.random.integers(0, 2**63, half, np.int64).astype(np.uint64)
        audio = StoredAudio(MINUTES * 60.0, texture, np.ones(half, bool)).to_bytes()
        works = [uuid4() for _ in range(count)]
        with connection.cursor() as cursor:
            with cursor.copy("COPY public_works (id, title, sha256) FROM STDIN BINARY") as copy:
                copy.set_types(["uuid", "text", "bytea"])
                for work in works:
                    copy.write_row((work, "synthetic", os.urandom(32)))
            columns = "public_work_id, version, content, seconds, audio"
            with cursor.copy(f"COPY fingerprints ({columns}) FROM STDIN BINARY") as copy:
                copy.set_types(["uuid", "int4", "bytea", "float8", "bytea"])
                for work in works:
                    copy.write_row((work, VERSION, os.urandom(32), MINUTES * 60.0, audio))
            cursor.execute("SELECT number FROM fingerprints ORDER BY number DESC LIMIT %s", (count,))
            return np.array([row[0] for row in cursor.fetchall()], np.int64)

    async def cost(self, size: int, new: list[AudioFingerprint], old: list[AudioFingerprint]) -> None:
        """One line of the table: keeping and asking at this size."""
        async with transaction(self.database) as connection:
            cursor = await connection.execute(
                """
                SELECT pg_total_relation_size(%s::regclass), sum(octet_length(postings)) / 8,
                       sum(octet_length(postings)) / 8 / count(*) FILTER (WHERE page = 0),
                       count(*) FILTER (WHERE page > 0), sum(left_out)
                FROM sound_lists WHERE version = %s
                """,
                (f"sound_lists_{VERSIONS['audio']}", VERSIONS["audio"]),
            )
            size_bytes, posted, mean, pages, left_out = await cursor.fetchone() or (0, 0, 0, 0, 0)
            server = connection.info.backend_pid
        own, theirs, seconds = time.process_time(), server_cpu_s(server), 0.0
        for one in new[:40]:
            async with transaction(self.database) as connection:
                work = await public_work(connection, "kept for its cost")
                await fingerprints.keep(connection, Subject(public_work=work), packed(whole(one)), VERSIONS)
            seconds += one.seconds
        keep_ms = (time.process_time() - own + server_cpu_s(server) - theirs) / seconds * 60e3
        async with transaction(self.database) as connection:
            await connection.execute("DELETE FROM public_works WHERE title = 'kept for its cost'")
        asked, served, _ = await self.ask(new)
        known, _, _ = await self.ask(old)
        print(
            f"| {size:,} | {posted:,} of {posted + left_out:,} | {mean:.0f}, {pages:,} more pages "
            f"| {size_bytes >> 20:,} | {keep_ms:.0f} | {asked:.0f} | {served:.0f} | {known:.0f} |",
            flush=True,
        )

    async def ask(self, prints: list[AudioFingerprint]) -> tuple[float, float, list[list[Match]]]:
        """CPU ms per minute of both processes together, of PostgreSQL alone, and what was found."""
        async with transaction(self.database) as connection:
            servers = [connection.info.backend_pid]
        with lent(self.threads) as reader:
            servers.append(reader.info.backend_pid)
        own, theirs, found = time.process_time(), sum(map(server_cpu_s, servers)), []
        for one in prints:
            index = Index(self.database, self.threads, np.zeros(0, np.int64))
            found.append(await to_thread.run_sync(index.matches, whole(one)))
        minutes = sum(one.seconds for one in prints) / 60
        served = (sum(map(server_cpu_s, servers)) - theirs) / minutes * 1e3
        return (time.process_time() - own) / minutes * 1e3 + served, served, found

    async def recall(self, sources: dict[str, Samples], noise: Samples, held: dict[str, Samples]) -> None:
        """The table of what is found of copies, and whom they accuse."""
        found: dict[str, list[bool]] = defaultdict(list)
        costs: list[float] = []
        wrong: list[tuple[float, str, str]] = []
        for number, (source, samples) in enumerate(sources.items()):
            for order, (name, change) in enumerate(transforms().items()):
                made, rate = change(samples, np.random.default_rng(1000 * number + order), noise)
                cost, _, matches = await self.ask([print_of(made, rate)])
                costs.append(cost)
                strong = {self.names.get(m.recording, "?"): m.strength for m in matches[0] if m.strength >= THRESHOLD}
                found[name].append(strong.pop(source, 0.0) > 0)
                wrong += [(strength, source, other) for other, strength in strong.items()]
        wrong = [one for one in wrong if one[2] == "?" or not shares_audio(held[one[1]], held[one[2]])]
        print(f"\nfalse accusations of copies: {len(wrong)}; {np.mean(costs):.0f} CPU ms per minute\n")
        print("| Transform | Recall |\n|---|---|")
        for name, results in found.items():
            print(f"| {name} | {np.mean(results):.3f} |")
        print(f"| **mean** | **{np.mean([np.mean(one) for one in found.values()]):.4f}** |", flush=True)

    async def strangers(
        self, new: dict[str, Samples], prints: dict[str, AudioFingerprint], held: dict[str, Samples]
    ) -> None:
        """Recordings that are new, and whom they accuse."""
        wrong, asked = [], 0.0
        for name in new:
            _, _, matches = await self.ask([prints[name]])
            asked += prints[name].seconds / 60
            wrong += [(m.strength, name, self.names.get(m.recording, "?")) for m in matches[0]]
        strong = [one for one in wrong if one[0] >= THRESHOLD]
        strong = [one for one in strong if one[2] == "?" or not shares_audio(held[one[1]], held[one[2]])]
        print(f"\n{len(new)} new recordings, {asked:.0f} minutes: {len(strong)} false accusations {strong[:3]}")


def whole(audio: AudioFingerprint) -> Fingerprints:
    """A recording of sound alone, whose content nobody else has."""
    return Fingerprints(os.urandom(32).hex(), audio, None)


async def public_work(connection: Connection, title: str) -> UUID:
    """A public work that a fingerprint can belong to."""
    work = uuid4()
    await connection.execute(
        "INSERT INTO public_works (id, title, sha256) VALUES (%s, %s, %s)", (work, title[-60:], os.urandom(32))
    )
    return work


def server_cpu_s(process: int) -> float:
    """CPU seconds of a process on this machine, by proc(5)."""
    times = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) * TICK_S


if __name__ == "__main__":
    main()
