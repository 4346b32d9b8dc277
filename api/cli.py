"""The `companion` command: one word for each thing that can be started.

Each command imports what it needs when it runs, so that `companion check` does not load a web framework and the API
does not load a decoder.
"""

import argparse
import os
import sys
from collections.abc import Sequence

from api.settings import Settings, SettingsInvalid


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status: 0 done, 1 failed, 2 asked wrongly."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if words[:1] in (["check"], ["checks"], ["conformance"]):
        # The library has its own command line and its own help.
        from capture_validation.conformance import conformance
        from capture_validation.console import check, checks

        return {"check": check, "checks": checks, "conformance": conformance}[words[0]](words[1:])
    if words[:1] == ["duplicates"]:
        from capture_validation.duplicates.console import duplicates

        return duplicates(words[1:])
    chosen = _parser().parse_args(words)
    try:
        return int(chosen.run(chosen) or 0)
    except SettingsInvalid as error:
        print(f"companion: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="companion", description="Take recordings, say what is good and wrong, keep them."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, meaning in (
        ("run", _run, "start everything: the engines that are not configured, the API and the worker"),
        ("api", _api, "serve HTTP"),
        ("worker", _worker, "examine recordings in the background"),
        ("migrate", _migrate, "bring the database to the newest schema"),
        ("demo", _demo, "publish the demo term sheets, two campaigns and an operator"),
        ("doctor", _doctor, "say what was found on this machine and what is missing"),
        ("openapi", _openapi, "print the API document"),
    ):
        command = commands.add_parser(name, help=meaning, description=f"{meaning[0].upper()}{meaning[1:]}.")
        command.set_defaults(run=run)
        if name == "doctor":
            command.add_argument("--json", action="store_true", help="print JSON instead of text")
    commands.add_parser("duplicates", help="compare files and folders: companion duplicates PATH…", add_help=False)
    for name, meaning in (
        ("check", "examine files and folders, without a server: companion check FILE…"),
        ("checks", "list what recordings are looked at for"),
        ("conformance", "measure signals whose measurements are known, or write them for another implementation"),
    ):
        commands.add_parser(name, help=meaning, add_help=False)
    return parser


def _run(_: argparse.Namespace) -> int:
    from api import supervisor

    return int(supervisor.run() or 0)


def _api(_: argparse.Namespace) -> int:
    import uvicorn

    from api import logs
    from api.app import create_app

    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    uvicorn.run(
        create_app(settings),
        host=settings.host,
        port=settings.port,
        loop="uvloop",
        http="httptools",
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


def _worker(_: argparse.Namespace) -> int:
    from api import logs, worker

    settings = Settings.from_environment(os.environ)
    logs.configure(settings.log_level)
    worker.main(settings)
    return 0


def _migrate(_: argparse.Namespace) -> int:
    from storage.migrate import migrate

    url = os.environ.get("MIGRATION_DATABASE_URL") or os.environ.get("DATABASE_URL")
    if not url:
        raise SettingsInvalid("Neither MIGRATION_DATABASE_URL nor DATABASE_URL is set.")
    applied = migrate(url)
    print(f"Applied {', '.join(applied)}." if applied else "The schema is up to date.")
    return 0


def _demo(_: argparse.Namespace) -> int:
    import asyncio

    from api import demo

    asyncio.run(demo.seed(Settings.from_environment(os.environ).database_url))
    return 0


def _doctor(chosen: argparse.Namespace) -> int:
    from api import doctor

    return int(doctor.main(as_json=chosen.json) or 0)


def _openapi(_: argparse.Namespace) -> int:
    from api.reference import document

    sys.stdout.buffer.write(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
