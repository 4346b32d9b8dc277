"""`companion check`: a recording on this machine, its report in the terminal, and no server anywhere.

Exit code 0 when the recording is good (hints included), 1 when it needs another take, a person's eye or is refused,
2 when the command itself cannot be carried out.
"""

import argparse
import locale as environment
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from capture_validation.errors import CaptureError
from capture_validation.picture import clock, draw
from capture_validation.profile import PUBLISHED
from capture_validation.report import CheckResult, Limit, Report
from capture_validation.texts import LOCALES, language, negotiate, quantity, told, told_rejection
from capture_validation.validate import validate


def check(arguments: Sequence[str]) -> int:
    """Examine one file and tell the person at the terminal about it; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        report = validate(options.file, options.profile or guessed(options.file))
    except (CaptureError, OSError) as trouble:
        sys.stderr.write(f"companion check: {trouble}\n")
        return 2
    if options.picture:
        options.picture.write_bytes(draw(report, options.language))
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n")
    else:
        sys.stdout.write(spoken(report, options.language))
    return 0 if report.outcome == "passed" else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="companion check", description="Say what is good and wrong with a recording, worst first."
    )
    parser.add_argument("file", type=Path, help="the recording")
    parser.add_argument("--profile", choices=list(PUBLISHED), help="what kind of recording it is meant to be")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="also draw the report into this file")
    parser.add_argument("--language", choices=LOCALES, default=own_language(), help="of the sentences (%(default)s)")
    return parser


def own_language() -> str:
    """The language this terminal is set to, where we speak it."""
    name, _ = environment.getlocale()
    return negotiate((name or "").replace("_", "-"))


def guessed(file: Path) -> str:
    """The profile for a file nobody named one for: pictures by what the file is, else speech.

    Only the header is read, and only by our own parser. An unreadable file gets its reason from the examination.
    """
    from capture_validation.containers import recognise
    from capture_validation.errors import Unreadable

    try:
        with file.open("rb") as opened:
            return "video" if recognise(opened).kind == "video" else "speech"
    except Unreadable:
        return "speech"


def spoken(report: Report, locale: str) -> str:
    """The report as text: the outcome, a table with what is worst first, and what to do about it."""
    lines = [language(locale).outcomes[report.outcome]]
    if report.rejection is not None:
        refusal = told_rejection(report.rejection, locale)
        return "\n".join([*lines, "", refusal.sentence, f"→ {refusal.fix}", ""])
    lines += [_facts(report, locale), ""]
    rows = [_row(result, locale) for result in report.checks]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(4)]
    for row, result in zip(rows, report.checks, strict=True):
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
        lines += [f"    {advice}" for advice in _advice(result, locale)]
    return "\n".join(lines) + "\n"


def _facts(report: Report, locale: str) -> str:
    media = report.media
    if media is None:
        return report.profile
    facts = [report.profile, media.media_type, clock(media.duration_s, locale)]
    if media.video is not None:
        facts.append(f"{media.video.codec} {media.video.width}×{media.video.height}")
    if media.audio is not None:
        facts.append(f"{media.audio.codec} {media.audio.sample_rate_hz} Hz {media.audio.channels} ch")
    return " · ".join(facts)


def _row(result: CheckResult, locale: str) -> tuple[str, str, str, str]:
    unit = language(locale).units.get(result.unit, result.unit)
    value = "–" if result.value is None else f"{quantity(result.value, locale)} {unit}".strip()
    return language(locale).statuses[result.status], told(result, locale).title, value, good(result.limit, locale)


def good(limit: Limit, locale: str) -> str:
    """The good range in a few characters: ≥ 1, ≤ 5, -40…-9."""
    low, high = limit.minimum, limit.maximum
    if low is not None and high is not None:
        return f"{quantity(low, locale)}…{quantity(high, locale)}"
    if low is not None:
        return f"≥ {quantity(low, locale)}"
    return "" if high is None else f"≤ {quantity(high, locale)}"


def _advice(result: CheckResult, locale: str) -> list[str]:
    if result.status in {"passed", "not_applicable"}:
        return []
    words = told(result, locale)
    places = ", ".join(f"{clock(span.start_s, locale)}–{clock(span.end_s, locale)}" for span in result.spans[:6])
    return [words.sentence + (f" ({places})" if places else ""), f"→ {words.fix}"]
