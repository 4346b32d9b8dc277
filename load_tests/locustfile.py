"""What Locust runs: the personas of one profile, its thresholds, and the look at what was promised.

`companion load-test` starts it; so does `COMPANION_LOAD_PROFILE=mixed locust -f load_tests/locustfile.py`, also with
`--master` and `--worker` on several machines. Only the master judges, and only a run in one process can look at what
was promised.
"""

import logging
import os
from typing import Any

from locust import events
from locust.runners import WorkerRunner

from load_tests.personas.flaky import FlakyRecorder
from load_tests.personas.hostile import Hostile
from load_tests.personas.newcomer import Newcomer
from load_tests.personas.payee import Payee
from load_tests.personas.reader import Reader
from load_tests.personas.resumer import Resumer
from load_tests.phone import Phone
from load_tests.thresholds import judge, profile
from load_tests.truth import TRUTH

# A line for every look at what was promised would bury the table.
logging.getLogger("httpx").setLevel(logging.WARNING)
CHOSEN = profile(os.environ.get("COMPANION_LOAD_PROFILE", "mixed"))
PERSONAS = (Newcomer, FlakyRecorder, Resumer, Payee, Reader, Hostile)


def invite(personas: tuple[type[Phone], ...]) -> None:
    """Give everybody the weight that the profile names; a weight of nothing still counts as somebody for Locust."""
    for persona in personas:
        persona.weight = CHOSEN.personas.get(persona.__name__, 0)
        persona.abstract = persona.weight == 0


invite(PERSONAS)


def conclude(environment: Any, **_: Any) -> None:
    """Look at what was promised, print the table, and set the exit status."""
    if isinstance(environment.runner, WorkerRunner):
        return
    print("\nLooking at what was promised ...", flush=True)
    TRUTH.check(environment.host)
    environment.process_exit_code = judge(environment, CHOSEN)


events.quitting.add_listener(conclude)
