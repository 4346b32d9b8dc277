"""Writes docs/checks.md from the catalogue; run it as a module after a check has changed, a test fails until then."""

import sys
from pathlib import Path

from capture_validation.catalogue import Entry, catalogue
from capture_validation.report import Limit, Requirement

HEADER = """# Checks

What every recording is looked at for. This page is written by `python -m capture_validation.documentation` from the
files in `capture_validation/checks/`; do not edit it.

A value outside the good range is a *hint*. On a *required* check a value beyond the refused bound asks for another
take; within the measurement's own error a person decides.

An AUC under *Source* is that of the measure in the study it comes from, on 128 clips, unless it says otherwise. Limits
were tuned on the same clips and are not yet confirmed on others, so read these figures as optimistic.
"""


def document() -> str:
    """docs/checks.md, whole."""
    return "\n".join([HEADER, _overview(), *(_section(entry) for entry in catalogue())])


def _overview() -> str:
    lines = ["| Check | Measures | Unit | Profiles |", "|---|---|---|---|"]
    for one in catalogue():
        anchor = one.name.replace(".", "")
        profiles = ", ".join(rule.profile for rule in one.profiles)
        lines.append(f"| [`{one.name}`](#{anchor}) | {one.title} | {one.unit} | {profiles} |")
    return "\n".join(lines) + "\n"


def _section(one: Entry) -> str:
    rules = "\n".join(
        f"| {rule.profile} | {_good(rule.limit)} | {_refused(rule.limit, rule.requirement)} | {rule.requirement} |"
        for rule in one.profiles
    )
    return f"""## {one.name}

**{one.title}**, in {one.unit}. Version {one.version}. Own error: {one.uncertainty:g}.

{one.description}

| Profile | Good | Refused | |
|---|---|---|---|
{rules}

*What helps:* {one.fix}

*Known false alarms:* {one.false_alarms}

*Source:* {one.source}
"""


def _good(limit: Limit) -> str:
    if limit.minimum is None and limit.maximum is None:
        return "any"
    return " and ".join(
        f"{sign} {bound:g}" for sign, bound in (("≥", limit.minimum), ("≤", limit.maximum)) if bound is not None
    )


def _refused(limit: Limit, requirement: Requirement) -> str:
    if requirement != "required":
        return "–"
    low = limit.minimum if limit.reject_minimum is None else limit.reject_minimum
    high = limit.maximum if limit.reject_maximum is None else limit.reject_maximum
    return " or ".join(f"{sign} {bound:g}" for sign, bound in (("<", low), (">", high)) if bound is not None) or "–"


if __name__ == "__main__":
    target = Path(__file__).parents[1] / "docs" / "checks.md"
    target.write_text(document(), encoding="utf-8")
    sys.stdout.write(f"{target} written\n")
