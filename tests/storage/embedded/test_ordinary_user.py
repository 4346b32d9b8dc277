"""The engines run for whoever types `make run`, with or without root."""

import asyncio
import json
import os
import pwd
import stat
import sys
from pathlib import Path

from tests.processes import working_on

ROOT = Path(__file__).parents[3]


async def test_an_ordinary_user_gets_both_engines_below_a_closed_home(folder: Path) -> None:
    """A home of mode 0700 is fine for its owner; a second start finds its data, and the home keeps its mode."""
    folder.chmod(0o700)
    user = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.storage.embedded.ordinary_user", str(folder)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    answer, complaint = await user.communicate()

    uid = os.geteuid() or pwd.getpwnam("nobody").pw_uid
    assert 0 == user.returncode, complaint.decode()
    assert [uid, str(folder / ".local/share/contributor-companion"), "kept", "kept"] == json.loads(answer)
    assert 0o700 == stat.S_IMODE(folder.stat().st_mode)
    assert [] == working_on(folder)
