"""Passwords: Argon2id, two at a time, and the same time for somebody we do not know.

One hash takes 19 MiB and about 45 ms of CPU. Without a bound, a few hundred sign-ins at once would stop every upload on
the machine; with one, the surplus hears "try again" at once. Hashing gives way to everything else that wants the
processor: who signs in waits a moment longer, and nobody who looks around notices.
"""

import asyncio
import os
import secrets
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

#: OWASP Password Storage Cheat Sheet, Argon2id: 19 MiB, two passes, one lane.
HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
Answer = TypeVar("Answer")

AT_ONCE = 2
QUEUE = 20
#: Steps of niceness: a thread of the usual priority gets nine times the processor time of one with ten.
GIVING_WAY = 10


class PasswordsBusy(Exception):
    """Very many people are signing in right now; try again in a moment."""


class Passwords:
    """Hashes and checks passwords in threads."""

    def __init__(self) -> None:
        """Prepare the hash that a password is checked against when nobody has that address."""
        # Threads of its own: priority is a thread's, and one that gave it away cannot take it back.
        self.threads = ThreadPoolExecutor(AT_ONCE, "passwords", give_way)
        self.present = 0
        self.nobody = HASHER.hash(secrets.token_urlsafe(16))

    async def hash(self, password: str) -> str:
        """Hash a new password. Raises PasswordsBusy."""
        return await self._in_turn(HASHER.hash, password)

    async def matches(self, password: str, known_hash: str | None) -> bool:
        """Say whether the password is the one; a stranger (None) costs the same time. Raises PasswordsBusy."""
        correct = await self._in_turn(_verify, known_hash or self.nobody, password)
        return correct and known_hash is not None

    def outdated(self, known_hash: str) -> bool:
        """Say whether a hash was made with other parameters than today's."""
        return HASHER.check_needs_rehash(known_hash)

    async def _in_turn(self, work: Callable[..., Answer], *values: str) -> Answer:
        if self.present >= AT_ONCE + QUEUE:
            raise PasswordsBusy
        self.present += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self.threads, work, *values)
        finally:
            self.present -= 1


def give_way() -> None:
    """Lower the priority of this thread, where threads have one (Linux)."""
    if sys.platform == "linux":
        os.nice(GIVING_WAY)


def _verify(known_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(known_hash, password)
    except (Argon2Error, InvalidHashError):
        return False
