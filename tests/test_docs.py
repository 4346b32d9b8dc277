"""What the documents say is there, is there; and what an operator can set is said."""

import re
from pathlib import Path

import pytest

from api.cli import COMMANDS
from api.settings import documented

ROOT = Path(__file__).parent.parent
PACKAGES = ("api", "capture_validation", "storage", "openapi", "load_tests", "benchmarks")
DOCUMENTS = sorted(
    path.relative_to(ROOT)
    for folder in (".", "docs", "docs/decisions", "load_tests")
    for path in (ROOT / folder).glob("*.md")
)


@pytest.mark.parametrize("variable", [setting.variable for setting in documented()])
def test_every_setting_is_in_the_readme(variable):
    """An operator reads one table, not the code."""
    assert f"`{variable}`" in (ROOT / "README.md").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_link_to_a_file_leads_somewhere(document):
    """A file that moved leaves a dead link behind."""
    links = re.findall(r"\]\(([^)#\s]+)", (ROOT / document).read_text())

    assert [] == [link for link in links if "://" not in link and not (ROOT / document).parent.joinpath(link).exists()]


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_every_make_task_that_is_named_exists(document):
    """A newcomer types what stands there."""
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:`|^    )make ([a-z][a-z-]*)", (ROOT / document).read_text(), re.MULTILINE))

    assert set() == named - targets


def test_every_folder_is_on_the_map():
    """A reader finds what a folder is for without opening it; tests mirror the packages and need no lines."""
    here = (path.relative_to(ROOT).parent for path in ROOT.glob("*/**/*.py"))
    folders = {str(folder) for folder in here if folder.parts[0] in PACKAGES}

    assert set() == {folder for folder in folders if f"`{folder}/`" not in (ROOT / "docs/architecture.md").read_text()}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_the_readme_or_among_what_operators_type(command):
    """What can be typed is written down."""
    written = "".join((ROOT / page).read_text() for page in ("README.md", "docs/operations.md"))

    assert f"companion {command}" in written
