"""Examinations that somebody waits for: a few at a time, so many a minute for each account, and nothing is kept.

The sandbox of this process starts once a worker has started its own, so that the first of them is answered like any
other and the service is ready no later. It takes 150 MB.
"""

import asyncio
import logging
import os
import time
from collections import deque
from uuid import UUID

from anyio import CapacityLimiter, to_thread

from api.bodies import Bodies
from api.errors import Overloaded, TooManyAttempts
from capture_validation.capacity import Capacity
from capture_validation.errors import SandboxError
from capture_validation.profile import Profile
from capture_validation.report import Report
from capture_validation.validate import shared_sandbox, validate
from storage import examiners
from storage.database import Pool, reading
from storage.errors import DatabaseBusy

logger = logging.getLogger("companion.examinations")

LARGEST = 5_000_000
#: Ten seconds, and the rounding of an encoder.
LONGEST_S = 10.5
CAPACITY = Capacity(audio_bytes=LARGEST, video_bytes=LARGEST, audio_duration_s=LONGEST_S, video_duration_s=LONGEST_S)
#: Seconds that one examination may take.
WALL_S, CPU_S = 10.0, 8.0
#: One account's examinations within a minute: a phone that looks every two seconds.
PER_MINUTE = 30
#: Wait in front of the processors, at most.
WAITING = 8
#: How often it is asked whether a worker can examine, in seconds.
LOOK_EVERY_S = 5.0


class Examinations:
    """The examinations of this process: how many run, and when each account began its last ones."""

    def __init__(self) -> None:
        """Begin with none."""
        self.at_once = os.cpu_count() or 1
        self.limiter = CapacityLimiter(self.at_once)
        self.present = 0
        # All that may be examined or wait for it; of one account what its phone records and what it lost the answer to.
        self.bodies = Bodies(most=(self.at_once + WAITING) * LARGEST, each=2 * LARGEST)
        self.begun: dict[UUID, deque[float]] = {}

    async def warm(self, database: Pool) -> None:
        """Start the sandbox, which takes seconds of a processor, when nothing else is waited for any more."""
        while not await _begun(database):  # noqa: ASYNC110 - it is another process that has to begin.
            await asyncio.sleep(LOOK_EVERY_S)
        try:
            await to_thread.run_sync(lambda: shared_sandbox().start(), abandon_on_cancel=True)
        except SandboxError:
            logger.exception("nothing can be examined here; `companion doctor` says more")

    def count(self, account: UUID) -> None:
        """Count one more of an account. Raises TooManyAttempts."""
        now = time.monotonic()
        self.begun = {who: times for who, times in self.begun.items() if times[-1] > now - 60}
        times = self.begun.setdefault(account, deque(maxlen=PER_MINUTE))
        if len(times) == PER_MINUTE and times[0] > now - 60:
            raise TooManyAttempts(max(round(times[0] + 60 - now), 1))
        times.append(now)

    async def examine(self, file: int, rules: Profile) -> Report:
        """Examine the file behind a descriptor, in a thread. Raises Overloaded, SandboxError."""
        if self.present >= self.at_once + WAITING:
            raise Overloaded
        self.present += 1
        try:
            return await to_thread.run_sync(
                lambda: validate(file, rules, capacity=CAPACITY, wall_s=WALL_S, cpu_s=CPU_S), limiter=self.limiter
            )
        finally:
            self.present -= 1


async def _begun(database: Pool) -> bool:
    try:
        async with reading(database) as connection:
            return await examiners.begun(connection)
    except DatabaseBusy:
        return False
