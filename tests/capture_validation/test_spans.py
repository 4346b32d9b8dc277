"""Spans: near findings are one, and there are never too many."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from capture_validation.report import Span
from capture_validation.spans import MOST, Spans


def test_near_findings_become_one_span():
    spans = Spans(gap_s=0.25)
    spans.extend([(0.0, 0.1), (0.3, 0.4), (1.0, 1.5), (1.2, 1.3)])

    assert (Span(0.0, 0.4), Span(1.0, 1.5)) == spans.spans()


def test_what_turns_out_not_to_count_is_forgotten():
    spans = Spans()
    spans.add(0.0, 1.0)
    spans.clear()

    assert () == spans.spans()


@given(st.lists(st.tuples(st.floats(0, 3600), st.floats(0, 5))))
def test_every_finding_lies_in_one_of_a_few_spans_in_time_order(findings):
    found = sorted((start, start + length) for start, length in findings)
    spans = Spans()
    spans.extend(found)

    kept = spans.spans()
    assert len(kept) <= MOST
    assert all(before.end_s < after.start_s for before, after in pairwise(kept))
    for start, end in found:
        assert any(span.start_s - 0.001 <= start and end <= span.end_s + 0.001 for span in kept)
