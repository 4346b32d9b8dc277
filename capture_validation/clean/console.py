"""`companion clean`: make the copy of a recording that may leave this machine, without a server.

Exit code 0 when the copy is there and nothing of what was to be hidden can be found in it, 1 when it cannot be made so,
2 when the command itself cannot be carried out.
"""

from __future__ import annotations

import argparse
import fcntl
import glob
import os
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from capture_validation.clean.choices import Choices
from capture_validation.clean.clean import Cleaned, clean
from capture_validation.clean.edits import Edit
from capture_validation.errors import CaptureError, NotClean
from capture_validation.picture import clock
from capture_validation.progress import bar
from capture_validation.report import Span
from capture_validation.xray.console import said

KINDS = ("faces", "text")
#: How the name ends of a copy that is being made.
HALF = ".half"


def command(arguments: Sequence[str]) -> int:
    """Clean a file and tell the person at the terminal what was changed; gives the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    try:
        choices = chosen(options)
        with bar(options.file.name) as progress:
            done = write(options.file, options.out, choices, progress)
    except NotClean as trouble:
        sys.stderr.write(f"companion clean: {trouble}\n")
        return 1
    except (CaptureError, ValueError, OSError) as trouble:
        sys.stderr.write(f"companion clean: {said(trouble)}\n")
        return 2
    sys.stdout.write(spoken(done))
    return 0


def sweep(out: Path) -> None:
    """Remove what an earlier run for the same place left half done, because it was killed."""
    for half in out.parent.glob(f".{glob.escape(out.name)}.*{HALF}"):
        with half.open("rb") as left, suppress(BlockingIOError):
            fcntl.flock(left, fcntl.LOCK_EX | fcntl.LOCK_NB)
            half.unlink(missing_ok=True)


def write(file: Path, out: Path, choices: Choices, progress: object) -> Cleaned:
    """Make the rendition beside its place and move it there when it is whole. Raises what `clean` raises."""
    sweep(out)
    with tempfile.NamedTemporaryFile(dir=out.parent, prefix=f".{out.name}.", suffix=HALF, delete=False) as half:
        # As long as we live: a lock ends with whoever holds it, and so tells the next run what may go.
        fcntl.flock(half, fcntl.LOCK_EX)
        try:
            done = clean(file, half, choices, progress)  # type: ignore[arg-type]
            half.flush()
            os.fsync(half.fileno())
            Path(half.name).replace(out)
        except BaseException:
            # Also when it is interrupted: half a copy must not stay behind.
            Path(half.name).unlink(missing_ok=True)
            raise
    return done


def chosen(options: argparse.Namespace) -> Choices:
    """The choices that the options say. Raises ChoicesInvalid, ValueError for a kind or a stretch that is none."""
    ways = dict.fromkeys(KINDS, "keep")
    for way in ("blur", "box"):
        for kind in filter(None, getattr(options, way).split(",")):
            if kind not in KINDS:
                raise ValueError(f"{kind} cannot be hidden; {', '.join(KINDS)} can")
            ways[kind] = way
    return Choices(
        faces=ways["faces"],  # type: ignore[arg-type]
        text=ways["text"],  # type: ignore[arg-type]
        mute=tuple(map(stretch, options.mute)),
        drop=tuple(map(stretch, options.drop)),
        seen_agreed=options.seen_agreed,
        profile=options.profile,
    )


def stretch(words: str) -> Span:
    """A stretch as it is typed: 3.2-5.0, in seconds. Raises ValueError."""
    start, separator, end = words.partition("-")
    try:
        return Span(float(start), float(end))
    except ValueError:
        raise ValueError(f"{words} is no stretch; 3.2-5.0 is one{'' if separator else ', in seconds'}") from None


def spoken(done: Cleaned) -> str:
    """What was changed, line by line."""
    lines = [f"{done.media_type}, {clock(done.seconds)}; {clock(done.removed_s)} shorter than the original."]
    return "\n".join([*lines, *(f"  {line(edit)}" for edit in done.edits)]) + "\n"


def line(edit: Edit) -> str:
    """One edit: what, how, how many, and where."""
    where = ", ".join(f"{clock(span.start_s)}–{clock(span.end_s)}" for span in edit.spans)
    facts = "; ".join(part for part in (", ".join(edit.details), where) if part)
    return f"{edit.what} {edit.how}: {edit.count}" + (f" ({facts})" if facts else "")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="companion clean",
        description="Make the copy of a recording that may leave: encoded anew, without metadata, faces blurred.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording")
    parser.add_argument("--out", type=Path, metavar="F", required=True, help="where the copy goes")
    parser.add_argument("--blur", default="faces", metavar="KINDS", help="faces, text, or both (%(default)s)")
    parser.add_argument("--box", default="", metavar="KINDS", help="the same, under boxes of one colour")
    parser.add_argument(
        "--seen-agreed", action="store_true", help="declare that everybody who can be recognised agreed to be shown"
    )
    parser.add_argument("--mute", action="append", default=[], metavar="A-B", help="silence these seconds")
    parser.add_argument("--drop", action="append", default=[], metavar="A-B", help="take these seconds out")
    parser.add_argument("--profile", choices=("h264", "av1"), default="h264", help="how it is encoded (%(default)s)")
    return parser
