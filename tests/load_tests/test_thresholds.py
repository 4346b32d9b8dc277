"""Load tests judge by what their profiles say, and never hit somebody else's machine by mistake.

Locust changes how a whole process does its input and output, so what needs it runs in a process of its own.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from load_tests.console import load_test, local
from load_tests.thresholds import changed, profile, profiles, seconds
from load_tests.truth import COUNTED, TRUTH

ROOT = Path(__file__).parent.parent.parent
SCRIPT = """
import json, sys
from locust.stats import RequestStats
from load_tests import locustfile, workers
from load_tests.truth import Acknowledged, Keys, TRUTH

def exchanged():
    "What a master knows of a worker that told twice: itself, here."
    phone = Keys("a", "b")
    TRUTH.phones, TRUTH.acknowledged, TRUTH.announced = [phone], [Acknowledged("1", "x", phone)], 1
    told = [{}, {}]
    workers.tell(client_id="one", data=told[0])
    phone.access = "renewed"
    TRUTH.acknowledged.append(Acknowledged("2", "y", phone))
    workers.tell(client_id="one", data=told[1])
    TRUTH.phones, TRUTH.acknowledged, TRUTH.announced = [], [], 0
    for data in told:
        workers.hear(client_id="one", data=json.loads(json.dumps(data)))
    known = [[one.recording, one.sha256, one.keys.access] for one in TRUTH.acknowledged]
    return known, len(TRUTH.phones), TRUTH.announced

from load_tests.measures import measured
from load_tests.watching import WATCH
from load_tests.thresholds import profile, profiles
stats = RequestStats()
for time_ms in (10, 20, 1000):
    stats.log_request("GET", "read", time_ms, 0)
stats.log_request("POST", "claim", 5, 0)
stats.log_request("POST", "claim", 5, 0)
stats.log_error("POST", "claim", RuntimeError("503 overloaded"))
locustfile.TRUTH.counts = {"hashes that differ": 3}
locustfile.TRUTH.announced, locustfile.TRUTH.acknowledged = 4, [Acknowledged("1", "x", Keys("a", "b"))]
asked = ["p99 of read, claim", "p99 of both", "p50 of read", "count of read", "failures of claim", "failures",
         "share of claim over read", "truth hashes that differ", "upload completion", "broken answers"]
groups = {"both": ["read", "claim"]}
taken = [measured(stats, words, groups) for words in asked]
WATCH.phase_ended("before", stats)
for time_ms in (30, 40):
    stats.log_request("GET", "read", time_ms, 0)
WATCH.phase_ended("crowd", stats)
parts = [measured(stats, f"count of read in {name}") for name in ("before", "crowd", "after")]
nothing = measured(stats, "p99 of what nobody did")
for name in profiles():
    for threshold in profile(name).thresholds:
        measured(RequestStats(), threshold.measure, profile(name).groups)
try:
    measured(stats, "happiness of users")
except ValueError as error:
    refused = str(error)
people = [persona.__name__ for persona in locustfile.PERSONAS]
found = {"measured": taken, "parts": parts, "nothing": nothing, "people": people, "refused": refused}
found["together"] = exchanged()
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def generator() -> dict[str, object]:
    """What a load generator's own process says."""
    asked = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(asked.stdout.splitlines()[-1])


def test_each_measure_is_of_the_named_operations(generator: dict[str, object]):
    """Every threshold of every profile can be measured, and a misspelt one is refused."""
    assert [1000, 1000, 20, 3, 1, 1, 1 / 3, 3, 0.25, 1] == generator["measured"]
    assert "happiness of users" in str(generator["refused"])


def test_a_part_of_a_run_is_the_difference_of_two_moments(generator: dict[str, object]):
    """And what never happened keeps no promise about its time."""
    assert [3, 2, 0] == generator["parts"]
    assert float("inf") == generator["nothing"]


def test_a_master_knows_what_the_phones_of_its_workers_were_promised(generator: dict[str, object]):
    """Each promise once, with the tokens of now, however often a worker reports."""
    assert [[["1", "x", "renewed"], ["2", "y", "renewed"]], 1, 1] == generator["together"]


@pytest.mark.parametrize("name", profiles())
def test_a_profile_invites_who_exists_and_asks_what_is_counted(name: str, generator: dict[str, object]):
    """A misspelt persona or count would make a promise that nobody checks."""
    found = profile(name)

    truths = [entry.measure.removeprefix("truth ") for entry in found.thresholds if entry.measure.startswith("truth ")]
    assert set(truths) <= {*COUNTED, "ledger findings"}
    assert set(found.personas) <= set(generator["people"])  # type: ignore[call-overload]
    assert found.meaning.endswith(".")
    assert {} == TRUTH.counts


@pytest.mark.parametrize("host", ["https://companion.example", "http://192.0.2.7:8000", "not a url"])
def test_another_machine_is_left_alone(host: str, capsys: pytest.CaptureFixture[str]):
    """It opens accounts and leaves recordings: whoever means it has to say so."""
    assert not local(host)
    assert 2 == load_test(["--host", host, "--profile", "newcomers"])
    assert "--i-operate-this-host" in capsys.readouterr().out


def test_what_cannot_be_is_said_before_anything_starts(capsys: pytest.CaptureFixture[str]):
    """Recordings for sale are put into a service of the run's own, never into one that is there."""
    assert 2 == load_test(["--host", "http://127.0.0.1:1", "--profile", "sale"])
    assert 2 == load_test(["--host", "http://127.0.0.1:1", "--without-gate"])
    assert 2 == capsys.readouterr().out.count("leave out --host")


@pytest.mark.parametrize(("text", "length_s"), [("90", 90), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("2m5s", 125)])
def test_a_duration_is_written_as_people_do(text: str, length_s: int):
    assert length_s == seconds(text)


@pytest.mark.parametrize("text", ["", "five", "5 m", "-5m", "5d"])
def test_another_duration_is_refused(text: str):
    with pytest.raises(ValueError, match="no length of time"):
        seconds(text)


def test_another_number_of_people_and_another_length_keep_the_phases_in_proportion():
    """A short proof run is the same run."""
    short = changed(profile("proof"), 100, 150)

    assert [(20, 60), (100, 30), (20, 60)] == [(phase.users, phase.seconds) for phase in short.phases]


def test_this_machine_is_its_own():
    assert local("http://127.0.0.1:8000")
    assert local("http://localhost:8000")
