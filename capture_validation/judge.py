"""Judging: a measurement and a rule give a verdict, and nothing else has a say.

Kept apart from measuring, so that a campaign can move a limit and a stored measurement can be judged again.
"""

import math

from capture_validation.check import Check, Measurement, Rule
from capture_validation.report import CheckResult, Status


def judge(check: type[Check], rule: Rule, measurement: Measurement) -> CheckResult:
    """Turn a measurement into a verdict by the decision rule.

    Within the good range: passed. Beyond the deciding bound (the reject bound of that side, or the good bound where
    there is none): failed when required, but borderline as long as the measurement's own error could explain it.
    Everything else outside the good range is a hint.
    """
    value = measurement.value
    status: Status
    if value is None or not math.isfinite(value):
        value, status, code = None, "not_applicable", "not-applicable"
    else:
        value = round(value, 6)
        status, code = _status(check, rule, value), direction(rule, value)
        if status != "passed" and measurement.code:
            code = measurement.code
    good = status in {"passed", "not_applicable"}
    return CheckResult(
        name=check.name,
        version=check.version,
        status=status,
        requirement=rule.requirement,
        code=code,
        unit=check.unit,
        value=value,
        limit=rule.limit,
        spans=() if good else measurement.spans,
        parameters=measurement.parameters,
        mendable=check.mendable,
    )


def direction(rule: Rule, value: float) -> str:
    """`passed`, or the side on which a value leaves the good range."""
    if rule.limit.maximum is not None and value > rule.limit.maximum:
        return "too-high"
    if rule.limit.minimum is not None and value < rule.limit.minimum:
        return "too-low"
    return "passed"


def _status(check: type[Check], rule: Rule, value: float) -> Status:
    side = direction(rule, value)
    if side == "passed":
        return "passed"
    excess = _excess(rule, value, side)
    if rule.requirement != "required" or excess <= 0:
        return "hint"
    return "borderline" if excess <= check.uncertainty else "failed"


def _excess(rule: Rule, value: float, side: str) -> float:
    """How far a value lies beyond the bound that decides on its side; negative before it."""
    limit = rule.limit
    if side == "too-high":
        bound = limit.maximum if limit.reject_maximum is None else limit.reject_maximum
        return value - (bound if bound is not None else math.inf)
    bound = limit.minimum if limit.reject_minimum is None else limit.reject_minimum
    return (bound if bound is not None else -math.inf) - value
