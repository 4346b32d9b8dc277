"""What isolation this machine really gives, tried and not assumed; `companion doctor` prints it."""

import tempfile
import time

import msgspec

from capture_validation.errors import SandboxError
from capture_validation.sandbox import landlock
from capture_validation.sandbox.sandbox import Sandbox

PROBE_S = 10.0
ATTEMPTS = {
    "open": "opening a path",
    "list": "listing a folder",
    "connect": "opening a socket",
    "fork": "starting a process",
    "write": "writing to the recording",
}


def probe() -> list[tuple[str, bool, str]]:
    """(what, whether it is as it must be, detail) for each property of the sandbox. Starts one and ends it."""
    version = landlock.abi()
    found = [("Landlock", version > 0, f"interface version {version}" if version else "not offered by this kernel")]
    with tempfile.TemporaryFile() as file:
        file.write(b"x")
        file.flush()
        try:
            with Sandbox() as sandbox:
                begun = time.monotonic()
                answer = sandbox.run(file.fileno(), b'{"task":"escape"}', wall_s=PROBE_S, cpu_s=PROBE_S)
                spent_ms = (time.monotonic() - begun) * 1000
        except SandboxError as cause:
            return [*found, ("a job in the sandbox", False, str(cause))]
    found.append(("a job in the sandbox", True, f"{spent_ms:.0f} ms"))
    escaped = msgspec.json.decode(answer, type=dict[str, bool])
    for name, attempt in ATTEMPTS.items():
        found.append((f"{attempt} is refused", not escaped[name], "it SUCCEEDED" if escaped[name] else "refused"))
    return found
