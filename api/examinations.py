"""Examinations that somebody waits for: a few at a time, so many a minute for each account, and nothing is kept.

The sandbox of this process starts with the first of them, which takes two seconds longer: a service whose phones never
ask does without the memory.
"""

import os
import time
from collections import deque
from uuid import UUID

from anyio import CapacityLimiter, to_thread

from api.errors import Overloaded, TooManyAttempts
from capture_validation.capacity import Capacity
from capture_validation.profile import Profile
from capture_validation.report import Report
from capture_validation.validate import validate

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


class Examinations:
    """The examinations of this process: how many run, and when each account began its last ones."""

    def __init__(self) -> None:
        """Begin with none."""
        self.at_once = os.cpu_count() or 1
        self.limiter = CapacityLimiter(self.at_once)
        self.present = 0
        self.begun: dict[UUID, deque[float]] = {}

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
