"""Load everything before the doors close.

Behind Landlock no module can be imported any more, and PyAV, NumPy and codecs load some of theirs at first use. So
the zygote decodes and analyses one tiny recording per codec family, which also fills the codecs' tables once for all.
"""

import io
import traceback  # noqa: F401  A failing child formats its error with it.
from pathlib import Path

import cv2
import numpy as np

from capture_validation.analysis import analyse
from capture_validation.capacity import CAPACITY
from capture_validation.clean.choices import Choices
from capture_validation.clean.left_over import LeftOver
from capture_validation.clean.rendition import render
from capture_validation.duplicates.recording import fingerprints
from capture_validation.profile import profile
from capture_validation.xray.models import models

SAMPLES = Path(__file__).parent / "samples"
#: Encoding these wakes every encoder that runs without threads.
ENCODED = ("video_h264.mp4", "sound_pcm.wav")


def warm_up() -> None:
    """Analyse and fingerprint every tiny recording of the folder `samples`, and encode some. Raises what they raise."""
    cv2.setNumThreads(1)
    for path in sorted(SAMPLES.iterdir()):
        with path.open("rb") as file:
            analyse(file, profile("video" if path.name.startswith("video") else "speech"), CAPACITY)
            fingerprints(file)
            if path.name in ENCODED:
                render(file, io.BytesIO(), Choices(), models(), LeftOver(), lambda _: None)
    _warm_networks()


def _warm_networks() -> None:
    """Load the X-ray's networks and run each once, also those that only a face would wake."""
    blank = np.zeros((64, 64, 3), np.uint8)
    found = models()
    for finder in (found.faces, found.text):
        if finder is not None:
            finder.find(blank)
            finder.wake()
