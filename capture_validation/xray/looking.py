"""The X-ray of one recording, beside whatever else looks at the parts of it as they are decoded."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from typing import BinaryIO

import cv2
import numpy as np

from capture_validation.decode import AudioBlock, OpenRecording, TrackEnd, VideoFrame
from capture_validation.pixels import DISPLAY
from capture_validation.spans import Spans
from capture_validation.xray.boxes import in_boxes
from capture_validation.xray.chunks import in_chunks
from capture_validation.xray.faces import FaceFinder, Picture, Squares
from capture_validation.xray.findings import MOST_BOXES, Box, Sighting, SightingKind, Trace, Verdict, Xray
from capture_validation.xray.metadata import in_stream, tagged
from capture_validation.xray.models import Models
from capture_validation.xray.subtitles import in_subtitles
from capture_validation.xray.writing import TextFinder

#: Seconds between two looks. A face that matters is there for a second; text stands still longer than people do.
FACES_EVERY_S, TEXT_EVERY_S = 1.0, 2.0
#: A picture that comes this little before its time is on time: moments are rounded.
EARLY_S = 1e-3
#: The longest side in pixels that each kind is looked for at. Letters are smaller than faces: of 120 plates in
#: pictures of cars 99 are found at 640, 112 at 960.
LONG_SIDES: dict[SightingKind, int] = {"faces": 640, "text": 960}
#: The share of packets that may give no picture, as the first ones of a film that was trimmed do.
MOST_LOST = 0.02
#: Different messages of one stream are few; a stream that has more repeats itself.
MOST_MESSAGES = 100
#: Where a container hides what no demuxer shows.
BEYOND_TAGS = {"mov": in_boxes, "wav": in_chunks, "avi": in_chunks}


class Looker:
    """Looks at some of the frames for one kind of thing.

    `every_s` is the time between two looks, `long_side` the size in pixels that they are taken at. Boxes are kept as
    shares of the picture, because the same recording is shown in many sizes.
    """

    def __init__(self, kind: SightingKind, finder: FaceFinder | TextFinder | None, every_s: float) -> None:
        self.kind, self.finder, self.every_s = kind, finder, every_s
        self.long_side = LONG_SIDES[kind]
        self.looked_at = self.most_at_once = 0
        self.cost_s = 0.0
        self.boxes: list[Box] = []
        self.spans = Spans(gap_s=every_s * 1.5)
        self._due_s = -float("inf")

    def due(self, at_s: float) -> bool:
        """Whether it is time to look again; where time itself runs back, it is."""
        return self.finder is not None and not self._due_s - self.every_s <= at_s < self._due_s

    def look(self, picture: Picture, at_s: float) -> list[Box]:
        """Look at a picture, uint8 (height, width, 3) red, green, blue; gives what was found in it."""
        if self.finder is None:
            return []
        # At whole multiples, not so long after the last look: so whoever looks twice as often sees these pictures, too,
        # and what an X-ray of a cleaned copy would show was seen when it was made.
        self._due_s = (math.floor((at_s + EARLY_S) / self.every_s) + 1) * self.every_s - EARLY_S
        begun = time.process_time()
        found = self.seen(picture, at_s)
        self.cost_s += time.process_time() - begun
        self.looked_at += 1
        self.most_at_once = max(self.most_at_once, len(found))
        self.boxes += found[: MOST_BOXES - len(self.boxes)]
        if found:
            self.spans.add(max(at_s - self.every_s / 2, 0.0), at_s + self.every_s / 2)
        return found

    def seen(self, picture: Picture, at_s: float) -> list[Box]:
        """What is in a picture, without counting it as one of the looks that are due."""
        return [] if self.finder is None else boxes(self.finder.find(picture), picture, at_s)

    def sighting(self, *, damaged: bool = False) -> Sighting:
        """What came of it. Where part of a damaged film could not be seen, nobody knows that there was nothing."""
        if self.finder is None:
            return Sighting(self.kind, "not_checked", "no model looked for it")
        if damaged and not self.most_at_once:
            return Sighting(self.kind, "not_checked", "not all of the picture can be decoded", self.looked_at)
        verdict: Verdict = "found" if self.most_at_once else "nothing_found"
        return Sighting(
            self.kind,
            verdict if self.looked_at else "not_checked",
            self.finder.name,
            self.looked_at,
            self.most_at_once,
            self.spans.spans(),
            tuple(self.boxes),
        )


def shown(frame: VideoFrame, transfer: str, long_side: int) -> Picture:
    """The picture as a phone would show it, for networks that learned from ordinary light: HDR is mapped first."""
    colours = frame.rgb(long_side)
    display = DISPLAY.get(transfer)
    return colours if display is None else np.asarray(cv2.LUT(colours, display), np.uint8)


def boxes(found: Squares, picture: Picture, at_s: float) -> list[Box]:
    """Pixels to shares of the picture, cut at its edges."""
    height, width = picture.shape[:2]
    shares = np.clip(found[:, :4] / (width, height, width, height), 0, 1).round(4)
    return [Box(round(at_s, 3), *map(float, row)) for row in shares if row[0] < row[2] and row[1] < row[3]]


class Looking:
    """Takes the parts of a recording as they are decoded; `finish` gives what they told.

    `file` is the recording itself, for the boxes that no demuxer shows; it is read once everything was decoded. With
    `every_s` everything is looked for that often.
    """

    def __init__(self, file: BinaryIO, of: Models, every_s: float | None = None) -> None:
        self._file = file
        self._traces: set[Trace] = set()
        self._messages = 0
        self._lookers = (
            Looker("faces", of.faces, every_s or FACES_EVERY_S),
            Looker("text", of.text, every_s or TEXT_EVERY_S),
        )

    def start(self, recording: OpenRecording) -> None:
        """Begin with a recording of which nothing was read yet."""
        self._recording = recording
        self._traces.update(tagged(recording.media))

    def feed(self, part: AudioBlock | VideoFrame) -> None:
        """Take the next block of sound or the next picture."""
        if not isinstance(part, VideoFrame):
            return
        if part.is_key and self._messages < MOST_MESSAGES:
            self._messages += 1
            self._traces.update(trace for message in part.messages for trace in in_stream(message))
        due = [looker for looker in self._lookers if looker.due(part.at_s)]
        if due and self._recording.video:
            transfer = self._recording.video.color_transfer
            for looker in due:
                looker.look(shown(part, transfer, looker.long_side), part.at_s)

    def finish(self) -> Xray:
        """What was found, once the recording's `read` is exhausted."""
        if (beyond := BEYOND_TAGS.get(self._recording.container.format)) is not None:
            self._traces.update(beyond(self._file))
        if self._recording.container.format == "matroska" and Trace("words", "subtitle track") in self._traces:
            self._traces.update(in_subtitles(self._file))
        damaged = is_damaged(self._recording.video_end)
        seen = [looker.sighting(damaged=damaged) for looker in self._lookers] if self._recording.video else []
        if self._recording.video:
            seen.append(Sighting("screens", "not_checked", "no measure is good enough yet"))
        if self._recording.audio:
            seen.append(Sighting("voices", "not_checked", "no measure tells bystanders from speakers"))
        cost_s = sum(looker.cost_s for looker in self._lookers)
        seconds = max(end.decoded_duration_s for end in (self._recording.audio_end, self._recording.video_end))
        return Xray(fewest(self._traces), tuple(seen), round(seconds, 3), round(cost_s, 3))


def is_damaged(end: TrackEnd) -> bool:
    """Whether so much of a picture track gave nothing that something may be shown there."""
    lost = end.decode_errors
    return lost > MOST_LOST * end.packets or (lost > 0 and end.truncated)


def fewest(traces: Iterable[Trace]) -> tuple[Trace, ...]:
    """Each trace once, in the order of what matters: location first."""
    order = ("location", "telemetry", "device", "words", "time", "software")
    return tuple(sorted(set(traces), key=lambda trace: (order.index(trace.kind), trace.where)))
