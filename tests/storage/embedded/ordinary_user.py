"""Run both engines as an ordinary user, in a process of its own: python -m tests.storage.embedded.ordinary_user HOME.

As root it becomes `nobody` first, for good. The interpreter may lie in a home that `nobody` cannot enter, so
everything that is needed is imported before.
"""

import asyncio
import concurrent.futures.thread
import encodings.idna
import io
import json
import os
import pwd
import sys
from pathlib import Path

import psycopg

from storage.embedded import directory, postgres, process, seaweedfs
from tests.engines import s3_settings

# Modules that the standard library imports only when they are used.
assert concurrent.futures.thread
assert encodings.idna


async def main(home: Path) -> None:
    """Start both engines on the default directory, twice; print what was found in the end."""
    place = directory.opened()
    for turn in range(2):
        database, store = await asyncio.gather(postgres.start(place), seaweedfs.start(place))
        settings = s3_settings(store)
        client = settings.client()
        with psycopg.connect(database.environment["MIGRATION_DATABASE_URL"]) as connection:
            if turn == 0:
                connection.execute("CREATE TABLE takes AS SELECT 'kept' AS name")
                client.put_object(bucket_name=settings.bucket, object_name="take", data=io.BytesIO(b"kept"), length=4)
            else:
                row = connection.execute("SELECT name FROM takes").fetchone()
                with client.get_object(bucket_name=settings.bucket, object_name="take") as answer:
                    print(json.dumps([os.geteuid(), str(place.path), row and row[0], answer.read().decode()]))
        for child in (database, store):
            owner = Path(f"/proc/{child.process.pid}").stat().st_uid
            assert os.geteuid() == owner, (child.name, owner)
            await process.stop(child)


if __name__ == "__main__":
    where = Path(sys.argv[1])
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(where, nobody.pw_uid, nobody.pw_gid)
        os.setgroups([])
        os.setresgid(nobody.pw_gid, nobody.pw_gid, nobody.pw_gid)
        os.setresuid(nobody.pw_uid, nobody.pw_uid, nobody.pw_uid)
    os.environ["HOME"] = str(where)
    for name in ("COMPANION_DATA", "XDG_DATA_HOME", "XDG_RUNTIME_DIR"):
        os.environ.pop(name, None)
    asyncio.run(main(where))
