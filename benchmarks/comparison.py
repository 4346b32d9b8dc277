"""How two programs that do the same work are compared: fresh processes, taking turns, medians.

A shared machine changes its speed from minute to minute. Taking turns lets both sides meet the same minutes, so the
ratio can be trusted where the seconds cannot. Each run has a process of its own, so that one run's memory and caches
are not the next one's.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

Work = Callable[[], object]


@dataclass(frozen=True)
class Cost:
    """What one run took: processor time in s, wall-clock time in s, and growth of resident memory in MB."""

    cpu_s: float
    wall_s: float
    memory_mb: float


def cost_of(work: Work, warm: Work) -> Cost:
    """Run `work` in a fresh process, after `warm` has loaded what is loaded only once."""
    context = multiprocessing.get_context("fork")
    told, tell = context.Pipe(duplex=False)
    process = context.Process(target=run, args=(work, warm, tell))
    process.start()
    tell.close()
    try:
        cost: Cost = told.recv()
    except EOFError as error:
        raise RuntimeError("A measured run ended without a result; its error is above.") from error
    process.join()
    return cost


def run(work: Work, warm: Work, tell: Connection) -> None:
    """Measure in this process and send the cost."""
    warm()
    # Forget the highest mark so far (proc(5), clear_refs): what loading took is not what the work takes.
    Path("/proc/self/clear_refs").write_text("5")
    memory, cpu, wall = memory_mb("VmRSS"), time.process_time(), time.perf_counter()
    work()
    cost = Cost(time.process_time() - cpu, time.perf_counter() - wall, memory_mb("VmHWM") - memory)
    tell.send(cost)


def memory_mb(figure: str) -> float:
    """Memory of this process in MB: `VmRSS` is what is resident now, `VmHWM` the highest mark."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(figure + ":"))


def take_turns(ours: Work, peer: Work, warm: tuple[Work, Work], rounds: int) -> tuple[Cost, Cost]:
    """Run both alternately, and return the median of each."""
    runs = [(cost_of(ours, warm[0]), cost_of(peer, warm[1])) for _ in range(rounds)]
    return median([mine for mine, _ in runs]), median([theirs for _, theirs in runs])


def median(costs: list[Cost]) -> Cost:
    """The median of each figure by itself."""
    return Cost(
        statistics.median(cost.cpu_s for cost in costs),
        statistics.median(cost.wall_s for cost in costs),
        statistics.median(cost.memory_mb for cost in costs),
    )


def table(title: str, head: list[str], rows: list[list[str]]) -> str:
    """A table of aligned columns below a title, the first column to the left and figures to the right."""
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "  ".join(cell.ljust(width) if not column else cell.rjust(width) for column, (cell, width) in enumerate(pairs))
        for pairs in (list(zip(row, widths, strict=True)) for row in [head, *rows])
    ]
    return "\n".join(["", title, *lines])
