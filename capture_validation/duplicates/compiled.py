"""Compiled loops: what they are compiled with, and from when on a process uses them.

Most recordings that an index is asked for last seconds, and a call of NumPy takes microseconds whatever it works on, so
hundreds of calls cost more than the work. Loops that Numba compiles do the same without them (Lam, Pitrou and Seibert,
"Numba: a LLVM-based Python JIT compiler", LLVM-HPC 2015). Compiling takes seconds and memory, so only a process does it
whose index gives a large answer, once. Nothing is kept on disk: compiled code in a directory that may be written would
be run without being looked at, and could be older than its source without anybody's knowing.
"""

from collections.abc import Callable
from threading import Event
from typing import Any, TypeVar

Loop = TypeVar("Loop", bound=Callable[..., Any])

#: Postings for each word asked for from which an answer is large: an index of a day of sound.
LARGE = 20
#: Whether this process has seen a large answer. Each place that has a loop imports it then, and compiles it by that.
WORTH_IT = Event()


def loop(signature: str) -> Callable[[Loop], Loop]:
    """Compile a loop over arrays now, for these types alone, to run without the interpreter's lock."""
    import numba

    made: Callable[[Loop], Loop] = numba.njit(signature, nogil=True)
    return made


def part(function: Callable[..., Any]) -> Any:
    """A part of loops, compiled with each of them, for whatever types they give it."""
    import numba

    return numba.njit(function)
