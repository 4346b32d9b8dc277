"""Commands are typed as on a console, against this worker's database."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from api.cli import main

Say = Callable[..., Awaitable[tuple[int, str]]]


@pytest.fixture
def say(monkeypatch: pytest.MonkeyPatch, database_url: str, capsys: pytest.CaptureFixture[str]) -> Say:
    """Type a command; return its exit status and what it printed."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    async def typed(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        try:
            status = await asyncio.to_thread(main, words)
        except SystemExit as asked_wrongly:
            status = int(asked_wrongly.code or 0)
        printed = capsys.readouterr()
        return status, printed.out + printed.err

    return typed
