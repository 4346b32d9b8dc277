"""Passwords: bounded in time and number, and never recognisable by how long they take."""

import asyncio
import os
import sys

import pytest

from api.passwords import AT_ONCE, GIVING_WAY, QUEUE, Passwords, PasswordsBusy
from api.problem_table import kind_of


async def test_a_long_queue_is_turned_away_at_once():
    """Two are hashed, twenty wait, and the rest hear it now instead of after a minute."""
    passwords = Passwords()

    results = await asyncio.gather(*(passwords.hash("a password") for _ in range(40)), return_exceptions=True)

    assert AT_ONCE + QUEUE == sum(isinstance(result, str) for result in results)
    assert all(isinstance(result, str | PasswordsBusy) for result in results)
    assert (429, 2) == (kind_of(PasswordsBusy).status, kind_of(PasswordsBusy).retry_after_s)


@pytest.mark.skipif(sys.platform != "linux", reason="Threads have a priority of their own on Linux only.")
async def test_hashing_gives_way_and_the_rest_of_the_process_does_not():
    """A crowd that signs up must not be noticed by those who only look around."""
    loop, passwords, usual = asyncio.get_running_loop(), Passwords(), os.nice(0)

    hashing = await loop.run_in_executor(passwords.threads, os.nice, 0)

    assert (usual, min(usual + GIVING_WAY, 19)) == (os.nice(0), hashing)


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
