"""Passwords: bounded in time and number, and never recognisable by how long they take."""

import asyncio

import pytest

from api.passwords import AT_ONCE, QUEUE, Passwords, PasswordsBusy
from api.problem_table import kind_of


async def test_a_long_queue_is_turned_away_at_once():
    """Two are hashed, twenty wait, and the rest hear it now instead of after a minute."""
    passwords = Passwords()

    results = await asyncio.gather(*(passwords.hash("a password") for _ in range(40)), return_exceptions=True)

    assert AT_ONCE + QUEUE == sum(isinstance(result, str) for result in results)
    assert all(isinstance(result, str | PasswordsBusy) for result in results)
    assert (429, 2) == (kind_of(PasswordsBusy).status, kind_of(PasswordsBusy).retry_after_s)


async def test_a_hash_is_recognised_and_nothing_else_is():
    passwords = Passwords()
    known = await passwords.hash("a password")

    assert await passwords.matches("a password", known)
    assert not await passwords.matches("another", known)
    assert not await passwords.matches("a password", None)
    assert not passwords.outdated(known)


@pytest.mark.parametrize("damaged", ["", "no hash", "$argon2id$v=19$m=8,t=1,p=1$YQ$YQ"])
async def test_a_damaged_hash_lets_nobody_in(damaged: str):
    """It is a wrong password, not an internal error."""
    assert not await Passwords().matches("", damaged)
