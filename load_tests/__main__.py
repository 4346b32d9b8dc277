"""A minute of contributors at a service of its own, on processor cores of its own: `make load`.

COMPANION_LOAD_USERS    contributors at once (20)
COMPANION_LOAD_SECONDS  how long (60)
COMPANION_LOAD_URL      a service that runs already; then none is started
"""

import os
import subprocess
import sys
from pathlib import Path

from load_tests.service import running_service

JOURNEY = Path(__file__).parent / "contributor.py"


def shares() -> tuple[set[int], set[int]]:
    """Cores of the service, and of the generator: the last one, where there are two or more."""
    cores = sorted(os.sched_getaffinity(0))
    return (set(cores[:-1]), set(cores[-1:])) if len(cores) > 1 else (set(cores), set(cores))


def generate(url: str, cores: set[int]) -> int:
    """Run the journey against a service and return the verdict as an exit status."""
    users = os.environ.get("COMPANION_LOAD_USERS", "20")
    command = ["--headless", "--only-summary", "--users", users, "--spawn-rate", "5", "--host", url]
    command += ["--run-time", os.environ.get("COMPANION_LOAD_SECONDS", "60"), "--stop-timeout", "10"]
    locust = subprocess.Popen([sys.executable, "-m", "locust", "--locustfile", str(JOURNEY), *command])
    os.sched_setaffinity(locust.pid, cores)
    return locust.wait()


def main() -> int:
    """Start a service unless one is named, and load it."""
    for_service, for_generator = shares()
    if url := os.environ.get("COMPANION_LOAD_URL"):
        return generate(url, for_generator)
    with running_service(for_service) as service:
        return generate(service.url, for_generator)


if __name__ == "__main__":
    sys.exit(main())
