"""`companion check` and `companion checks`: recordings on this machine, their reports in the terminal, and no server.

Exit code 0 when every recording is good (hints included), 1 when one needs another take, a person's eye or is refused,
2 when the command itself cannot be carried out.
"""

import argparse
import locale as environment
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from capture_validation.catalogue import Entry, catalogue
from capture_validation.errors import CaptureError
from capture_validation.picture import clock, draw
from capture_validation.profile import PUBLISHED
from capture_validation.report import CheckResult, Report, Tier
from capture_validation.summary import Examined, as_csv, as_json, recordings, table
from capture_validation.texts import LOCALES, good, language, negotiate, quantity, told, told_rejection
from capture_validation.validate import validate


def check(arguments: Sequence[str]) -> int:
    """Examine files and folders and tell the person at the terminal about them; gives the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    several = len(options.files) > 1 or options.files[0].is_dir()
    files = list(recordings(options.files))
    examined, unread = _examined(files, options.profile, options.tier)
    if options.picture:
        drawn = _drawn(examined, options.picture, several=several, locale=options.language, dark=options.dark)
        unread = unread or not drawn
    if options.csv:
        sys.stdout.write(as_csv(examined))
    elif several:
        sys.stdout.write(as_json(examined) if options.json else table(examined, options.language))
    elif examined:
        report = examined[0].report
        sys.stdout.write(_json(report) if options.json else spoken(report, options.language))
    if unread or not files:
        return 2
    return 0 if all(one.report.outcome == "passed" for one in examined) else 1


def _examined(files: Sequence[Path], profile: str | None, tier: Tier) -> tuple[list[Examined], bool]:
    """The reports on all files that could be read, and whether one could not."""
    examined, unread = [], False
    for number, file in enumerate(files, start=1):
        _progress(f"{number}/{len(files)} {file.name}" if len(files) > 1 else "")
        try:
            examined.append(Examined(file, validate(file, profile or guessed(file), tier=tier)))
        except (CaptureError, OSError) as trouble:
            unread = True
            _progress("")
            sys.stderr.write(f"companion check: {trouble}\n")
    _progress("")
    return examined, unread


def _drawn(examined: Sequence[Examined], picture: Path, *, several: bool, locale: str, dark: bool) -> bool:
    """Draw one report into a file, or several into a folder, each under its recording's name; whether that worked."""
    taken: set[str] = set()
    try:
        if several:
            picture.mkdir(parents=True, exist_ok=True)
        for one in examined:
            # Two folders may hold a recording of the same name.
            name = one.file.name if one.file.name not in taken else f"{len(taken) + 1}-{one.file.name}"
            taken.add(name)
            target = picture / f"{name}.png" if several else picture
            target.write_bytes(draw(one.report, locale, dark=dark))
    except OSError as trouble:
        sys.stderr.write(f"companion check: {trouble}\n")
        return False
    return True


def _progress(words: str) -> None:
    """Say on one line how far we are, to a person only; no words clear it."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\x1b[2K{words}")
        sys.stderr.flush()


def _json(report: Report) -> str:
    return msgspec.json.format(msgspec.json.encode(report), indent=2).decode() + "\n"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="companion check", description="Say what is good and wrong with recordings, worst first."
    )
    parser.add_argument("files", type=Path, nargs="+", metavar="FILE", help="recordings, or folders of them")
    parser.add_argument("--profile", choices=list(PUBLISHED), help="what kind of recordings they are meant to be")
    parser.add_argument(
        "--tier", choices=("full", "instant"), default="full", help="decode every picture, or some (%(default)s)"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print the report as JSON; of several files, a list")
    form.add_argument("--csv", action="store_true", help="print a row for every check of every file")
    parser.add_argument(
        "--picture",
        type=Path,
        metavar="OUT.png",
        help="also draw the report here; of several files, one picture each in a folder of this name",
    )
    parser.add_argument("--dark", action="store_true", help="draw on dark paper")
    parser.add_argument("--language", choices=LOCALES, default=own_language(), help="of the sentences (%(default)s)")
    return parser


def checks(arguments: Sequence[str]) -> int:
    """Print the catalogue: every check, its unit, and the good range in each profile that uses it."""
    parser = argparse.ArgumentParser(prog="companion checks", description="List what recordings are looked at for.")
    parser.add_argument("--json", action="store_true", help="print everything that is known about them as JSON")
    parser.add_argument("--profile", choices=list(PUBLISHED), help="only the checks of this profile")
    parser.add_argument("--language", choices=LOCALES, default=own_language(), help="of the titles (%(default)s)")
    options = parser.parse_args(arguments)
    entries = [
        entry
        for entry in catalogue(options.language)
        if options.profile is None or options.profile in {rule.profile for rule in entry.profiles}
    ]
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(entries), indent=2).decode() + "\n")
    else:
        sys.stdout.write("".join(listed(entry, options.profile, options.language) for entry in entries))
    return 0


def listed(entry: Entry, profile: str | None, locale: str) -> str:
    """A check in two lines: its name and title; then each profile with its good range, and ! where it is required."""
    unit = language(locale).units.get(entry.unit, entry.unit)
    rules = [
        f"{rule.profile}{'!' if rule.requirement == 'required' else ''} {good(rule.limit, locale) or '·'}"
        for rule in entry.profiles
        if profile in {None, rule.profile}
    ]
    return f"{entry.name.ljust(28)}{entry.title}{f' ({unit})' if unit else ''}\n{'':28}{', '.join(rules)}\n"


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


def _advice(result: CheckResult, locale: str) -> list[str]:
    if result.status in {"passed", "not_applicable"}:
        return []
    words = told(result, locale)
    places = ", ".join(f"{clock(span.start_s, locale)}–{clock(span.end_s, locale)}" for span in result.spans[:6])
    return [words.sentence + (f" ({places})" if places else ""), f"→ {words.fix}"]
