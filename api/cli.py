"""The `companion` command: one word for each thing that can be started or asked for.

The table names where each command lives; nothing of it is imported before it is asked for, so that `companion check`
does not load a web framework and the API does not load a decoder. A command is a function that takes the words after
its name and returns the process's exit status: 0 done, 1 failed, 2 asked wrongly, 130 stopped by Ctrl-C.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import cast

from msgspec import Struct

from api.settings import SettingsInvalid
from storage.errors import StorageError


class Command(Struct, frozen=True):
    """Where a command lives (`module:function`) and what it is for."""

    place: str
    meaning: str


#: In the order of `companion --help`.
COMMANDS: dict[str, Command] = {
    "run": Command(
        "api.commands.service:run", "start everything: the engines that are not configured, the API and the worker"
    ),
    "api": Command("api.commands.service:api", "serve HTTP"),
    "worker": Command("api.commands.service:worker", "examine recordings in the background"),
    "migrate": Command("api.commands.service:migrate", "bring the database to the newest schema"),
    "demo": Command("api.commands.service:demo", "publish the demo term sheets, two campaigns and an operator"),
    "doctor": Command("api.commands.service:doctor", "say what was found on this machine and what is missing"),
    "openapi": Command("api.commands.service:openapi", "print the API document"),
    "accounts": Command("api.commands.accounts:command", "let somebody in who has forgotten their password"),
    "payouts": Command("api.commands.payouts:command", "let payouts go, write them for the bank, say what it did"),
    "tax": Command("api.commands.tax:command", "add rules of what is withheld of earnings"),
    "review": Command("api.commands.review:command", "decide about recordings that wait for a person"),
    "ledger": Command("api.commands.ledger:command", "prove the books, settle what is due, correct with a reason"),
    "campaigns": Command("api.commands.campaigns:command", "list campaigns and change what one pays from now on"),
    "buyers": Command("api.commands.buyers:command", "register buyers, hold them against a list, give them keys"),
    "datasets": Command("api.commands.datasets:command", "name datasets and publish versions of them"),
    "sales": Command("api.commands.sales:command", "licence a version of a dataset to a buyer"),
    "claims": Command("api.commands.claims:command", "decide what people without an account say about recordings"),
    "withdrawals": Command("api.commands.withdrawals:command", "see which buyers owe an answer, and note it"),
    "keys": Command("api.commands.keys:command", "replace the master key, or the key that signs"),
    "actions": Command("api.commands.actions:command", "read which operator did what"),
    "erasures": Command("api.commands.erasures:command", "erase again what a restored backup brought back"),
    "terms": Command("api.commands.terms:command", "check, show and publish term sheets"),
    "load-test": Command("load_tests.console:load_test", "send people at a service and judge what it promises"),
    "verify": Command("api.commands.verify:verify", "check signed receipts and statements, also without a network"),
    "references": Command("api.commands.references:command", "register public material whose copies are to be seen"),
    "refingerprint": Command("api.commands.refingerprint:command", "fingerprint what is held in the version in use"),
    "duplicates": Command(
        "capture_validation.duplicates.console:duplicates", "compare files and folders: companion duplicates PATH…"
    ),
    "check": Command(
        "capture_validation.console:check", "examine files and folders, without a server: companion check FILE…"
    ),
    "checks": Command("capture_validation.console:checks", "list what recordings are looked at for"),
    "xray": Command("capture_validation.xray.console:command", "say what a recording tells about people and places"),
    "clean": Command("capture_validation.clean.console:command", "make the copy of a recording that may leave"),
    "conformance": Command(
        "capture_validation.conformance:conformance",
        "measure signals whose measurements are known, or write them for another implementation",
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the process's exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] not in COMMANDS:
        parser().parse_args(words)
    try:
        status = found(COMMANDS[words[0]].place)(words[1:])
        sys.stdout.flush()
        return status
    except BrokenPipeError:
        # Whoever read has had enough, as `head` does; the interpreter would complain once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except SettingsInvalid as error:
        print(f"companion: {error}", file=sys.stderr)
        return 2
    except StorageError as error:
        print(f"companion: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def found(place: str) -> Callable[[Sequence[str]], int]:
    """Import a command."""
    module, _, function = place.partition(":")
    return cast("Callable[[Sequence[str]], int]", getattr(import_module(module), function))


def parser() -> argparse.ArgumentParser:
    """List the commands: what `companion --help` prints."""
    top = argparse.ArgumentParser(
        prog="companion", description="Take recordings, say what is good and wrong, keep them, and pay for them."
    )
    commands = top.add_subparsers(required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.meaning, add_help=False)
    return top


if __name__ == "__main__":
    sys.exit(main())
