"""`companion run` in a process of its own, for tests that watch, ask or kill what it has started."""

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from storage.embedded import directory
from tests.processes import command


@dataclass
class Companion:
    """A `companion run` in a process of its own, and what it has said."""

    process: asyncio.subprocess.Process
    data: Path
    port: int
    lines: list[str] = field(default_factory=list)

    async def says(self, words: str, patience_s: float = 240) -> bool:
        """Listen until a line contains these words."""
        output = self.process.stdout
        assert output
        async with asyncio.timeout(patience_s):
            while line := (await output.readline()).decode():
                self.lines.append(line)
                if words in line:
                    return True
        return False

    async def listen(self) -> None:
        """Hear it to its end, so that what it says never fills the pipe and stops it."""
        output = self.process.stdout
        assert output
        while line := (await output.readline()).decode():
            self.lines.append(line)

    def child(self, name: str) -> int | None:
        """Return the pid of a child of this companion by the program or command that it runs."""
        for entry in Path("/proc").glob("[0-9]*"):
            words = command(entry).decode(errors="replace").split("\0")
            if parent_of(entry) == self.process.pid and (name in Path(words[0]).name or name in words[1:4]):
                return int(entry.name)
        return None

    def database(self) -> str:
        """Return the URL of its database."""
        return (directory.published(self.data) or {})["DATABASE_URL"]


def parent_of(entry: Path) -> int:
    """Return a process's parent, by proc(5)."""
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


async def start(data: Path, port: int, more: Mapping[str, str] | None = None) -> Companion:
    """Start a companion on its own data, with `more` variables than those of its place."""
    unset = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "S3_ENDPOINT", "COMPANION_MASTER_KEY")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "api.cli", "run"),
        env=environment | {"COMPANION_DATA": str(data), "COMPANION_PORT": str(port), **(more or {})},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    return Companion(process, data, port)
