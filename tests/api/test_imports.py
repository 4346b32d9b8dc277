"""What the processes load: decoders belong in the sandbox, and memory is paid for by every process that runs."""

import subprocess
import sys


def loaded(module: str) -> set[str]:
    program = f"import sys, {module}; print(*sys.modules)"
    return set(
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout.split()
    )


def test_the_api_starts_without_a_decoder_or_a_numeric_library():
    """180 MB and two seconds were spent on libraries that no request needs."""
    assert not {"av", "cv2", "scipy", "numpy", "librosa"} & loaded("api.app")


def test_the_worker_hands_files_to_the_sandbox_and_never_loads_a_decoder_itself():
    """What is not loaded cannot be attacked. OpenCV is: it compares fingerprints, which are arrays of ours.

    Nor does it begin with a compiler: 120 MB that only a large index of copies has a use for.
    """
    assert not {"av", "librosa", "numba"} & loaded("api.worker")
