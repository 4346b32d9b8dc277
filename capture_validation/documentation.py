"""Writes docs/checks.md from the catalogue; run it as a module after a check has changed, a test fails until then.

How well the checks on sound tell good from bad is measured by `benchmarks.accuracy`, which writes docs/accuracy.json.
"""

import json
import sys
from pathlib import Path
from typing import Any

from capture_validation import documented_claim, documented_pictures, documented_sound
from capture_validation.catalogue import Entry, catalogue
from capture_validation.report import Limit, Requirement

HEADER = """# Checks

What every recording is looked at for. This page is written by `python -m capture_validation.documentation` from the
files in `capture_validation/checks/`; do not edit it.

A value outside the good range is a *hint*. On a *required* check a value beyond the refused bound asks for another
take; within the measurement's own error a person decides.

An AUC under *Source* is that of the measure in the study it comes from, on 128 clips, unless it says otherwise. Limits
were tuned on those clips; the section [Accuracy of the checks on sound](#accuracy-of-the-checks-on-sound) at the end
says what they do on others.

## Not checked

No honest method is known to us for what follows, so no check claims it. A campaign that asks for one of them hears that
there is no such check.

- **A second voice, or music under a voice.** What tells speech from other sound does not tell one speaker from two.
- **Changed tempo or pitch.** The best measure tried separates it with an AUC of .75 to .88.
- **Gain that pumps.** Loudness range and short-term measures do not see it, nor does DNSMOS.
- **What a file was encoded with before**, for AAC and Opus. `audio.mp3_history` shows what MP3 left, and
  `audio.spectral_edge` that and the mark of resampling, as facts; both complain only where a campaign sets a limit.
  `audio.bandwidth` tells what of it matters.
- **That the words are those of the prompt.** `audio.speaking_rate` only says whether there is time for them.
"""

MEASURED = Path(__file__).parents[1] / "docs" / "accuracy.json"


def document() -> str:
    """docs/checks.md, whole."""
    measured = json.loads(MEASURED.read_text(encoding="utf-8"))
    sections = [_section(entry) for entry in catalogue()]
    return "\n".join([HEADER, _overview(), *sections, documented_sound.section(measured["halves"]),
                      documented_claim.section(),
                      documented_pictures.section(),
                      _recordings(measured["media"])])  # fmt: skip


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


def _recordings(told: list[dict[str, Any]]) -> str:
    """What is said of every recording in the folder of test media."""
    rows = "\n".join(
        f"| {one['file']} | {one['profile']} | {one['outcome']} | {', '.join(one['complaints']) or '–'} |"
        for one in told
    )
    return f"""## Every test recording

| Recording | Profile | Outcome | Hints and failures |
|---|---|---|---|
{rows}
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
