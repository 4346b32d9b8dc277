"""`companion demo`: something to do for a first visitor, however often it runs."""

import re

import pytest

from api import demo
from api.campaigns import rules_of
from storage import campaigns
from storage.database import Pool, transaction


async def test_the_demo_is_seeded_once(database: Pool, capsys: pytest.CaptureFixture[str]):
    """The operator's password is shown at the first run and never again, and signs in."""
    async with transaction(database) as connection:
        await demo.seed(connection)
    first = capsys.readouterr().out
    async with transaction(database) as connection:
        await demo.seed(connection)
    second = capsys.readouterr().out

    assert "" == second
    shown = re.search(rf"{re.escape(demo.OPERATOR)}, password (\S+)", first)
    assert shown is not None
    async with transaction(database) as connection:
        cursor = await connection.execute("SELECT role, password_hash FROM accounts WHERE email = %s", (demo.OPERATOR,))
        role, password_hash = await cursor.fetchone()  # type: ignore[misc]
    assert "operator" == role
    assert demo.HASHER.verify(password_hash, shown[1])


async def test_the_demo_s_campaigns_can_be_judged(database: Pool):
    """Every rule names a published check and is consistent."""
    async with transaction(database) as connection:
        rows = await campaigns.listing(connection, media=None, language=None, after=None, limit=200)

    for row in rows:
        assert rules_of(row).rules
