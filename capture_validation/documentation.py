"""Writes docs/checks.md from the catalogue; run it as a module after a check has changed, a test fails until then.

How well the checks on sound tell good from bad is measured by `benchmarks.accuracy`, which writes docs/accuracy.json.
"""

import json
import sys
from pathlib import Path
from typing import Any

from capture_validation import documented_pictures
from capture_validation.catalogue import Entry, catalogue
from capture_validation.report import Limit, Requirement

HEADER = """# Checks

What every recording is looked at for. This page is written by `python -m capture_validation.documentation` from the
files in `capture_validation/checks/`; do not edit it.

A value outside the good range is a *hint*. On a *required* check a value beyond the refused bound asks for another
take; within the measurement's own error a person decides.

An AUC under *Source* is that of the measure in the study it comes from, on 128 clips, unless it says otherwise. Limits
were tuned on those clips; the section Accuracy at the end says what they do on others.

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
    return "\n".join([HEADER, _overview(), *sections, _accuracy(measured["halves"]), documented_pictures.section(),
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


def _accuracy(halves: dict[str, Any]) -> str:
    """What the checks on sound do on clips that no limit was chosen by, and on those that may be used for that."""
    reported = halves["reported"]
    clean = "\n".join(
        _kind(half, kind, found) for half, part in halves.items() for kind, found in part["clean"].items()
    )
    rows = "\n".join(_defect(row) for row in reported["defects"])
    complained = "\n".join(
        f"| {kind} | {_tally(found['by_check'])} | {_tally(found['false_alarms_by_check'])} |"
        for kind, found in reported["clean"].items()
    )
    return f"""## Accuracy

{_dealt(halves)}
| Half | Kind | Clips | Sources | Sent back or to a person | Clean | Of these sent back | False alarms |
|---|---|---|---|---|---|---|---|
{clean}

Complaints on the reported half, all clips and the clean ones, by check:

| Kind | All clips | Clean clips |
|---|---|---|
{complained}

{_rate(reported)}

| Clip of the reported half | Complaints | What another measure finds |
|---|---|---|
{_left_out(reported)}

Defects done to clips of the reported half ({_tally(reported["spoilt"])}). *AUC* is the chance
that a spoilt clip measures worse than a clean one, *found* the share of spoilt clips beyond the limit, *clean* the
share of unspoilt clips beyond it; where a defect leaves nobody to be heard, `audio.speech` counts as having found it.
*No limit*: `audio.mp3_history` and `audio.spectral_edge` are facts that a campaign may set a limit for. Their rows are
of clips in files without loss that reach the top by another measure (above 16 kHz at most 20 dB under 8 to 12 kHz), all
of them spoilt ({_marked(reported["defects"])}): the others were encoded before, and have the mark already. Some of
these were an MP3, too, whatever they are called.

| Defect | Check | Mild | AUC | found | Strong | AUC | found | clean |
|---|---|---|---|---|---|---|---|---|
{rows}
"""


def _rate(part: dict[str, Any]) -> str:
    """How many clean clips are complained of, and which."""
    kinds = part["clean"].values()
    alarms, clean = (sum(found[name] for found in kinds) for name in ("false_alarms", "clean"))
    confirmed = {clip: why for found in kinds for clip, why in found["confirmed"].items()}
    seen = "; ".join(f"{', '.join(clips)}: {why}" for why, clips in _by_reason(confirmed).items())
    left, of = alarms - len(confirmed), clean - len(confirmed)
    return f"""\
False alarms of the reported half: **{alarms} of {clean} clean clips, {_percent(alarms, clean)} in a hundred**:
{_alarms(part)}.
Looked at afterwards, {len(confirmed)} of them have what is said ({seen}), which leaves {left} of {of},
{_percent(left, of)} in a hundred; the goal is 1. The following were complained of, too, and are not counted, because a
measure that the check does not use finds a fault in them. Who does not believe these measures adds them."""


def _by_reason(confirmed: dict[str, str]) -> dict[str, list[str]]:
    """The clips that one and the same was seen of."""
    reasons: dict[str, list[str]] = {}
    for clip, why in confirmed.items():
        reasons.setdefault(why, []).append(clip)
    return reasons


def _percent(some: int, every: int) -> str:
    return f"{100 * some / max(every, 1):.1f}"


def _marked(rows: list[dict[str, Any]]) -> str:
    """How many clips were encoded to be told from those that were not."""
    return next((f"{row['mild']['spoilt']} clips" for row in rows if row["mild"]["found"] is None), "none")


def _dealt(halves: dict[str, Any]) -> str:
    """Which clips there are, and which of them are clean ones."""
    return f"""\
