"""The bell: wakes whoever waits for news, with one listening connection for the whole process."""

from __future__ import annotations

import asyncio
import logging
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from uuid import UUID

import psycopg

from storage.events import listening

logger = logging.getLogger("companion.events")


class Bell:
    """Wakes whoever waits for an account's events: one listening connection for the whole process."""

    def __init__(self) -> None:
        """Begin with nobody waiting."""
        self.waiting: defaultdict[UUID, set[asyncio.Event]] = defaultdict(set)

    async def listen(self, url: str) -> None:
        """Hear the database for ever; whoever waits is woken after a lost connection too, and looks for themselves."""
        while True:
            try:
                async with listening(url) as accounts:
                    self.ring_all()
                    async for account in accounts:
                        self.ring(account)
            except psycopg.OperationalError:
                logger.warning("The database does not tell of events; trying again.")
            await asyncio.sleep(1)

    def ring(self, account: UUID) -> None:
        """Wake those who wait for one account."""
        for wake in self.waiting.get(account, ()):
            wake.set()

    def ring_all(self) -> None:
        """Wake everybody."""
        for account in self.waiting:
            self.ring(account)

    @contextmanager
    def heard(self, account: UUID) -> Iterator[asyncio.Event]:
        """Lend an event that is set whenever something happened."""
        wake = asyncio.Event()
        self.waiting[account].add(wake)
        try:
            yield wake
        finally:
            self.waiting[account].discard(wake)
            if not self.waiting[account]:
                del self.waiting[account]


@asynccontextmanager
async def ringing(url: str) -> AsyncIterator[Bell]:
    """Lend a bell that listens to the database in the background."""
    bell = Bell()
    task = asyncio.create_task(bell.listen(url))
    try:
        yield bell
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
