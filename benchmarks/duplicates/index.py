"""The index in PostgreSQL: what keeping and asking cost when it holds 10³, 10⁴ and 10⁵ minutes, and what is found.

    createdb scratch
    python -m benchmarks.duplicates.index --database postgresql://owner@/scratch --minutes 1000 10000 100000 FOLDER…

Half of the recordings of the folders are held, the other half are new. The rest of the index is synthetic with real
statistics: stretches of real landmarks, each stretched, moved and jittered anew, so that their words are as common and
as rare as real ones. Run it on an empty database of its own: nothing is taken away again.
"""

import argparse
import os
import time
from collections import defaultdict
from collections.abc import Iterator
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
from capture_validation.duplicates.audio_words import Triples, triples, words
from capture_validation.duplicates.evidence import Match
from capture_validation.duplicates.proposals import BLOCK
from capture_validation.duplicates.recording import VERSION, Fingerprints
from storage import fingerprints
from storage.database import Pool, pool, transaction
from storage.fingerprints import Subject
from storage.migrate import migrate

#: A synthetic recording has five minutes; its words differ from the real ones they come from by this much.
MINUTES, STRETCH, JITTER = 5, 0.1, 0.4
STEPS = np.array([3, 1.5, 2, 1.5, 2], np.float32)[:, None]
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
#: Blocks of twelve seconds in a minute.
BLOCKS = 5


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
    async with pool(database, largest=1) as lent:
        bench = Bench(lent, [prints[name] for name in old])
        await bench.hold({name: prints[name] for name in old})
        print("| Minutes held | words | MB | keep, ms/min | new, CPU ms/min | of it PostgreSQL | unchanged copy |")
        print("|---|---|---|---|---|---|---|")
        for size in minutes:
            await bench.fill(database, size)
            await bench.cost(size, [prints[name] for name in new[:200]], [prints[name] for name in old[:200]])
        chosen = copied({name: held[name] for name in old}, sources)
        await bench.recall({name: held[name] for name in chosen}, noise, held)
        await bench.strangers({name: held[name] for name in new}, prints, held)


