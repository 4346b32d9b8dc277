"""Niceness: a process lets others go first with its whole session, where it leads one."""

import subprocess
import sys

import pytest

from capture_validation.niceness import AUTOGROUP

LOOK = "from capture_validation import niceness; niceness.set_session(7); print(niceness.AUTOGROUP.read_text())"


@pytest.mark.parametrize("leads", [True, False])
@pytest.mark.skipif(not AUTOGROUP.exists(), reason="This system shares processors otherwise.")
def test_only_a_session_of_its_own_gives_way(leads: bool):
    """What somebody started by hand shares its session with their shell, which must stay as it is."""
    nice = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, start_new_session=leads
    ).stdout.split()

    assert leads == (["nice", "7"] == nice[-2:])
