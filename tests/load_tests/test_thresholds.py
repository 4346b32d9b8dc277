"""Load tests judge by what their profiles say, and never hit somebody else's machine by mistake.

Locust changes how a whole process does its input and output, so what needs it runs in a process of its own.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from load_tests.console import load_test, local
from load_tests.thresholds import profile, profiles
from load_tests.truth import COUNTED, TRUTH

ROOT = Path(__file__).parent.parent.parent
SCRIPT = """
import json, sys
from locust.stats import RequestStats
from load_tests import locustfile
from load_tests.thresholds import measured, profile, profiles
stats = RequestStats()
for time_ms in (10, 20, 1000):
    stats.log_request("GET", "read", time_ms, 0)
stats.log_request("POST", "claim", 5, 0)
stats.log_request("POST", "claim", 5, 0)
stats.log_error("POST", "claim", RuntimeError())
locustfile.TRUTH.counts = {"hashes that differ": 3}
asked = ["p99 of read, claim", "count of read", "failures of claim", "failures", "share of claim over claim",
         "truth hashes that differ"]
for name in profiles():
    for threshold in profile(name).thresholds:
        measured(RequestStats(), threshold.measure)
try:
    measured(stats, "happiness of users")
except ValueError as error:
    refused = str(error)
people = [persona.__name__ for persona in locustfile.PERSONAS]
print(json.dumps({"measured": [measured(stats, words) for words in asked], "people": people, "refused": refused}))
"""


@pytest.fixture(scope="module")
def generator() -> dict[str, object]:
    """What a load generator's own process says."""
    asked = subprocess.run([sys.executable, "-c", SCRIPT], cwd=ROOT, capture_output=True, text=True, check=True)
    return json.loads(asked.stdout.splitlines()[-1])


def test_each_measure_is_of_the_named_operations(generator: dict[str, object]):
    """Every threshold of every profile can be measured, and a misspelt one is refused."""
    assert [1000, 3, 1, 1, 1, 3] == generator["measured"]
    assert "happiness of users" in str(generator["refused"])


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


def test_this_machine_is_its_own():
    assert local("http://127.0.0.1:8000")
    assert local("http://localhost:8000")
