"""What Locust runs: the personas of one profile, its thresholds, and the look at what was promised.

`companion load-test` starts it; so does `COMPANION_LOAD_PROFILE=mixed locust -f load_tests/locustfile.py`, also with
`--master` and `--worker` on several machines. The master judges, also by what workers tell it (`workers.py`).
"""

import json
import logging
import os
from typing import Any

import gevent
from locust import events, runners
from locust.runners import MasterRunner, WorkerRunner

from load_tests import workers
from load_tests.personas.buyer import Buyer
from load_tests.personas.flaky import FlakyRecorder
from load_tests.personas.hostile import Hostile
from load_tests.personas.liar import Liar
from load_tests.personas.newcomer import Newcomer
from load_tests.personas.payee import Payee
from load_tests.personas.reader import Reader
from load_tests.personas.resumer import Resumer
from load_tests.personas.seller import Seller
from load_tests.personas.sold import Sold
from load_tests.personas.steady import Steady
from load_tests.phases import shape_of
from load_tests.phone import Phone
from load_tests.thresholds import changed, profile
from load_tests.truth import TRUTH
from load_tests.verdict import judge
from load_tests.watching import watch

# A line for every look at what was promised would bury the table.
logging.getLogger("httpx").setLevel(logging.WARNING)
# By itself a master gives up a worker, and its phones, that was busy for three seconds.
runners.HEARTBEAT_LIVENESS = 30
#: How many people, and how long, instead of what the profile says.
OTHER = json.loads(os.environ.get("COMPANION_LOAD_OTHER", "{}"))
CHOSEN = changed(profile(os.environ.get("COMPANION_LOAD_PROFILE", "mixed")), OTHER.get("users"), OTHER.get("seconds"))
PERSONAS = (Newcomer, FlakyRecorder, Resumer, Payee, Reader, Hostile, Liar, Steady, Seller, Sold, Buyer)
if len(CHOSEN.phases) > 1:
    Parts = shape_of(CHOSEN)


def invite(personas: tuple[type[Phone], ...]) -> None:
    """Give everybody the weight that the profile names; a weight of nothing still counts as somebody for Locust."""
    for persona in personas:
        persona.weight = CHOSEN.personas.get(persona.__name__, 0)
        persona.abstract = persona.weight == 0


invite(PERSONAS)


def begin(environment: Any, **_: Any) -> None:
    """Watch the run where it is judged."""
    if not isinstance(environment.runner, WorkerRunner):
        gevent.spawn(watch, environment)


def conclude(environment: Any, **_: Any) -> None:
    """Look at what was promised, set the exit status, and let the tables be the last that is printed."""
    if isinstance(environment.runner, WorkerRunner):
        return
    print("\nLooking at what was promised ...", flush=True)
    TRUTH.check(environment.host)
    environment.process_exit_code, tables = judge(environment, CHOSEN, list(workers.CPU.values()))
    environment.events.quit.add_listener(lambda **_: print(tables, flush=True))


def connect(environment: Any, **_: Any) -> None:
    """Let workers and their master speak about more than Locust counts."""
    if isinstance(environment.runner, WorkerRunner):
        environment.events.report_to_master.add_listener(workers.tell)
    if isinstance(environment.runner, MasterRunner):
        environment.events.worker_report.add_listener(workers.hear)


# Imports took seconds that gevent's loop has not noticed: a run would end as much earlier.
gevent.get_hub().loop.update_now()
events.init.add_listener(connect)
events.test_start.add_listener(begin)
events.quitting.add_listener(conclude)
