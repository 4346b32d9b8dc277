"""The engines of a test run, a process of its own: python -m tests.engines FOLDER CONTROLLER_PID.

Started by the first test that needs them, in whichever process it runs, and shared by all. They live until they are
asked to stop or the run's controller is gone, however it went, and take their data with them.
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import msgspec

from storage.embedded import directory, postgres, process, seaweedfs
from storage.migrate import migrate
from tests.processes import alive

TEMPLATE = "companion_template"
FACTS = "facts.json"


class Facts(msgspec.Struct, frozen=True):
    """What a test needs to reach the engines."""

    pid: int
    access: postgres.Access
    s3: seaweedfs.S3Settings

    def encoded(self) -> bytes:
        """Return this as JSON; a path becomes its text."""
        return msgspec.json.encode(self, enc_hook=str)

    @classmethod
    def read(cls, folder: Path) -> "Facts":
        """Read what the engines' process has written."""
        return msgspec.json.decode((folder / FACTS).read_bytes(), type=cls, dec_hook=lambda kind, text: kind(text))


async def main(folder: Path, controller: int) -> None:
    """Start both engines and a migrated template, write down how they are reached, wait for the end of the run."""
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    # Not below pytest's own folder: its mode is 0700, and as root the engines' user could not enter it.
    data = Path(tempfile.mkdtemp(prefix="companion-tests-"))
    children = []
    try:
        place = directory.opened(data)
        children += await asyncio.gather(postgres.start(place), seaweedfs.start(place))
        access = postgres.accessed(place)
        await postgres.created(access, TEMPLATE)
        await asyncio.to_thread(migrate, access.url(postgres.OWNER, TEMPLATE))
        s3 = s3_settings(children[1])
        directory.write_private(folder / FACTS, Facts(os.getpid(), access, s3).encoded())
        while not stopped.is_set() and alive(controller):  # noqa: ASYNC110 - A pid has no event.
            await asyncio.sleep(0.2)
    finally:
        for child in children:
            # Nobody needs these data any more, so nothing has to be written.
            process.kill(child)
            await process.stop(child)
        shutil.rmtree(data, ignore_errors=True)


def s3_settings(child: process.Child) -> seaweedfs.S3Settings:
    """Read an object store's settings back from its variables."""
    known = child.environment
    endpoint = known["S3_ENDPOINT"].removeprefix("http://")
    return seaweedfs.S3Settings(endpoint, known["S3_ACCESS_KEY"], known["S3_SECRET_KEY"], known["S3_BUCKET"])


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
