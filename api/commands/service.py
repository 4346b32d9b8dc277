"""The commands that start, prepare and look after the service itself."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from api.settings import Settings, SettingsInvalid


def no_options(name: str, meaning: str, words: Sequence[str]) -> None:
    """Refuse words that a command without options does not know, and print its help when asked."""
    argparse.ArgumentParser(prog=f"companion {name}", description=meaning).parse_args(words)


def run(words: Sequence[str]) -> int:
    """Start everything: the engines that are not configured, the API and the worker."""
    no_options("run", run.__doc__ or "", words)
    from api import supervisor

    return int(supervisor.run() or 0)


def api(words: Sequence[str]) -> int:
    """Serve HTTP."""
    no_options("api", api.__doc__ or "", words)
    import uvicorn

    from api import logs
    from api.app import create_app
    from api.connections import Connection

    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http=Connection,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=settings.trusted_proxies or None,
        timeout_graceful_shutdown=20,
        backlog=1024,
    )
    return 0


def worker(words: Sequence[str]) -> int:
    """Examine recordings in the background."""
    no_options("worker", worker.__doc__ or "", words)
    from api import logs
    from api import worker as background

    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    background.main(settings)
    return 0


def migrate(words: Sequence[str]) -> int:
    """Bring the database to the newest schema."""
    no_options("migrate", migrate.__doc__ or "", words)
    import psycopg

    from api.commands.database import refusal, said
    from storage.embedded import directory
    from storage.migrate import migrate as newest

    known = {name: value for name, value in os.environ.items() if value}
    if "DATABASE_URL" not in known:
        known = {**(directory.published() or {}), **known}
    url = known.get("MIGRATION_DATABASE_URL") or known.get("DATABASE_URL")
    if not url:
        raise SettingsInvalid("Neither MIGRATION_DATABASE_URL nor DATABASE_URL is set, and no companion runs here.")
    try:
        applied = newest(url)
    except psycopg.Error as error:
        return said("migrate", refusal(error))
    print(f"Applied {', '.join(applied)}." if applied else "The schema is up to date.")
    return 0


def demo(words: Sequence[str]) -> int:
    """Publish the demo term sheets, two campaigns and an operator."""
    no_options("demo", demo.__doc__ or "", words)
    from api import demo as demonstration
    from api.commands.database import in_transaction

    return in_transaction("demo", demonstration.seed)


def doctor(words: Sequence[str]) -> int:
    """Say what was found on this machine and what is missing."""
    from api import doctor as physician

    parser = argparse.ArgumentParser(prog="companion doctor", description=doctor.__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    return int(physician.main(as_json=parser.parse_args(words).json) or 0)


def openapi(words: Sequence[str]) -> int:
    """Print the API document."""
    no_options("openapi", openapi.__doc__ or "", words)
    from api.reference import document

    sys.stdout.buffer.write(document())
    return 0
