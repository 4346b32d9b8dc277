"""`companion xray`: what a recording tells about people and places, in the terminal and without a server.

Exit code 0 when nothing was found, 1 when something was, 2 when the file cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from capture_validation.errors import CaptureError, Unreadable
from capture_validation.picture import clock
from capture_validation.progress import bar
from capture_validation.report import Rejection
from capture_validation.texts import told_rejection
from capture_validation.xray.findings import Sighting, Xray
from capture_validation.xray.picture import draw
from capture_validation.xray.words import CHECKED, TRACES, VERDICTS
from capture_validation.xray.xray import xray


def command(arguments: Sequence[str]) -> int:
    """X-ray a file and tell the person at the terminal about it; gives the exit code."""
    options = _parser().parse_args(arguments)
    try:
        with bar(options.file.name) as progress:
            found = xray(options.file, progress=progress)
    except (CaptureError, OSError) as trouble:
        sys.stderr.write(f"companion xray: {said(trouble)}\n")
        return 2
    if options.picture:
        options.picture.write_bytes(draw(found, dark=options.dark))
    if options.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found), indent=2).decode() + "\n")
    else:
        sys.stdout.write(spoken(found))
    return 1 if found.traces or any(sighting.verdict == "found" for sighting in found.sightings) else 0


def said(trouble: Exception) -> str:
    """Why a file cannot be read, in a sentence."""
    if isinstance(trouble, Unreadable):
        return told_rejection(Rejection(trouble.code, trouble.parameters), "en").sentence
    return str(trouble)


def spoken(found: Xray) -> str:
    """The X-ray as text: what the file tells by itself, then what is seen and heard."""
    kinds = {kind: [trace.where for trace in found.traces if trace.kind == kind] for kind in TRACES}
    lines = [f"{TRACES[kind]}: {', '.join(places)}" for kind, places in kinds.items() if places]
    lines = lines or ["The file itself tells nothing."]
    lines += [line for sighting in found.sightings for line in seen(sighting)]
    return "\n".join(lines) + "\n"


def seen(sighting: Sighting) -> list[str]:
    """What was looked for, in one line, and where it is in another."""
    verdict = VERDICTS[sighting.verdict]
    if sighting.verdict == "not_checked":
        return [f"{CHECKED[sighting.kind]}: {verdict} ({sighting.by})"]
    first = f"{CHECKED[sighting.kind]}: {verdict} in {sighting.looked_at} looks ({sighting.by})"
    if sighting.verdict == "nothing_found":
        return [first]
    places = ", ".join(f"{clock(span.start_s)}–{clock(span.end_s)}" for span in sighting.spans)
    return [first, f"    at most {sighting.most_at_once} at once: {places}"]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="companion xray", description="Say what a recording tells about people and places."
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="a recording")
    parser.add_argument("--json", action="store_true", help="print everything that was found as JSON")
    parser.add_argument("--picture", type=Path, metavar="OUT.png", help="also draw when and where into this file")
    parser.add_argument("--dark", action="store_true", help="draw on dark paper")
    return parser
