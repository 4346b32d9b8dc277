"""The part of docs/checks.md on recordings that nobody had seen: docs/claim.json, by `benchmarks.accuracy.claiming`."""

import json
from pathlib import Path
from typing import Any

MEASURED = Path(__file__).parents[1] / "docs" / "claim.json"


def section() -> str:
    """The newest claim: what is complained of where nothing is wrong, and what is found where something is."""
    told = json.loads(MEASURED.read_text(encoding="utf-8"))
    kinds = "\n".join(
        f"| {kind} | {one['clean']} | {one['sources']} | {len(one['false_alarms'])} | {one['facts_alone']} |"
        for kind, one in told["kinds"].items()
    )
    alarms = "\n".join(
        f"| {clip} | {', '.join(name.removeprefix('audio.') for name in names)} |"
        for one in told["kinds"].values()
        for clip, names in one["false_alarms"]
    )
    return f"""{_claim(told)}
| Kind | Clean | Sources | False alarms | Of a fact alone |
|---|---|---|---|---|
{kinds}

| False alarm | Complaint |
|---|---|
{alarms or "| – | – |"}

{_rule()}
{_tried()}
"""


def _claim(told: dict[str, Any]) -> str:
    """How many clean clips are complained of."""
    kinds = told["kinds"].values()
    clean, alarms = sum(one["clean"] for one in kinds), sum(len(one["false_alarms"]) for one in kinds)
    sources, share = sum(one["sources"] for one in kinds), f"{100 * alarms / clean:.1f}"
    return f"""\
### Where nothing is wrong, measured last

**Of {clean} clean recordings of {sources} sources that nobody here had seen, {alarms} are complained of, {share} in a
hundred; the goal is 1.** What is a fact and not inferred (too quiet, too long a pause, a narrow band) is true by itself
and counted apart. Strangers put these recordings beside their own programs; each was measured once, as the file that it
came in, in one run, and the rule, the recordings and the versions were settled before it. Nothing was left out
afterwards.

Of voices alone it is one in a hundred: all three are of them. Seen afterwards: none of the three is true. In Voice 019
and Voice 026 somebody speaks at a pitch of about 370 Hz, as small children do, and the network hears a voice in a
quarter of a second of it. 139.m4a is ADTS of a quiet room, nearly all of whose bytes are printable, and was taken for a
text and refused; that is mended. Nothing else was changed by what the run showed, and no claim is made of fewer.
"""


def _rule() -> str:
    """Which clips are clean, by measures of SciPy alone."""
    return """\
What is clean was decided by `benchmarks/accuracy/clean.py` before any check was run on a clip, with none of the checks'
own measures: the voice's levels of 20 ms at P95 are 30 dB over P10, and in each of four bands in which it is heard 26
dB over P5; somebody may be speaking for a second and 30 % of the time; nothing below 100 Hz comes within 4 dB of the
loudest twentieth; the first and last 40 ms are 10 dB under it; the fastest twentieth of the falls would lose 60 dB in
0.285 s; no three rows of equal samples at the top; no three milliseconds above 7 kHz twelve times as high as what is
around them; no mains line of 20 dB; no offset of 0.003; no stretch of one and the same sample between sounds; 16 kHz
and more, and something above 4.6 kHz; no quieter than −42 dBFS. Of music and other sound only clipping counts. Besides,
pictures of the spectra were looked at for whether somebody speaks: synthetic voices, voices that a program had worked
on, and collections named elsewhere here were left out.

The rule of the claim before let through what it is there to keep out: of 54 clean clips with a mild defect added it
called clean, of that defect, 63 % with white noise, 24 % with pink noise, 19 % with thumps, 15 % with the echo, and all
with clicks, which it did not look for. Now it does so with 2, 4, 7, 4 and 15 % (mains 13, cut edges 4, no gate, gap or
other voices). By it four of the nine alarms of that claim were true: both of clicks, and
the echo of hen and pen (0.294 s).
"""


def _tried() -> str:
    """What did not help."""
    return """\
Tried on other clips and left. **Echo**: bands from 800 Hz up find 89 % of the mild echo where all bands find 59 % at no
false alarm of 227 (AUC .999 instead of .995), because the echo that is added is as long at the top as at the bottom; of
one that is shorter there, as in rooms of plaster and cloth, they find 58 and 54 %, so the bands stayed. The steepest
twentieth of the falls finds more (73 %), but is what decides here which clips are clean. More error for few falls: 4
instead of 3 ÷ √falls tells one instead of two of 227, and finds 74 instead of 83 %. **Noise**: a limit of 31 instead of
29 dB finds 96 instead of 88 % of white noise on the clips of the choice; a clean one of this claim has 29.8 dB.
**Thumps**: a lower limit alone (at 18 instead of 25.5 dB 68 % are found, and one clean clip of 171 is told), levels of
two grids half a step apart (the higher of both: 77 %, and as many told). **Cut starts**: a voice anywhere in the first
0.3 s (a door before a word is told), a vowel at the start alone (62 %), nobody asked for (92 %, and every noise at the
start); taken is 82 %. **Babble**, and noise with it: all heard lines instead of the lowest 70 % (AUC of babble .992, of
white noise .992), lines within 30 dB of the loudest (.991, .992) or 40 dB (.978, .995); taken are 35 dB (.987, .994),
which were .973 and .996 at 45 dB.

Not built yet. **High voices**: slowed down to three quarters the network hears a voice in 60 and 85 % of Voice 019 and
Voice 026 instead of 10 and 2 %, in more of six other clips of that speaker and in 3 and 5 % less of two, and in more
than a tenth of 9 instead of 11 of 96 pieces of music and other sound, most of them sung. It would have to listen twice.
"""
