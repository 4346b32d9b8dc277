"""The decision rule, over everything it depends on."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.decision import Likeness, decide
from capture_validation.report import CheckResult, MediaFacts, Rejection, Report, Status
from storage.validations import Situation

LONGEST_MS = 60_000
situations = st.builds(Situation, st.booleans(), st.booleans(), st.booleans(), st.booleans())
statuses: st.SearchStrategy[Status] = st.sampled_from(["passed", "hint", "borderline", "failed", "not_applicable"])
checks = st.lists(st.tuples(statuses, st.booleans()), max_size=5)


def report(*found: tuple[Status, bool], duration_s: float = 10, rejection: Rejection | None = None) -> Report:
    """A report with these verdicts, each with whether another take could mend it."""
    results = tuple(
        CheckResult(f"audio.check_{number}", 1, status, "required", status, "s", mendable=mendable)
        for number, (status, mendable) in enumerate(found)
    )
    media = None if rejection else MediaFacts("wav", "audio/wav", 1000, duration_s)
    return Report("0", "speech", 1, media, rejection, results)


def situation(
    *, consented: bool = True, review_always: bool = False, held_by_another: bool = False, quota_left: bool = True
) -> Situation:
    """The usual case, but for what is said."""
    return Situation(consented, review_always, held_by_another, quota_left)


@given(checks=checks, now=situations)
def test_nothing_is_accepted_without_consent_or_beyond_a_failure(
    checks: list[tuple[Status, bool]], now: Situation
) -> None:
    """Whatever else holds: accepted means consent, no failure, nobody else's bytes, room in the quota."""
    decision = decide(report(*checks), now, longest_ms=LONGEST_MS)

    if decision.to == "accepted":
        assert now.consented
        assert not now.held_by_another
        assert not now.review_always
        assert now.quota_left
        assert not {"failed", "borderline"} & {status for status, _ in checks}


@given(checks=checks, now=situations)
def test_every_combination_has_exactly_the_states_of_a_decision(
    checks: list[tuple[Status, bool]], now: Situation
) -> None:
    """The job can always conclude: the database allows each of these moves from `validating`."""
    states = {"rejected", "needs_fix", "in_review", "needs_consent", "accepted"}

    assert decide(report(*checks), now, longest_ms=LONGEST_MS).to in states


@pytest.mark.parametrize(
    ("found", "now", "expected"),
    [
        (report(rejection=Rejection("truncated")), situation(held_by_another=True), ("rejected", "unreadable")),
        (report(duration_s=61), situation(), ("rejected", "too-long")),
        (report(("failed", False), ("failed", True)), situation(), ("rejected", "cannot-be-mended")),
        (report(("failed", True), ("borderline", True)), situation(), ("needs_fix", "another-take")),
        (report(("borderline", True)), situation(), ("in_review", "borderline")),
        (report(), situation(held_by_another=True, consented=False), ("in_review", "second-look")),
        (report(), situation(quota_left=False), ("in_review", "quota-reached")),
        (report(), situation(review_always=True), ("in_review", "campaign-review")),
        (report(), situation(review_always=True, consented=False), ("needs_consent", "consent-missing")),
        (report(("hint", True)), situation(consented=False), ("needs_consent", "consent-missing")),
        (report(("hint", True)), situation(), ("accepted", "passed")),
    ],
)
def test_the_first_question_that_applies_decides(found: Report, now: Situation, expected: tuple[str, str]) -> None:
    """The order is the published one."""
    decision = decide(found, now, longest_ms=LONGEST_MS)

    assert expected == (decision.to, decision.because)


@pytest.mark.parametrize(
    ("alike", "expected"),
    [
        (Likeness(already_sent=True, of_another=True), ("needs_fix", "already-sent")),
        (Likeness(of_another=True, of_public_work=True), ("in_review", "second-look")),
        (Likeness(of_public_work=True), ("in_review", "public-material")),
        (Likeness(same_event=True), ("in_review", "same-event")),
        (Likeness(doubtful=True), ("in_review", "much-alike")),
        (Likeness(not_enough=True), ("in_review", "not-enough-content")),
        (Likeness(), ("accepted", "passed")),
    ],
)
def test_what_it_shares_with_others_comes_after_what_is_wrong_with_it(
    alike: Likeness, expected: tuple[str, str]
) -> None:
    """Only an own copy is sent back without a person; whatever is wrong with the take itself is said first."""
    decision = decide(report(), situation(), longest_ms=LONGEST_MS, likeness=alike)
    spoiled = decide(report(("failed", True)), situation(), longest_ms=LONGEST_MS, likeness=alike)

    assert expected == (decision.to, decision.because)
    assert "another-take" == spoiled.because


def test_the_reason_of_a_second_look_is_not_told_apart_by_consent() -> None:
    """A contributor cannot find out by trying what somebody else sent."""
    reasons = {
        decide(
            report(), situation(held_by_another=True, consented=consented, review_always=always), longest_ms=LONGEST_MS
        )
        for consented, always in product((True, False), repeat=2)
    }

    assert 1 == len(reasons)
