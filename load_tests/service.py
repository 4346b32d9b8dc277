"""A whole service of its own, started for a measurement or a test and stopped after it.

It is the very `companion run` that a newcomer starts: PostgreSQL, the object store, the API and the worker, with data
in a folder that is removed afterwards. What is measured here is therefore what is delivered.
"""

import contextlib
import io
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

READY_WITHIN_S = 240.0
STOP_WITHIN_S = 60.0
READY = re.compile(r"Ready: (http://[^/\s]+)")
# Engines of the machine must not be used by accident: they may hold somebody's recordings.
NOT_INHERITED = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "S3_ENDPOINT", "COMPANION_DATA", "COMPANION_MASTER_KEY")


class ServiceFailed(RuntimeError):
    """The service did not become ready; its last lines are in the message."""


@dataclass
class Service:
    """A running service: where it is, what it has printed so far, and the process that runs everything."""

    url: str
    process: subprocess.Popen[str]
    data: Path
    lines: list[str] = field(default_factory=list)


@contextlib.contextmanager
def running_service(cores: set[int] | None = None, more: Mapping[str, str] | None = None) -> Iterator[Service]:
    """Start a service on a free port, optionally pinned to some processor cores, and stop it afterwards.

    `more` are variables for it.

    Raises ServiceFailed when it is not ready within four minutes: on a busy machine the imports alone take one.
    """
    data = Path(tempfile.mkdtemp(prefix="companion-"))
    environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
    environment |= {"COMPANION_DATA": str(data), "COMPANION_PORT": "0", "COMPANION_HOST": "127.0.0.1", **(more or {})}
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "run"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    if cores:
        os.sched_setaffinity(process.pid, cores)
    service, announced = Service("", process, data), threading.Event()
    reader = threading.Thread(target=follow, args=(service, announced), daemon=True)
    reader.start()
    try:
        if not announced.wait(READY_WITHIN_S) or not service.url:
            raise ServiceFailed("The service did not become ready:\n" + "\n".join(service.lines[-30:]))
        yield service
    finally:
        stop(process)
        reader.join()
        shutil.rmtree(data, ignore_errors=True)


def follow(service: Service, announced: threading.Event) -> None:
    """Keep every line that the service prints, and note the address in the one that carries it."""
    with service.process.stdout or io.StringIO() as output:
        for line in output:
            service.lines.append(line.rstrip())
            if not service.url and (found := READY.search(line)):
                service.url = found[1]
                announced.set()
    announced.set()


def stop(process: subprocess.Popen[str]) -> None:
    """Ask everything to stop in order, and kill what has not done so in a minute."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
