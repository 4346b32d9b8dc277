"""The catalogue, and the page made from it."""

from pathlib import Path
from types import ModuleType

import pytest

from capture_validation import checks
from capture_validation.catalogue import catalogue
from capture_validation.check import AudioCheck
from capture_validation.documentation import document

FOLDER = Path(checks.__file__).parent


def test_every_check_file_is_in_the_catalogue():
    files = [path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__"]

    assert len(files) == len(catalogue())


def test_a_file_is_named_after_the_kind_of_its_check():
    for check in checks.published().values():
        kind, _, _ = check.name.partition(".")
        assert check.__module__.rpartition(".")[2].startswith(f"{kind}_")


@pytest.mark.parametrize("entry", catalogue(), ids=lambda entry: entry.name)
def test_a_check_says_everything_a_reader_needs(entry):
    assert entry.version >= 1
    assert all((entry.title, entry.unit, entry.fix, entry.false_alarms, entry.source, entry.profiles))
    assert len(entry.description.splitlines()) > 2
    assert {rule.profile for rule in entry.profiles} <= {"speech", "conversation", "ambient", "music", "video"}


def test_a_file_with_two_checks_is_a_mistake():
    module = ModuleType("two")
    for name in ("First", "Second"):
        setattr(module, name, type(name, (AudioCheck,), {"__module__": "two", "name": name}))

    with pytest.raises(TypeError, match="2 checks"):
        checks.only_check(module)


def test_the_page_is_as_the_checks_are():
    """When this fails: python -m capture_validation.documentation."""
    written = Path(__file__).parents[2] / "docs" / "checks.md"

    assert document() == written.read_text(encoding="utf-8")
