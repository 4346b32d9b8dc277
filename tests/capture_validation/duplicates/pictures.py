"""Real clips as frames and fingerprints, for the tests beside this file."""

from functools import cache

import cv2
import numpy as np

from capture_validation.decode import VideoFrame, open_recording
from capture_validation.duplicates.evidence import Match
from capture_validation.duplicates.memory import MemoryIndex
from capture_validation.duplicates.video import VideoFingerprint, VideoFingerprinter
from capture_validation.duplicates.video_match import match_video
from capture_validation.duplicates.visual_words import posted
from tests.media import media


class Frame:
    """A frame as the fingerprint reads it."""

    def __init__(self, at_s, picture):
        self.at_s, self.duration_s, self.picture = at_s, 1 / 30, picture

    def luma(self, long_side=640):
        scale = min(1.0, long_side / max(self.picture.shape))
        return self.picture if scale == 1 else cv2.resize(self.picture, None, fx=scale, fy=scale)

    def glance(self, long_side=160):
        return self.luma(long_side)


@cache
def clip(name, start_s=0.0, end_s=8.0):
    """Times from 0 and brightness, uint8, long side 320, of a stretch of a real recording; 15 frames a second."""
    out, due = [], 0.0
    with media(name).open("rb") as file, open_recording(file) as recording:
        for part in recording.read():
            if isinstance(part, VideoFrame) and start_s <= part.at_s < end_s and part.at_s >= due:
                out.append((part.at_s - start_s, part.luma(320).copy()))
                due = part.at_s + 0.06
    return out


def fingerprint(frames) -> VideoFingerprint:
    """The fingerprint of frames as (seconds, picture)."""
    watcher = VideoFingerprinter()
    for at_s, picture in frames:
        watcher.feed(Frame(at_s, np.ascontiguousarray(picture)))
    return watcher.finish()


class Library:
    """Clips that are already held, by name; what they hold went through their bytes."""

    def __init__(self, **held: VideoFingerprint) -> None:
        self.names = list(held)
        self.stored = [VideoFingerprint.from_bytes(print_.stored().to_bytes()) for print_ in held.values()]
        self.index = MemoryIndex()
        for number, print_ in enumerate(self.stored):
            self.index.post(number, posted(print_))

    def match(self, new: VideoFingerprint) -> dict[str, Match]:
        """What a new clip matches, by name."""
        return {
            self.names[found.recording]: found for found in match_video(new, self.index.find, self.stored.__getitem__)
        }
