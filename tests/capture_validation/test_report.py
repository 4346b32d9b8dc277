"""Verdicts and outcomes: the decision rule."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from capture_validation.check import AudioCheck, Measurement, Rule
from capture_validation.judge import judge
from capture_validation.report import CheckResult, Limit, Rejection, Report, most_important_first


class Thing(AudioCheck):
    name = "audio.thing"
    version = 3
    unit = "dB"
    uncertainty = 0.5


LIMIT = Limit(minimum=10, maximum=20, reject_minimum=5, reject_maximum=30)


def report(*checks: CheckResult, rejection: Rejection | None = None) -> Report:
    return Report("0", "speech", 1, None, rejection, checks)


def result(status: str, requirement: str = "required", name: str = "a", mendable: bool = True) -> CheckResult:
    return CheckResult(name, 1, status, requirement, "", "dB", mendable=mendable)


@pytest.mark.parametrize(("value", "status", "code"), [
    (15, "passed", "passed"),
    (10, "passed", "passed"),
    (20, "passed", "passed"),
    (20.1, "hint", "too-high"),
    (30, "hint", "too-high"),
    (30.5, "borderline", "too-high"),
    (30.6, "failed", "too-high"),
    (9.9, "hint", "too-low"),
    (4.5, "borderline", "too-low"),
    (4.4, "failed", "too-low"),
    (None, "not_applicable", "not-applicable"),
    (math.nan, "not_applicable", "not-applicable"),
])  # fmt: skip
def test_a_required_check_fails_only_beyond_its_reject_bound_and_its_own_error(value, status, code):
    verdict = judge(Thing, Rule(LIMIT, "required"), Measurement(value))

    assert (status, code) == (verdict.status, verdict.code)


def test_without_a_reject_bound_leaving_the_good_range_is_enough():
    verdict = judge(Thing, Rule(Limit(maximum=20), "required"), Measurement(21))

    assert "failed" == verdict.status


def test_a_check_names_a_better_cause_only_when_it_complains():
    assert "broken-cable" == judge(Thing, Rule(LIMIT), Measurement(99, code="broken-cable")).code
    assert "passed" == judge(Thing, Rule(LIMIT), Measurement(15, code="broken-cable")).code


@given(st.floats(-200, 200), st.lists(st.floats(-100, 100), min_size=4, max_size=4), st.sampled_from("r-R"))
def test_the_rule_holds_for_any_limits(value, numbers, missing):
    """An advisory check never does more than hint; a required one never fails inside its good range or error."""
    low, minimum, maximum, high = sorted(numbers)
    limit = Limit(
        minimum=minimum,
        maximum=maximum,
        reject_minimum=None if missing == "r" else low,
        reject_maximum=None if missing == "R" else high,
    )
    advisory = judge(Thing, Rule(limit, "advisory"), Measurement(value))
    required = judge(Thing, Rule(limit, "required"), Measurement(value))

    inside = minimum <= round(value, 6) <= maximum
    assert ("passed" if inside else "hint") == advisory.status
    assert inside == (required.status == "passed")
    deciding = (minimum if missing == "r" else low, maximum if missing == "R" else high)
    excess = max(deciding[0] - value, value - deciding[1])
    if excess > 0.500002:
        assert "failed" == required.status
    if excess < 0.499998:
        assert "failed" != required.status


statuses = st.sampled_from(["passed", "hint", "borderline", "failed", "not_applicable"])


@given(st.lists(st.tuples(statuses, st.booleans())))
def test_the_outcome_follows_the_decision_rule_in_its_order(verdicts):
    outcome = report(*(result(status, mendable=mendable) for status, mendable in verdicts)).outcome

    if ("failed", False) in verdicts:
        assert "rejected" == outcome
    elif ("failed", True) in verdicts:
        assert "needs_fix" == outcome
    elif any(status == "borderline" for status, _ in verdicts):
        assert "in_review" == outcome
    else:
        assert "passed" == outcome


def test_a_file_that_cannot_be_examined_is_rejected():
    assert "rejected" == report(rejection=Rejection("empty")).outcome


def test_what_matters_most_is_read_first():
    mixed = (
        result("passed"),
        result("hint", "advisory", "z"),
        result("hint", "required", "y"),
        result("not_applicable"),
        result("failed"),
        result("borderline"),
    )

    ordered = [(one.status, one.requirement) for one in most_important_first(mixed)]

    assert [
        ("failed", "required"),
        ("borderline", "required"),
        ("hint", "required"),
        ("hint", "advisory"),
        ("passed", "required"),
        ("not_applicable", "required"),
    ] == ordered
