"""Making a rendition inside the sandbox: look first, then encode, from the same file read twice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import IO, BinaryIO, Literal

import numpy as np

from capture_validation.clean.choices import Choices
from capture_validation.clean.cover import Cover
from capture_validation.clean.edits import Edit, Rendered
from capture_validation.clean.hiding import How, Plane, hide
from capture_validation.clean.left_over import LeftOver
from capture_validation.clean.looks import LOOK_EVERY_S, Looks
from capture_validation.clean.timeline import Timeline
from capture_validation.clean.writing import Writer, even, form
from capture_validation.decode import AudioBlock, OpenRecording, VideoFrame, open_recording
from capture_validation.errors import Unreadable
from capture_validation.report import Span
from capture_validation.spans import Spans
from capture_validation.xray.findings import Box
from capture_validation.xray.looking import Looker, Looking, shown
from capture_validation.xray.models import Models

Progress = Callable[[float], None]
#: A line of text is found to its edge; it needs less around it than a face.
TEXT_MARGIN = 0.15
#: The place that is the whole picture.
WHOLE = np.array([0.0, 0.0, 1.0, 1.0])
#: How much of the work looking is.
LOOKING_SHARE = 0.5


class Covers:
    """What is hidden where: each kind in its own way, and what that did not hide well enough."""

    def __init__(self, choices: Choices, faces: list[Box], text: list[Box], left_over: LeftOver) -> None:
        self.choices = choices
        self.faces = Cover(faces)
        self.text = Cover(text, TEXT_MARGIN)
        self.again = Cover(left_over.boxes, TEXT_MARGIN)
        self.left_over = left_over

    def edits(self) -> list[Edit]:
        """What is hidden, as its owner reads it."""
        done = []
        for what, how, cover in (("faces", self.choices.faces, self.faces), ("text", self.choices.text, self.text)):
            if how != "keep" and cover.tracks:
                verb = "blurred" if how == "blur" else "boxed"
                done.append(Edit(what, verb, stretches(cover), len(cover.tracks)))  # type: ignore[arg-type]
        if blank := self.left_over.blank:
            done.append(Edit("pictures", "boxed", blank, len(blank)))
        return done

    def over(self, planes: tuple[Plane, Plane, Plane], at_s: float) -> None:
        """Hide everything in a picture."""
        if self.left_over.hides_all(at_s):
            hide(planes, [WHOLE], "box")
            return
        ways: tuple[tuple[How | Literal["keep"], Cover], ...] = (
            (self.choices.faces, self.faces), (self.choices.text, self.text), ("fill", self.again),
        )  # fmt: skip
        for how, cover in ways:
            if how != "keep":
                hide(planes, cover.at(at_s), how)


def render(
    file: BinaryIO, out: IO[bytes], choices: Choices, models: Models, left_over: LeftOver, progress: Progress
) -> Rendered:
    """Write the rendition of a recording; `left_over` is what was found in an earlier one.

    Raises Unreadable for a file that is none, `nothing-left` when every moment is dropped, and `not-checked` when
    something is to be hidden that no model can find.
    """
    faces, text = looked(file, choices, models, lambda share: progress(share * LOOKING_SHARE))
    covers = Covers(choices, faces, text, left_over)
    with open_recording(file) as recording:
        looking = Looking(file, Models(None, None))
        looking.start(recording)
        making = Encoding(recording, out, choices, covers)
        for part in recording.read():
            looking.feed(part)
            progress(LOOKING_SHARE + (1 - LOOKING_SHARE) * share_of(part.at_s, recording))
            making.take(part)
        removed = tuple(f"{trace.kind}: {trace.where}" for trace in looking.finish().traces)
        return making.finish([Edit("metadata", "removed", count=len(removed), details=removed), *covers.edits()])


def looked(file: BinaryIO, choices: Choices, models: Models, progress: Progress) -> tuple[list[Box], list[Box]]:
    """Faces and lines of text that are to be hidden, in the order of time; empty lists where nothing is."""
    finders = {"faces": models.faces and models.faces.believing(), "text": models.text and models.text.believing()}
    wanted = [kind for kind in finders if getattr(choices, kind) != "keep"]
    with open_recording(file) as recording:
        if recording.video is None or not wanted:
            return [], []
        if any(finders[kind] is None for kind in wanted):
            raise Unreadable("not-checked")
        looks = {kind: Looks(Looker(kind, finders[kind], LOOK_EVERY_S)) for kind in wanted}  # type: ignore[arg-type]
        for part in recording.read():
            progress(share_of(part.at_s, recording))
            if isinstance(part, VideoFrame):
                for look in looks.values():
                    look.take(part.at_s, partial(shown, part, recording.video.color_transfer, look.long_side))
    found = {kind: look.finish() for kind, look in looks.items()}
    return found.get("faces", []), found.get("text", [])


class Encoding:
    """The second reading: every picture and every sound, changed and encoded."""

    def __init__(self, recording: OpenRecording, out: IO[bytes], choices: Choices, covers: Covers) -> None:
        self.recording, self.choices, self.covers = recording, choices, covers
        self.timeline = Timeline(choices.drop, choices.mute)
        self.form = form(choices.profile, pictures=recording.video is not None)
        self.writer = Writer(out, self.form, recording.video, recording.audio)
        self.frames = 0
        self.heard = 0

    def take(self, part: AudioBlock | VideoFrame) -> None:
        """Change and write the next part, unless it is dropped."""
        if isinstance(part, VideoFrame):
            if self.timeline.keeps(part.at_s):
                self._show(part)
            return
        for piece in part.pieces():
            samples = self.timeline.heard(piece.samples, piece.at_s, piece.sample_rate)
            self.heard += len(samples)
            if len(samples):
                self.writer.hear(samples, self._first_kept_s(piece))

    def _first_kept_s(self, block: AudioBlock) -> float:
        """Where the first sample that is left of a block belongs in the rendition."""
        inside = [span.end_s for span in self.choices.drop if span.start_s <= block.at_s < span.end_s]
        return self.timeline.moved(inside[0] if inside else block.at_s)

    def _show(self, frame: VideoFrame) -> None:
        track = self.recording.video
        assert track is not None  # noqa: S101  There is a frame, so there is a track.
        planes = frame.planes(even(track.width), even(track.height))
        self.covers.over(planes, frame.at_s)
        # A picture from before the recording's own beginning is shown at its beginning.
        self.frames += self.writer.show(planes, max(self.timeline.moved(frame.at_s), 0.0), frame.colour)

    def finish(self, edits: list[Edit]) -> Rendered:
        """Write the end. Raises Unreadable "nothing-left"."""
        if not self.frames and not self.heard:
            raise Unreadable("nothing-left")
        self.writer.close()
        ends = (self.recording.audio_end, self.recording.video_end)
        seconds = max(end.first_at_s + end.decoded_duration_s for end in ends)
        return Rendered(
            self.form.media_type,
            (*edits, *self._other_edits()),
            round(self.timeline.removed_s(seconds), 3),
            self.frames,
            round(self.timeline.moved(seconds), 3),
        )

    def _other_edits(self) -> list[Edit]:
        video, done = self.recording.video, []
        if self.choices.mute and self.recording.audio:
            done.append(Edit("sound", "muted", self.choices.mute, len(self.choices.mute)))
        if self.choices.drop:
            done.append(Edit("stretches", "dropped", self.choices.drop, len(self.choices.drop)))
        if video:
            done.append(Edit("pictures", "encoded", count=self.frames, details=(self.form.picture,)))
        if video and video.rotation_deg:
            done.append(Edit("pictures", "turned", count=video.rotation_deg))
        if video and video.mirrored:
            done.append(Edit("pictures", "mirrored"))
        if self.recording.audio:
            done.append(Edit("sound", "encoded", count=self.heard, details=(self.form.sound,)))
        return done


def stretches(cover: Cover) -> tuple[Span, ...]:
    """Where anything is hidden, few enough to be read."""
    spans = Spans(gap_s=0.5)
    spans.extend(cover.stretches())
    return spans.spans()


def share_of(at_s: float, recording: OpenRecording) -> float:
    """How much of a recording has been read, 0…1, by what it claims to be; half where it claims nothing."""
    claimed = recording.container.claimed_duration_s
    return min(max(at_s / claimed, 0.0), 1.0) if claimed else 0.5
