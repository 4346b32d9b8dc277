"""Passwords: Argon2id, two at a time, and the same time for somebody we do not know.

One hash takes 19 MiB and about 45 ms of CPU. Without a bound, a few hundred sign-ins at once would stop every upload on
the machine; with one, the surplus hears "try again" at once. Hashing gives way to everything else that wants the
processor: who signs in waits a moment longer, and nobody who looks around notices.
"""

import asyncio
import os
import secrets
import sys
import unicodedata
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


def prepared(password: str) -> str:
    """Spell a password as it is hashed: keyboards write one ö as one character or as two, and spaces of many kinds.

    The profile OpaqueString (RFC 8265, section 4.2), which NIST SP 800-63B, section 5.1.1.2, asks for in other words.
    """
    plain = "".join(" " if unicodedata.category(character) == "Zs" else character for character in password)
    return unicodedata.normalize("NFC", plain)


def spellings(password: str) -> list[str]:
    """List what a password may have been hashed as, before all were spelt alike: as it is typed, here or elsewhere."""
    forms = [unicodedata.normalize("NFC", password), unicodedata.normalize("NFD", password)]
    return list(dict.fromkeys([prepared(password), password, *forms]))


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
        return await self._in_turn(HASHER.hash, prepared(password))

    async def matches(self, password: str, known_hash: str | None) -> bool:
        """Say whether the password is the one; a stranger (None) costs the same time. Raises PasswordsBusy."""
        correct = False
        for spelling in spellings(password):
            correct = correct or await self._in_turn(_verify, known_hash or self.nobody, spelling)
        return correct and known_hash is not None

    async def renewed(self, password: str, known_hash: str) -> str | None:
        """Hash a password that matched anew, where its hash was made otherwise than today's. Raises PasswordsBusy."""
        same = len(spellings(password)) == 1 or await self._in_turn(_verify, known_hash, prepared(password))
        return None if same and not self.outdated(known_hash) else await self.hash(password)

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
