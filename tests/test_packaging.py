"""A clone installs what was tested: the same versions, by hash, from whatever registry the machine uses."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-uv.lock"]


def pins(lock: str) -> dict[str, str]:
    lines = (ROOT / lock).read_text().splitlines()
    found = [re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^ ;\\]+)", line) for line in lines]
    return {canonicalize_name(match[1]): match[2] for match in found if match}


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_by_hash_and_names_no_address(lock):
    """An address would tie every clone to one machine's registry."""
    text = (ROOT / lock).read_text()

    assert len(re.findall(r"^\w", text, re.MULTILINE)) == len(
        re.findall(r"^\w.*==.* \\\n    --hash=sha256:", text, re.MULTILINE)
    )
    assert "://" not in text
    assert "--index-url" not in text


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.lock", PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["build"]),
        ("requirements-dev.lock", PROJECT["dependency-groups"]["dev"]),
    ],
)
def test_the_lock_follows_pyproject(lock, wanted):
    """A dependency that was added or raised without `make lock` fails here, not on a newcomer's machine."""
    pinned = pins(lock)
    requirements = [Requirement(text) for text in wanted]

    assert [] == [
        str(wish) for wish in requirements if pinned.get(canonicalize_name(wish.name), "none") not in wish.specifier
    ]


def test_the_development_lock_serves_make_run_too():
    """Both locks share one environment, so each version in the first must be the version in the second."""
    development = pins("requirements-dev.lock")

    assert {} == {
        name: version for name, version in pins("requirements.lock").items() if development.get(name) != version
    }


def test_no_large_file_and_no_machine_path_is_tracked():
    """Media and paths of one machine do not belong in a clone."""
    files = tracked_files()
    # Where this clone lies, and where builds like to lie; /home/ada in a test is an invented one.
    machine_path = re.compile(rb"(?<![\w.])/(?:work|opt/pypi|root/\.pyenv)/|" + re.escape(str(ROOT).encode() + b"/"))

    assert [] == [str(path) for path in files if path.stat().st_size > 1_000_000]
    assert [] == [str(path) for path in files if machine_path.search(path.read_bytes())]


def test_every_make_target_is_listed_by_make_help():
    """A task nobody can find is a task nobody runs."""
    makefile = (ROOT / "Makefile").read_text()
    phony = set(re.search(r"^\.PHONY: (help .*)$", makefile, re.MULTILINE)[1].split())
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout

    assert phony == set(re.findall(r"^  make (\S+)", listed, re.MULTILINE))


def test_continuous_integration_runs_exactly_make_test():
    """What is green there is what a contributor runs here."""
    script = (ROOT / ".ci/run").read_text()

    assert ["dev", "lint", "test", "test-clients"] == re.findall(r"^make (.+)$", script, re.MULTILINE)
