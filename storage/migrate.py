"""Bring a database to the newest schema.

Migrations are plain SQL files beside this module, run in order, each in one transaction with the note that it was run:
whoever is killed at any moment leaves a database that the next start takes further. A lock lets two processes that
start at once migrate once; it is the connection's, so that none is left behind by a process that died. They run as the
database's owner; the service's own role gets its rights through the owner's default privileges and cannot change the
schema.
"""

from pathlib import Path
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend, read_migrations
from yoyo.backends import DatabaseBackend
from yoyo.migrations import Migration

MIGRATIONS = Path(__file__).parent / "migrations"
ALONE = "SELECT pg_advisory_lock(hashtextextended('migrate', 0))"


def yoyo_url(url: str) -> str:
    """Rewrite any libpq connection string as the URL yoyo reads; a socket directory has no place in its host part."""
    settings = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    return f"postgresql+psycopg:///{settings.pop('dbname')}?{urlencode(settings)}"


def migrate(url: str) -> list[str]:
    """Apply what is missing and return the names of the migrations applied, oldest first.

    `url` is a libpq URL of the schema's owner. Raises psycopg.OperationalError when the database cannot be reached.
    """
    with psycopg.connect(url, autocommit=True) as alone:
        alone.execute(ALONE)
        with get_backend(yoyo_url(url)) as backend:
            # yoyo's own lock is a row: of whoever held it only the dead can have left one, and it would stay for ever.
            backend.break_lock()
            missing = list(backend.to_apply(read_migrations(str(MIGRATIONS))))
            for migration in missing:
                apply(backend, migration)
    return [migration.id for migration in missing]


def apply(backend: DatabaseBackend, migration: Migration) -> None:
    """Run one migration and note it, both or neither; one that cannot be a transaction has to bear being run again."""
    migration.load()
    if not migration.use_transactions:
        with backend.copy() as another:
            migration.process_steps(another, "apply")
        backend.mark_one(migration)
        return
    with backend.transaction():
        migration.process_steps(backend, "apply")
        backend.mark_one(migration)