class Bench:
    """One run: the connection, whose server process is watched, and the real landmarks synthetic ones are made of."""

    def __init__(self, database: Pool, real: list[AudioFingerprint]) -> None:
        self.database = database
        self.minutes = 0.0
        self.names: dict[int, str] = {}
        self.blocks = [part for one in real for part in stretches(triples(one.peaks))]
        self.random = np.random.default_rng(7)
        self.texture = self.random.integers(0, 2**63, 40_000, np.int64).astype(np.uint64)

    async def hold(self, prints: dict[str, AudioFingerprint]) -> None:
        """Keep real recordings the way the service does."""
        for name, one in prints.items():
            async with transaction(self.database) as connection:
                work = await public_work(connection, name)
                number = await fingerprints.keep(connection, Subject(public_work=work), packed(whole(one)), VERSIONS)
            self.names[number] = name
            self.minutes += one.seconds / 60

    async def fill(self, url: str, minutes: int) -> None:
        """Add synthetic recordings up to a size; the index is built anew, which is the quickest way to that size."""
        count = max(0, round((minutes - self.minutes) / MINUTES))
        await to_thread.run_sync(self.load, url, count)
        self.minutes += count * MINUTES
        async with transaction(self.database) as connection:
            await connection.execute("SET LOCAL statement_timeout = 0")
            await fingerprints.count_common(connection, "audio", VERSIONS["audio"])

    def load(self, url: str, count: int) -> None:
        """Copy synthetic rows into the tables."""
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET maintenance_work_mem = '1GB'")
            connection.execute("DROP INDEX sound_words_index")
            works, numbers = self.owners(connection, count)
            with (
                connection.cursor() as cursor,
                cursor.copy("COPY sound_words (fingerprint, version, block, words, frames) FROM STDIN BINARY") as copy,
            ):
                copy.set_types(["int4", "int4", "int4", "int4[]", "bytea"])
                for number in numbers:
                    for block in range(MINUTES * BLOCKS):
                        word, frame = self.block()
                        copy.write_row((number, VERSIONS["audio"], block, word.tolist(), frame.tobytes()))
            connection.execute(
                "CREATE INDEX sound_words_index ON sound_words USING gin (words) WITH (fastupdate = off)"
            )
            connection.execute("VACUUM ANALYZE sound_words_1")
        print(f"<!-- {works} synthetic recordings were added -->", flush=True)

    def owners(self, connection: "psycopg.Connection[tuple[int, ...]]", count: int) -> tuple[int, list[int]]:
        """Make the rows that synthetic words belong to, with textures that are compared like any other's."""
        half = MINUTES * 60 * 125 // 4
        with connection.cursor() as cursor:
            for _ in range(count):
                at = int(self.random.integers(len(self.texture) - half))
                audio = StoredAudio(MINUTES * 60.0, self.texture[at : at + half], np.ones(half, bool)).to_bytes()
                cursor.execute(
                    """
                    WITH work AS (INSERT INTO public_works (title, sha256) VALUES ('synthetic', %s) RETURNING id)
                    INSERT INTO fingerprints (public_work_id, version, content, seconds, audio)
                    SELECT id, %s, %s, %s, %s FROM work
                    """,
                    (os.urandom(32), VERSION, os.urandom(32), MINUTES * 60.0, audio),
                )
            cursor.execute("SELECT number FROM fingerprints ORDER BY number DESC LIMIT %s", (count,))
            return count, [row[0] for row in cursor.fetchall()]

    def block(self) -> tuple[np.ndarray, np.ndarray]:
        """Twelve seconds of words that resemble real ones: int32 words, uint16 frames."""
        real = self.blocks[int(self.random.integers(len(self.blocks)))]
        pitch, pace = np.exp(self.random.uniform(-STRETCH, STRETCH, 2))
        parts = real.parts.astype(np.float32) * np.array([pitch, pitch, pace, pitch, pace], np.float32)[:, None]
        parts += self.random.standard_normal(parts.shape, np.float32) * JITTER * STEPS
        made = words(Triples(parts, real.frame))
        return made.word.astype(np.int32), np.minimum(made.frame, BLOCK - 1).astype("<u2")

    async def cost(self, size: int, new: list[AudioFingerprint], old: list[AudioFingerprint]) -> None:
        """One line of the table: keeping and asking at this size."""
        async with transaction(self.database) as connection:
            cursor = await connection.execute(
                "SELECT pg_total_relation_size('sound_words_1'), sum(cardinality(words)) FROM sound_words"
            )
            size_bytes, posted = await cursor.fetchone() or (0, 0)
        begin, seconds = time.perf_counter(), 0.0
        for one in new[:40]:
            async with transaction(self.database) as connection:
                work = await public_work(connection, "kept for its cost")
                await fingerprints.keep(connection, Subject(public_work=work), packed(whole(one)), VERSIONS)
                await connection.execute("DELETE FROM public_works WHERE id = %s", (work,))
                seconds += one.seconds
        keep_ms = (time.perf_counter() - begin) / seconds * 60e3
        asked, served, _ = await self.ask(new)
        known, _, _ = await self.ask(old)
        print(
            f"| {size:,} | {posted:,} | {size_bytes >> 20:,} | {keep_ms:.0f} | {asked:.0f} | {served:.0f} "
            f"| {known:.0f} |",
            flush=True,
        )

    async def ask(self, prints: list[AudioFingerprint]) -> tuple[float, float, list[list[Match]]]:
        """CPU ms per minute of both processes together, of PostgreSQL alone, and what was found."""
        async with transaction(self.database) as connection:
            server = connection.info.backend_pid
            common = np.array(await fingerprints.common(connection, "audio", VERSIONS["audio"]), np.int64)
        own, theirs, found = time.process_time(), server_cpu_s(server), []
        for one in prints:
            index = Index(self.database, {"audio": common, "video": common})
            found.append(await to_thread.run_sync(index.matches, whole(one)))
        minutes = sum(one.seconds for one in prints) / 60
        served = (server_cpu_s(server) - theirs) / minutes * 1e3
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


def stretches(parts: Triples) -> Iterator[Triples]:
    """Landmarks of a recording in stretches of 12 s, as an index cuts them."""
    number = np.maximum(parts.frame, 0) // BLOCK
    for one in np.unique(number):
        own = number == one
        if own.sum() > 1000:
            yield Triples(parts.parts[:, own], parts.frame[own] - one * BLOCK)


def whole(audio: AudioFingerprint) -> Fingerprints:
    """A recording of sound alone, whose content nobody else has."""
    return Fingerprints(os.urandom(32).hex(), audio, None)


async def public_work(connection: fingerprints.Connection, title: str) -> UUID:
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
