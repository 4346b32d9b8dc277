"""Tasks that decode nothing, for tests of a zygote's start and end: what it need not warm up costs two seconds."""

import io
import time
from typing import Any, BinaryIO


def warm_up() -> None:
    """Load nothing."""


def length(file: BinaryIO, _job: dict[str, Any]) -> bytes:
    return str(file.seek(0, io.SEEK_END)).encode()


def sleep(_file: BinaryIO, _job: dict[str, Any]) -> bytes:
    time.sleep(60)
    return b""


TASKS = {"length": length, "sleep": sleep}
