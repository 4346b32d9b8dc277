"""The takes: three seconds of each recording with a picture, and from whom it is."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

from capture_validation.decode import open_recording
from capture_validation.errors import Unreadable
from capture_validation.pictures import Scaler, VideoFrame

Picture = NDArray[np.uint8]
SUFFIXES = {".mp4", ".mov", ".webm", ".3gp", ".avi", ".mkv"}
LONGEST_S, LONG_SIDE = 3.0, 1280
#: No takes of a camera, or spoilt before: a drawing that barely moves, a screen, tenths of a second.
NO_TAKES = {"pattern", "screen", "keys", "distorted"}
#: What a person saw in takes, frame by frame, before anything was done to them, and what their own times say: a take of
#: 15 pictures a second is slow. Such a take is no clean one of that defect, and cannot be spoilt by it either.
OWN_DEFECTS = {
    "Megamind.avi": {"black", "cuts"},
    "bikes.mp4": {"cuts"},
    "video_courtyard_people.mp4": {"bars", "cuts"},
    "video_courtyard_people_15fps.mp4": {"cuts", "motion blur", "slow"},
    "video_desk_h263.3gp": {"dropped frames", "slow", "uneven times"},
    "video_doorknob_phone.mp4": {"blur", "JPEG squares", "low contrast"},
    "video_elf_480.webm": {"bars"},
    "video_fire_android_rot180_gps.mp4": {"motion blur", "slow"},
    "video_monster_480.webm": {"bars"},
    "video_nasa_multitrack.mp4": {"dark"},
    "video_note2_android_rot_gps.mp4": {"dropped frames"},
}
#: Takes of strangers: name here (the owner first, who is the source), repository, path in it, and the same of each.
STRANGERS = Path(__file__).parent / "films.tsv"
OWN_DEFECTS |= {
    name: {word for word in defects.split(", ") if word}
    for name, _, _, defects in (line.split("\t") for line in STRANGERS.read_text(encoding="utf-8").splitlines())
}


@dataclass(frozen=True)
class Take:
    """Pictures as uint8 (height, width), the times they are shown at in seconds, and whose recording it is."""

    name: str
    source: str
    pictures: tuple[Picture, ...]
    times: tuple[float, ...]

    @property
    def chosen(self) -> bool:
        """Whether it is in the half that limits may be chosen by."""
        return bool(hashlib.sha256(self.source.encode()).digest()[0] & 1)


def takes(folders: Sequence[Path]) -> Iterator[Take]:
    """Every usable take below some folders, one of each name."""
    files = {file.name: file for folder in folders for file in folder.rglob("*.*") if file.suffix in SUFFIXES}
    for name, file in sorted(files.items()):
        if (take := decoded(file)) is not None and not NO_TAKES.intersection(name.replace(".", "_").split("_")):
            yield take


def decoded(file: Path) -> Take | None:
    """The first three seconds of a recording; None where it has fewer than half a second or no picture."""
    pictures, times = [], []
    try:
        with open_recording(io.BytesIO(file.read_bytes())) as recording:
            for part in recording.read():
                if isinstance(part, VideoFrame):
                    if part.at_s > LONGEST_S:
                        break
                    pictures.append(part.luma(LONG_SIDE).copy())
                    times.append(part.at_s)
    except Unreadable:
        return None
    words = file.stem.split("_")
    source = words[1] if words[0] == "video" else words[0]
    return Take(file.name, source, tuple(pictures), tuple(times)) if len(pictures) >= 15 else None


def grey(picture: Picture) -> av.VideoFrame:
    """A picture as a decoder gives it, without colours."""
    height, width = (side // 2 * 2 for side in picture.shape)
    planes: Any = np.full((height * 3 // 2, width), 128, np.uint8)
    planes[:height] = picture[:height, :width]
    return av.VideoFrame.from_ndarray(planes, "yuvj420p")


def frame(picture: av.VideoFrame, at_s: float, duration_s: float, scaler: Scaler) -> VideoFrame:
    """A decoded picture as the checks get it."""
    return VideoFrame(picture, at_s, duration_s, 0, 1.0, scaler)
