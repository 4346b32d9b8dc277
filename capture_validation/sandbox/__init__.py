"""A process for one recording, with no path, no address and bounded memory and time.

Decoders of media are where attacks on services like this one begin, so none of them runs in the service itself.
`Sandbox` keeps a warmed-up process (`zygote`), forks it for every job and lets the copy give up everything but the
recording it reads and the pipe it answers through (`child`).
"""

from capture_validation.sandbox.probe import probe
from capture_validation.sandbox.sandbox import RESULT_LIMIT, UNSAFE_SWITCH, Sandbox, Target
from capture_validation.sandbox.wire import Outcome

__all__ = ["RESULT_LIMIT", "UNSAFE_SWITCH", "Outcome", "Sandbox", "Target", "probe"]
