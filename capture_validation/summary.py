"""Many recordings at once: which files a person means, and one line for each of them."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from capture_validation.report import Report
from capture_validation.spreadsheets import inert
from capture_validation.texts import language, told, told_rejection

#: What a folder is searched for; a file that is named is taken whatever its name.
SUFFIXES = frozenset((
    ".3gp", ".aac", ".aif", ".aiff", ".amr", ".avi", ".awb", ".caf", ".flac", ".m4a", ".m4v", ".mka", ".mkv", ".mov",
    ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm",
))  # fmt: skip
COLUMNS = ("file", "profile", "outcome", "check", "status", "value", "unit", "minimum", "maximum", "code", "first_at_s")


class Examined(Struct, frozen=True):
    """A file and its report."""

    file: Path
    report: Report


def recordings(named: Iterable[Path]) -> Iterator[Path]:
    """The files that are meant: those named, and in every folder, however deep, those that look like recordings."""
    for path in named:
        if path.is_dir():
            yield from (one for one in sorted(path.rglob("*")) if one.suffix.lower() in SUFFIXES and one.is_file())
        else:
            yield path


def table(examined: Sequence[Examined], locale: str) -> str:
    """One line for each file: its outcome and what to look at, worst first; then how many there are of each outcome."""
    labels = language(locale).picture
    rows = [(labels[one.report.outcome], one.file.name, "; ".join(_findings(one.report, locale))) for one in examined]
    widths = [max((len(row[column]) for row in rows), default=0) for column in range(2)]
    lines = [f"{outcome.ljust(widths[0])}  {name.ljust(widths[1])}  {found}".rstrip() for outcome, name, found in rows]
    counts: dict[str, int] = {}
    for outcome, _, _ in rows:
        counts[outcome] = counts.get(outcome, 0) + 1
    lines += ["", " · ".join(f"{outcome}: {count}" for outcome, count in counts.items())]
    return "\n".join(lines) + "\n"


def _findings(report: Report, locale: str) -> list[str]:
    if report.rejection is not None:
        return [told_rejection(report.rejection, locale).sentence]
    return [told(check, locale).title for check in report.checks if check.status not in {"passed", "not_applicable"}]


def as_csv(examined: Iterable[Examined]) -> str:
    """A row for every check of every file, for a spreadsheet; a refused file has one row with the reason for a code."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in examined:
        writer.writerows(_rows(one))
    return file.getvalue()


def _rows(one: Examined) -> Iterator[tuple[Any, ...]]:
    # Whoever sent a file has chosen its name.
    start = (inert(str(one.file)), one.report.profile, one.report.outcome)
    if one.report.rejection is not None:
        yield (*start, "", "", "", "", "", "", one.report.rejection.code, "")
    for check in one.report.checks:
        first = check.spans[0].start_s if check.spans else ""
        limit = (check.limit.minimum, check.limit.maximum)
        yield (*start, check.name, check.status, check.value, check.unit, *limit, check.code, first)


def as_json(examined: Sequence[Examined]) -> str:
    """A list of file, outcome and report."""
    found = [{"file": str(one.file), "outcome": one.report.outcome, "report": one.report} for one in examined]
    return msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n"
