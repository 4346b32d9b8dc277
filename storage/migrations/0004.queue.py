"""The job queue's own schema, from the package that reads it.

procrastinate publishes its schema as numbered SQL files. Each of our migrations applies a closed range of them, so that
an upgrade of the package is one more migration here and never a silent difference between an old and a new database.
"""

from pathlib import Path

from procrastinate.schema import SchemaManager
from yoyo import step

__depends__ = {"0003.recordings"}
# A new value of an enum cannot be used in the transaction that adds it, so each file commits by itself.
__transactional__ = False

NEWEST = "03.04.00_50"


def apply(connection):  # type: ignore[no-untyped-def]
    """Run procrastinate's files up to the newest one this migration knows."""
    cursor = connection.cursor()
    for file in sorted(Path(SchemaManager.get_migrations_path()).glob("*.sql")):
        if file.name[: len(NEWEST)] <= NEWEST:
            cursor.execute(file.read_text(encoding="utf-8"))


steps = [step(apply)]
