"""The job queue's own schema, from the package that reads it.

procrastinate publishes its schema as numbered SQL files. Each of our migrations applies a closed range of them, so that
an upgrade of the package is one more migration here and never a silent difference between an old and a new database.
"""

from pathlib import Path

from procrastinate.schema import SchemaManager
from yoyo import step

__depends__ = {"0003.recordings"}
# A new value of an enum cannot be used in the transaction that adds it, so each file commits by itself, and with it its
# name: whoever was killed in between goes on from there.
__transactional__ = False

NEWEST = "03.04.00_50"


def apply(connection):  # type: ignore[no-untyped-def]
    """Run procrastinate's files up to the newest one this migration knows."""
    cursor = connection.cursor()
    cursor.execute("CREATE TABLE IF NOT EXISTS queue_files (name text PRIMARY KEY)")
    done = {name for (name,) in cursor.execute("SELECT name FROM queue_files")}
    for file in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")):
        if file.name[: len(NEWEST)] <= NEWEST and file.name not in done:
            noted = f"INSERT INTO queue_files VALUES ('{file.name}')"
            cursor.execute(f"{file.read_text(encoding='utf-8')};\n{noted}")


steps = [step(apply)]
