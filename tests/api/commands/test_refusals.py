"""Commands that cannot be done: a sentence and an exit status that a script can read, never a traceback."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar

from api import doctor
from api.commands.terms import parser, publish
from api.settings import check
from storage.database import pool
from tests.api.commands.conftest import Say
from tests.api.terms.sheets import document

NOBODY = "01a22e25-0000-710e-837d-c15ac16295ac"
BUYER = ("buyers", "add", "Harbour", "--sector", "speech_technology", "--purpose", "Hospitals.", "--country")
RATE = ("campaigns", "rate", NOBODY, "--because", "A test.", "--per-hour")
SALE = ("sales", "sell", "--buyer", NOBODY, "--dataset", NOBODY, "--version", "1", "--use", "asr_training")


@pytest.mark.parametrize(
    "words",
    [
        (*RATE, "-3", "--currency", "EUR"),
        (*BUYER, "Germany"),
        ("datasets", "create", "Read Speech!", "--title", "Read", "--description", "Read."),
        ("datasets", "create", "read-speech", "--title", "", "--description", "Read."),
        (*SALE, "--purpose", "Hospitals.", "--until", "2027-12-31", "--price", "-1", "--currency", "EUR"),
        (*SALE, "--purpose", "", "--until", "2027-12-31", "--price", "1", "--currency", "EUR"),
        ("ledger", "adjust", "ada@example.org", "1", "--currency", "EUR", "--because", " "),
        ("ledger", "reconcile", os.devnull, "--since", "2026-01-01"),
        ("review", "accept", NOBODY, "--because", ""),
        ("payouts", "approve"),
        ("payouts", "approve", "--all", NOBODY),
        ("erasures", "replay", "absent.txt"),
    ],
)
async def test_what_is_asked_wrongly_is_a_sentence(say: Say, words: tuple[str, ...]):
    status, printed = await say(*words)

    assert 2 == status
    assert "companion " in printed


@pytest.mark.parametrize("words", [("buyers", "screen", "absent.csv"), (*RATE, "14", "--currency", "euro")])
async def test_what_is_refused_is_a_sentence(say: Say, words: tuple[str, ...], campaign: dict[str, Any]):
    status, printed = await say(*(str(campaign["id"]) if word == NOBODY else word for word in words))

    assert 1 == status
    assert printed.startswith(f"companion {words[0]}: ")


@pytest.mark.parametrize(
    "words",
    [
        ("review", "accept", NOBODY, "--because", "Good."),
        ("payouts", "approve", NOBODY),
        ("campaigns", "pause", NOBODY, "--because", "A test."),
        ("claims", "uphold", NOBODY, "--answer", "You are right."),
        (*SALE, "--purpose", "Hospitals.", "--until", "2027-12-31", "--price", "1", "--currency", "EUR"),
    ],
)
async def test_an_operator_is_not_spoken_to_as_a_contributor(say: Say, words: tuple[str, ...]):
    """What they look for is not theirs."""
    status, printed = await say(*words)

    assert 1 == status
    assert printed.startswith(f"companion {words[0]}: ")
    assert "You" not in printed


@pytest.mark.parametrize("url", ["postgresql://nobody@127.0.0.1:1/none", "nonsense"])
async def test_a_database_that_cannot_be_reached_is_a_sentence(say: Say, monkeypatch: pytest.MonkeyPatch, url: str):
    monkeypatch.setenv("DATABASE_URL", url)
    monkeypatch.delenv("MIGRATION_DATABASE_URL", raising=False)

    status, printed = await say("migrate")

    assert 1 == status
    assert printed.startswith("companion migrate: ")


async def test_a_term_sheet_may_be_read_for_longer_than_a_transaction_lasts(
    app: Litestar, database_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """PostgreSQL ends a transaction in which nothing happens for half a minute; nobody reads a sheet that fast."""
    file = tmp_path / "sheet.json"
    file.write_text(json.dumps(document() | {"id": f"sheet-{os.urandom(4).hex()}"}))
    held: list[int] = []

    # A pool that may grow counts a connection that it is still opening as one that is lent.
    async with pool(database_url, largest=1) as database:

        def asked(question: str) -> str:
            stats = database.get_stats()
            held.append(stats["pool_size"] - stats["pool_available"])
            return "n"

        monkeypatch.setattr("builtins.input", asked)

        assert 1 == await publish(database, parser().parse_args(["publish", str(file)]))
    assert [0] == held


async def test_ctrl_c_ends_a_command_without_a_traceback(say: Say, monkeypatch: pytest.MonkeyPatch):
    def interrupted(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("api.commands.service.doctor", interrupted)

    assert (130, "") == await say("doctor")


def test_the_doctor_names_what_the_service_would_not_start_with():
    """And goes on: everything else is looked at all the same."""
    wrong = {"COMPANION_KEEP_FREE": "much", "S3_ENDPOINT": "127.0.0.1:1", "DATABASE_URL": "nonsense"}
    found = {finding.name: finding for finding in doctor.findings(wrong)}

    assert [False] * 3 == [found[name].ok for name in ("settings", "S3", "PostgreSQL")]
    assert "free disk" in found


def test_settings_are_tried_before_anything_is_started():
    """With the engines that are still to come, and never with a key that would be lost."""
    check({})
    external = {"DATABASE_URL": "postgresql:///own"}
    check({**external, "COMPANION_MASTER_KEY": "A" * 43 + "="})
    for wrong in (external, {"COMPANION_LOG_LEVEL": "loud"}, {"S3_ENDPOINT": "http://127.0.0.1:8333"}):
        with pytest.raises(ValueError, match=r"cannot be used|is not set"):
            check(wrong)
