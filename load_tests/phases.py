"""The parts of a run, for profiles that have several: Locust asks every second how many people there should be."""

from __future__ import annotations

from locust import LoadTestShape

from load_tests.thresholds import Phase, Profile
from load_tests.watching import WATCH


def shape_of(chosen: Profile) -> type[LoadTestShape]:
    """Give the shape of a profile's run."""

    class Parts(LoadTestShape):  # type: ignore[misc]
        """One phase after the other."""

        use_common_options = False
        abstract = False
        now: Phase | None = None

        def tick(self) -> tuple[int, float] | None:
            """Say how many people there should be, and note the end of each phase but the last."""
            phase = phase_at(chosen, self.get_run_time())
            if self.now is not None and phase is not None and phase is not self.now and self.runner is not None:
                print(f"Phase {self.now.name!r} is over; {phase.users} people from now on.", flush=True)
                WATCH.phase_ended(self.now.name, self.runner.stats)
            self.now = phase
            return None if phase is None else (phase.users, phase.spawn_rate)

    return Parts


def phase_at(chosen: Profile, at_s: float) -> Phase | None:
    """Find the phase of a moment; None after the last one."""
    for phase in chosen.phases:
        at_s -= phase.seconds
        if at_s < 0:
            return phase
    return None
