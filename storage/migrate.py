"""Bring a database to the newest schema.

Migrations are plain SQL files beside this module, run in order by yoyo, each in its own transaction, under a lock, so
that two processes that start at once do not migrate twice. They run as the database's owner; the service's own role
gets its rights through the owner's default privileges and cannot change the schema.
"""

from pathlib import Path
from urllib.parse import urlencode

import psycopg
from psycopg.conninfo import conninfo_to_dict
from yoyo import get_backend, read_migrations

MIGRATIONS = Path(__file__).parent / "migrations"


def yoyo_url(url: str) -> str:
    """Rewrite any libpq connection string as the URL yoyo reads; a socket directory has no place in its host part."""
    settings = {key: str(value) for key, value in conninfo_to_dict(url).items() if value is not None}
    return f"postgresql+psycopg:///{settings.pop('dbname')}?{urlencode(settings)}"


def migrate(url: str) -> list[str]:
    """Apply what is missing and return the names of the migrations applied, oldest first.

    `url` is a libpq URL of the schema's owner. Raises psycopg.OperationalError when the database cannot be reached.
    """
    psycopg.connect(url).close()
    with get_backend(yoyo_url(url)) as backend, backend.lock():
        missing = backend.to_apply(read_migrations(str(MIGRATIONS)))
        backend.apply_migrations(missing)
    return [migration.id for migration in missing]
