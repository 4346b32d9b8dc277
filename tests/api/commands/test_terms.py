"""What an operator sees before words are published for ever."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from api.cli import main
from tests.api.terms.sheets import document, put

Say = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, database_url: str, database: Any, capsys: pytest.CaptureFixture[str]) -> Say:
    """Type a command; return its exit status and what it printed."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    async def typed(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        status = await asyncio.to_thread(main, ["terms", *words])
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return typed


def written(folder: Path, sheet: Any) -> str:
    file = folder / "sheet.json"
    file.write_text(sheet if isinstance(sheet, str) else json.dumps(sheet))
    return str(file)


async def test_a_file_is_checked_without_a_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delenv("DATABASE_URL", raising=False)

    assert 0 == main(["terms", "check", written(tmp_path, document("voice-standard", 2))])
    told = capsys.readouterr().out
    assert "flag 1   unpaid_derivatives" in told
    assert "card en  grade" in told
    assert "not reviewed, does not bind" in told


def test_the_documentation_has_the_grades_of_every_card(capsys: pytest.CaptureFixture[str]):
    """A sheet or a word that changes is measured anew: `companion terms grades` prints the table."""
    page = (Path(__file__).parents[3] / "docs" / "terms.md").read_text(encoding="utf-8")

    assert 0 == main(["terms", "grades"])
    assert capsys.readouterr().out in page


@pytest.mark.parametrize(
    ("sheet", "status", "told"),
    [
        (put(document(), "/withdrawal/allowed", False), 1, "fault    /withdrawal/allowed must be true."),
        (put(document(), "/withdrawal/allowed", False), 1, "flag 3   irrevocable"),
        ([], 1, "This is not a term sheet."),
        ("{", 2, "sheet.json"),
    ],
    ids=str,
)
async def test_what_is_wrong_is_said(say: Say, tmp_path: Path, sheet: Any, status: int, told: str):
    answer = await say("check", written(tmp_path, sheet))

    assert status == answer[0]
    assert told in answer[1]


async def test_a_file_that_is_missing_is_a_sentence(say: Say):
    assert 2 == (await say("check", "/nowhere/sheet.json"))[0]


async def test_publishing_shows_what_changes_and_asks(say: Say, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Without a yes nothing is published; with one it is, once."""
    sheet = put(put(document("ambient-sound"), "/id", "ambient-test"), "/title", "Ambient, for a test")
    assert 0 == (await say("publish", written(tmp_path, sheet), "--yes"))[0]
    newer = written(tmp_path, put(put(sheet, "/version", 2), "/term/duration", "P5Y"))
    monkeypatch.setattr("builtins.input", lambda _: "n")

    status, told = await say("publish", newer)
    assert (1, True) == (status, told.endswith("Nothing was published.\n"))
    assert "worse    /term/duration: How long it lasts. Before: 3 years. Now: 5 years." in told

    monkeypatch.setattr("builtins.input", lambda _: "yes")
    assert "Published ambient-test, version 2." in (await say("publish", newer))[1]
    assert "These words are published already." in (await say("publish", newer))[1]
    changed = written(tmp_path, put(sheet, "/title", "Other words"))
    assert 1 == (await say("publish", changed, "--yes"))[0]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("voice-standard",), "What do you give? [sound]"),
        (("voice-standard", "--language", "de"), "Was gibst du?"),
        (("voice-standard", "--version", "1", "--form", "legal-text"), "# Read speech for speech recognition"),
        (("voice-standard", "--form", "odrl"), '"@type":"Offer"'),
        (("voice-standard", "--form", "rsl"), "<rsl xmlns"),
        (("voice-standard", "--form", "json"), '"id":"voice-standard"'),
    ],
    ids=str,
)
async def test_a_published_sheet_is_shown_as_it_is_read(say: Say, words: tuple[str, ...], told: str):
    status, printed = await say("show", *words)

    assert (0, True) == (status, told in printed)


async def test_a_sheet_that_is_not_there_is_a_sentence(say: Say):
    assert (1, True) == ((answer := await say("show", "nothing"))[0], "There is no term sheet" in answer[1])


async def test_every_sheet_is_listed(say: Say):
    assert "voice-standard" in (await say("list"))[1]
