"""A progress bar for a person at a terminal; whoever redirects standard error sees nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

WIDTH = 30


@contextmanager
def bar(words: str) -> Iterator[Callable[[float], None]]:
    """Show how far something is, by shares 0…1, and clear the line in the end."""
    shown = -1

    def draw(share: float) -> None:
        nonlocal shown
        percent = int(100 * share)
        if percent == shown or not sys.stderr.isatty():
            return
        shown = percent
        full = round(WIDTH * share)
        sys.stderr.write(f"\r\x1b[2K{words} {'█' * full}{'·' * (WIDTH - full)} {percent} %")
        sys.stderr.flush()

    try:
        yield draw
    finally:
        if shown >= 0:
            sys.stderr.write("\r\x1b[2K")
            sys.stderr.flush()