Measured by `python -m benchmarks.accuracy` on public clips of 2 to 60 s, dealt into halves by their source: a speaker,
a game, an author of sounds. Limits and measures were moved by looking at the half *chosen*: the test media; clips from
the Debian packages asterisk-core-sounds-*-g722, ktuberling-data, tuxpaint-stamps-default, fillets-ng-data, -cs and -nl,
unknown-horizons, lincity-ng-data, pathological, singularity-music, hyperrogue-music, asc-music and lomiri-sounds; and
public repositories that `benchmarks/accuracy/repositories.tsv` names: read speech of LibriSpeech, Common Voice, VCTK
and others, commands spoken to phones and computers, talks, conversations, rain and streets, music, wake words that
volunteers spoke at home, acted speech, notes of instruments. Of these 338 clean clips had been reported before, with 8
false alarms, and 385 others, with 18; both were looked at since. *Reported* is three quarters of the sources that the
last column there calls new: sentences that a tablet was shown in the Congo, talk shows in Urdu, Tamil sentences, digits
in Bengali from a telephone, commands in fifteen languages, voices to be cloned, babies that their parents' telephones
heard crying, the street, an orchestra's instruments one by one, songs. Nobody here had measured, seen or heard any of
them before the one run that this section is from; the rules by which a clip counts as clean are older than that. It
was measured once. Changed since, for a reason found in the other half, and measured anew, was what
`audio.signal_to_noise` makes of recordings of which a little is exact silence: no complaint came or went by it. What a
room, a crowd or a maker has in common went to one half together. What is longer than a minute of a conversation was cut
into pieces of 30 s.

Nobody has listened to all of them, and some have a fault that is measured and not inferred: one speaker's right channel
is dead, another's peaks are far above full scale. Such a clip is no clean one. *Clean* counts those that no such check
complains about (file format, bandwidth, length, offset, loudness, peaks, channels against each other, silence), and in
which no other measure than the check's finds a fault (`benchmarks/accuracy/published.py` and `edges.py`, applied to
every clip, complained of or not):

| Fault | Found by | chosen | reported |
|---|---|---|---|
{_faults(halves)}

An echo that three quarters of a source's clips have is one of its room, and all its clips count as having it. Clips
with a fault do not count in the row of its check below, either. Snoring and laughter among the clips of speech were
left out by name. A *false alarm* is a clean clip with any hint or failure at all, by any check. What comes in several
containers or at several rates is one take and counts once. docs/accuracy.json names the clips.
"""


#: By what else than the check a fault of a published clip is found.
OTHERWISE = {
    "audio.reverberation": "decay after the last word, T20 of ISO 3382-2, of at least 0.5 s",
    "audio.bandwidth": "all above 4.6 kHz is 45 dB under the whole",
    "audio.hum": "mains stand 20 dB out of the spectrum of the whole clip, with a multiple, or louder than −45 dBFS",
    "audio.handling": "a moment below 100 Hz is 3 dB louder than the loudest twentieth of the voice: a pop or a knock",
    "audio.wind": "0.1 s below 100 Hz within 6 dB of the loudest twentieth of the voice, 8 dB over all else",
    "audio.signal_to_noise": "levels of 20 ms of the voice: P95 less than 20 dB over P10",
    "audio.noise_gate": "twice 40 ms of one and the same sample, between sounds",
    "audio.cut_start": "the first 20 ms within 10 dB of the loudest twentieth",
    "audio.cut_end": "the last 20 ms within 10 dB of the loudest twentieth",
    "audio.clipping": "rows of four equal samples at the top, three times",
    "audio.flat_top": "the eye, in a drawing of the waveform",
    "audio.clicks": "the eye, in a drawing of the waveform",
}


def _faults(halves: dict[str, Any]) -> str:
    """How many clips of each half came with which fault."""
    return "\n".join(
        f"| `{check}` | {found_by} | {' | '.join(str(_published(part, check)) for part in halves.values())} |"
        for check, found_by in OTHERWISE.items()
    )


def _published(part: dict[str, Any], check: str) -> int:
    """How many clips of a half came with the fault that a check looks for."""
    return sum(found["faults"].get(check, 0) for found in part["clean"].values())


def _left_out(part: dict[str, Any]) -> str:
    """The clips that were complained of and do not count as clean, because another measure finds a fault, too."""
    return "\n".join(
        f"| {clip} | {_names(complaints)} | {_names(faults)} |"
        for found in part["clean"].values()
        for clip, (complaints, faults) in found["left_out"].items()
    )


def _alarms(part: dict[str, Any]) -> str:
    """The false alarms, by clip."""
    alarms = [
        f"{clip} ({_names(names)})"
        for found in part["clean"].values()
        for clip, names in found["false_alarms_by_clip"].items()
    ]
    return "; ".join(alarms) or "none"


def _names(checks: list[str]) -> str:
    return ", ".join(name.removeprefix("audio.") for name in checks)


def _kind(half: str, kind: str, found: dict[str, Any]) -> str:
    parts = ("clips", "sources", "not_passed", "clean", "clean_not_passed", "false_alarms")
    return f"| {half} | {kind} | " + " | ".join(str(found[part]) for part in parts) + " |"


def _tally(counts: dict[str, int]) -> str:
    return ", ".join(f"{name.removeprefix('audio.')} {count}" for name, count in counts.items()) or "–"


def _defect(row: dict[str, Any]) -> str:
    strengths = [
        f"{part['strength']:g} {row['unit']} | {part['auc'] or 0:.2f} | {_share(part['found'])}"
        for part in (row["mild"], row["strong"])
    ]
    if row["mild"]["found"] is None:
        return f"| {row['defect']} | `{row['check']}` | {' | '.join(strengths)} | no limit |"
    alarms = sum(count for count, _ in row["false_alarms"].values())
    clips = sum(clips for _, clips in row["false_alarms"].values())
    return f"| {row['defect']} | `{row['check']}` | {' | '.join(strengths)} | {alarms} of {clips} |"


def _share(found: float | None) -> str:
    """The share of spoilt clips that is found; a fact without a limit finds none."""
    return "–" if found is None else f"{found:.0%}"


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
