"""Speech: where in a recording somebody speaks.

A sentence about a voice makes sense only where there is one: a noise that fills no gaps between words is no background
noise, and a waterfall has no first word to cut off.
"""

import numpy as np
from numpy.typing import NDArray

from capture_validation.levels import runs
from capture_validation.sound import Sound
from capture_validation.spans import Spans

#: Seconds between two probabilities.
STEP_S = 0.032
#: Speech begins where a voice is this likely, and lasts until it is less likely than that (as Silero's own rule).
LIKELY, UNLIKELY = 0.5, 0.35
#: Shorter pauses, in steps, belong to speech; shorter voices are a cough or a chair.
PAUSE, SHORTEST = 4, 4
#: Steps of a second, which a contributor is asked to wait before speaking and before stopping.
WAIT = 31
#: Steps at an edge in which a voice must be heard for it to be cut off there: the network needs a moment to be sure.
#: Where the recording itself shows that a vowel was cut into, it has more of them (0.4 s).
EDGE, SOON = 6, 13


class Speech:
    """The probabilities of a voice heard so far, in a byte each: 113 kB an hour."""

    def __init__(self) -> None:
        self._cells = bytearray()

    def add(self, sound: Sound) -> None:
        """Take the probabilities of the next stretch."""
        self._cells += np.rint(sound.voices * 255).astype(np.uint8).tobytes()

    def probabilities(self) -> NDArray[np.float32]:
        """Every probability so far, 0…1, shape (steps,)."""
        return np.frombuffer(bytes(self._cells), np.uint8).astype(np.float32) / np.float32(255)

    @property
    def duration_s(self) -> float:
        """Seconds listened to."""
        return len(self._cells) * STEP_S

    def steps(self) -> NDArray[np.bool_]:
        """Whether somebody speaks in each step, shape (steps,): single likely steps and short pauses evened out."""
        likely = self.probabilities()
        speaking = np.zeros(len(likely), np.bool_)
        for start, end in runs(likely >= UNLIKELY):
            speaking[start:end] = likely[start:end].max() >= LIKELY
        for start, end in list(runs(~speaking)):
            speaking[start:end] = 0 < start and end < len(speaking) and end - start < PAUSE
        for start, end in list(runs(speaking)):
            speaking[start:end] = end - start >= SHORTEST
        return speaking

    @property
    def spoken_s(self) -> float:
        """Seconds in which somebody speaks."""
        return int(np.count_nonzero(self.steps())) * STEP_S

    def share(self, quiet: NDArray[np.bool_]) -> float | None:
        """Share (0…1) of the recording that is spoken, without up to a second of waiting at each end; None if empty.

        `quiet`: whether each step is, shape (steps,); what is not quiet before and after speech is no waiting.
        """
        steps = self.steps()
        if not len(steps):
            return None
        spoken = np.flatnonzero(steps)
        if not len(spoken):
            return 0.0
        ends = (quiet[: spoken[0]], quiet[spoken[-1] + 1 :])
        waiting = sum(min(int(np.count_nonzero(end)), WAIT) for end in ends)
        return len(spoken) / (len(steps) - waiting)

    def at_start(self) -> bool:
        """Whether somebody may be speaking when the recording begins."""
        return bool(self.probabilities()[:EDGE].max(initial=0.0) >= LIKELY)

    def soon_after_start(self) -> bool:
        """Whether somebody is heard in the first 0.4 s."""
        return bool(self.probabilities()[:SOON].max(initial=0.0) >= LIKELY)

    def at_end(self) -> bool:
        """Whether somebody may be speaking when the recording ends."""
        return bool(self.probabilities()[-EDGE:].max(initial=0.0) >= LIKELY)

    def spans(self) -> Spans:
        """Where somebody speaks."""
        found = Spans(gap_s=PAUSE * STEP_S)
        found.extend((start * STEP_S, end * STEP_S) for start, end in runs(self.steps()))
        return found
