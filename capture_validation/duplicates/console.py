"""`companion duplicates PATH… [--json] [--picture FILE]`: compare recordings on a laptop, without a database."""

import argparse
import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from capture_validation.duplicates.comparison import Collection
from capture_validation.duplicates.evidence import Match
from capture_validation.duplicates.picture import alignment_picture, save_picture
from capture_validation.duplicates.printed import printed
from capture_validation.duplicates.recording import Fingerprints
from capture_validation.errors import Unreadable

BAR = 30


class Found(Struct, frozen=True):
    """One match between two files that were named on the command line."""

    new: str
    held: str
    match: Match


class Outcome(Struct, frozen=True):
    """Everything the command found: matches, files without enough content, and files that are no recordings."""

    matches: list[Found]
    not_enough_content: list[str]
    unreadable: dict[str, str]


def duplicates(argv: Sequence[str]) -> int:
    """Compare every file with those before it; give 0, or 2 when nothing could be read."""
    options = _parser().parse_args(argv)
    paths = list(files(options.paths))
    outcome, pair = compare_all(paths, quiet=options.json)
    if options.picture and pair:
        save_picture(options.picture, alignment_picture(*pair))
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n" if options.json else told(outcome))
    return 2 if len(outcome.unreadable) == len(paths) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="companion duplicates", description=duplicates.__doc__)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a recording, or a folder of them")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.add_argument("--picture", type=Path, metavar="FILE", help="draw the strongest pair as PNG")
    return parser


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """The files that were named, and those in the folders that were, in a fixed order."""
    for path in paths:
        yield from sorted(inside for inside in path.rglob("*") if inside.is_file()) if path.is_dir() else [path]


Pair = tuple[Fingerprints, Fingerprints, tuple[str, str], Match]


def compare_all(paths: Sequence[Path], *, quiet: bool = False) -> tuple[Outcome, Pair | None]:
    """Compare files with those before them; also give the pair that was perceived most strongly, for its picture."""
    collection, outcome = Collection(), Outcome([], [], {})
    held: list[tuple[str, Fingerprints]] = []
    pair: Pair | None = None
    for number, path in enumerate(paths):
        progress(number, len(paths), path.name, quiet=quiet)
        try:
            sha256, prints = read(path)
        except (Unreadable, OSError) as reason:
            outcome.unreadable[str(path)] = str(reason)
            continue
        if not prints.enough:
            outcome.not_enough_content.append(str(path))
        for match in collection.match(sha256, prints):
            name, other = held[match.recording]
            outcome.matches.append(Found(str(path), name, match))
            if pair is None or match.strength / match.threshold > pair[3].strength / pair[3].threshold:
                pair = prints, other, (path.name, Path(name).name), match
        collection.add(sha256, prints)
        held.append((str(path), prints))
    progress(len(paths), len(paths), "", quiet=quiet)
    return outcome, pair


def read(path: Path) -> tuple[str, Fingerprints]:
    """The hash of a file, and its fingerprints from the sandbox: a stranger's file is decoded nowhere else."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return sha256, printed(file.fileno())


def progress(done: int, total: int, name: str, *, quiet: bool = False) -> None:
    """Draw how far a long command is, in place, where a person watches."""
    if quiet or not sys.stderr.isatty():
        return
    bar = "#" * (BAR * done // max(total, 1))
    sys.stderr.write(f"\r[{bar:<{BAR}}] {done}/{total} {name[:40]:<40}" + ("\n" if done == total else ""))


WORDS = {
    "duplicate": "is the same recording as",
    "alike": "may be the same recording as",
    "not-enough-content": "shows the same still place as",
    "different": "differs from",
}


def told(outcome: Outcome) -> str:
    """The outcome in sentences, one paragraph per match."""
    lines = [_sentence(found) for found in outcome.matches]
    lines += [f"{path} has not enough content to compare." for path in outcome.not_enough_content]
    lines += [f"{path} cannot be read: {reason}." for path, reason in outcome.unreadable.items()]
    return "\n".join(lines or ["Nothing in common."]) + "\n"


def _sentence(found: Found) -> str:
    match, change = found.match, found.match.transformation
    first = f"{found.new} {WORDS[match.verdict]} {found.held}"
    if match.kind in {"file", "content"}:
        return f"{first}: {'byte for byte' if match.kind == 'file' else 'only the wrapper differs'}."
    spans = ", ".join(
        f"{clock(span.new.start_s)}–{clock(span.new.end_s)} = {clock(span.held.start_s)}–{clock(span.held.end_s)}"
        for span in match.spans
    )
    facts = [f"{match.kind} {spans}", f"evidence {match.strength:g} of {match.threshold:g} needed"]
    facts += [f"{change.speed:g} times as fast"] if abs(change.speed - 1) > 0.004 else []
    facts += [f"pitch × {change.pitch:g}"] if abs(change.pitch - 1) > 0.004 else []
    facts += ["mirrored"] if change.mirrored else []
    facts += [f"shows {change.shown:.0%} of the picture"] if change.shown < 0.97 else []
    return f"{first}: {', '.join(facts)}."


def clock(seconds: float) -> str:
    """Minutes and seconds, as a player shows them."""
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"
