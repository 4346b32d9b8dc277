"""Measurements of the hot paths, side by side with a named peer, on the machine that runs them."""

import os

# As in the sandbox, and before NumPy is loaded: threads that wait for each other would be counted as work.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
