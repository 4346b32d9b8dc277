"""Matroska and WebM: EBML (RFC 8794) as RFC 9559 uses it.

Browsers record WebM live: no duration, segment and clusters of unknown length, no index. That is accepted, as
is a file that ends in the middle. Refused are attachments without measure, nested tags without end, compressed
tracks and frame rates that no camera has.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from capture_validation.capacity import Capacity
from capture_validation.containers.container import Container, at_most, malformed, picture, sound
from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable

MAGIC = b"\x1a\x45\xdf\xa3"
ELEMENT_LIMIT = 500_000
TAG_DEPTH_LIMIT = 8
ATTACHMENT_LIMIT = 8
# Attachments, tags and indexes are held in memory while the file is open.
HELD_LIMIT = 16 << 20

EBML, DOC_TYPE, MAX_ID_LENGTH, MAX_SIZE_LENGTH = 0x1A45DFA3, 0x4282, 0x42F2, 0x42F3
SEGMENT, INFO, TRACKS, CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
SEEK_HEAD, CUES, ATTACHMENTS, TAGS, CHAPTERS = 0x114D9B74, 0x1C53BB6B, 0x1941A469, 0x1254C367, 0x1043A770
TIMESTAMP_SCALE, DURATION = 0x2AD7B1, 0x4489
TRACK_ENTRY, TRACK_TYPE, CODEC_ID, CODEC_PRIVATE, DEFAULT_DURATION = 0xAE, 0x83, 0x86, 0x63A2, 0x23E383
VIDEO, PIXEL_WIDTH, PIXEL_HEIGHT, AUDIO, SAMPLING_FREQUENCY, CHANNELS = 0xE0, 0xB0, 0xBA, 0xE1, 0xB5, 0x9F
ENCODINGS, ENCODING, COMPRESSION, COMPRESSION_ALGORITHM, ENCRYPTION = 0x6D80, 0x6240, 0x5034, 0x4254, 0x5035
ATTACHED_FILE, TAG, SIMPLE_TAG = 0x61A7, 0x7373, 0x67C8
TOP_LEVEL = {INFO, TRACKS, CLUSTER, SEEK_HEAD, CUES, ATTACHMENTS, TAGS, CHAPTERS, SEGMENT, EBML}
HEADER_STRIPPING = 3

PICTURE = ("V_VP8", "V_VP9", "V_AV1", "V_MPEG4/ISO/", "V_MPEGH/ISO/HEVC", "V_MJPEG")
SOUND = ("A_OPUS", "A_VORBIS", "A_AAC", "A_MPEG/L", "A_FLAC", "A_PCM/", "A_ALAC", "A_AC3", "A_EAC3")


class Element(NamedTuple):
    """One element: identifier, where its content starts and ends; `known` is false for an unknown length."""

    id: int
    at: int
    end: int
    known: bool


@dataclass
class _Track:
    kind: int = 0
    codec: str = ""
    width: int = 0
    height: int = 0
    sample_rate: float = 8000.0
    channels: int = 1


def is_matroska(head: bytes) -> bool:
    """Whether the file starts with an EBML header."""
    return head.startswith(MAGIC)


def recognise_matroska(window: Window, capacity: Capacity) -> Container:
    """A Matroska or WebM file with a track that can be decoded. Raises Unreadable otherwise."""
    return _Segment(window, capacity).container()


class _Segment:
    """What the walk through one file has found so far."""

    def __init__(self, window: Window, capacity: Capacity) -> None:
        self.window = window
        self.capacity = capacity
        self.elements = 0
        self.tracks: list[_Track] = []
        self.scale = 1_000_000
        self.duration = 0.0
        self.attachments = 0
        self.held = 0
        self.clusters = 0
        self.cut = False

    def container(self) -> Container:
        """Walk the file and judge it."""
        header = self._element(0, self.window.size)
        doc_type = self._header(header)
        segment = self._element(header.end, self.window.size)
        if segment.id != SEGMENT:
            raise malformed("Segment")
        for element in self._top_level(segment):
            self._visit(element)
        return self._verdict(doc_type)

    def _header(self, header: Element) -> str:
        doc_type = "matroska"
        for element in self._children(header):
            if element.id == DOC_TYPE:
                doc_type = self._text(element)
            elif element.id == MAX_ID_LENGTH and self._number(element) != 4:
                raise malformed("EBMLMaxIDLength")
            elif element.id == MAX_SIZE_LENGTH and self._number(element) > 8:
                raise malformed("EBMLMaxSizeLength")
        if doc_type not in ("matroska", "webm"):
            raise Unreadable("container-unknown", looks_like=doc_type)
        return doc_type

    def _verdict(self, doc_type: str) -> Container:
        media = [track for track in self.tracks if track.kind in (1, 2)]
        at_most("tracks", len(media), self.capacity.tracks)
        known = [track for track in media if track.codec.startswith(PICTURE if track.kind == 1 else SOUND)]
        if not known:
            raise Unreadable("codec-unsupported", codec=media[0].codec) if media else Unreadable("no-tracks")
        if not self.clusters:
            raise Unreadable("truncated", what="Cluster")
        pictures = [track for track in known if track.kind == 1]
        seconds = self.duration * self.scale / 1e9
        return Container(
            format="matroska",
            kind="video" if pictures else "audio",
            media_type=("video/" if pictures else "audio/") + ("webm" if doc_type == "webm" else "x-matroska"),
            size_bytes=self.window.size,
            claimed_duration_s=seconds if 0 < seconds < math.inf else None,
            width=max((track.width for track in pictures), default=0),
            height=max((track.height for track in pictures), default=0),
            incomplete=self.cut,
            unread_picture=next((one.codec for one in media if one.kind == 1 and one not in known), ""),
        )

    def _top_level(self, segment: Element) -> Iterator[Element]:
        """The elements of the segment. A file that ends in the middle ends the walk, once its tracks are known."""
        at = segment.at
        while at < segment.end:
            try:
                element = self._element(at, segment.end)
            except Unreadable as cause:
                if cause.code == "too-expensive" or not self.tracks:
                    raise
                self.cut = True
                return
            yield element
            at = element.end if element.known else self._end_of_unknown(element)

    def _end_of_unknown(self, cluster: Element) -> int:
        """Where a cluster of unknown length ends: at the next element that only a segment holds (RFC 8794, 6.2)."""
        if cluster.id != CLUSTER:
            raise malformed("unknown length")
        at = cluster.at
        while at < cluster.end:
            try:
                child = self._element(at, cluster.end)
            except Unreadable as cause:
                if cause.code == "too-expensive":
                    raise
                self.cut = True
                return cluster.end
            if child.id in TOP_LEVEL:
                return at
            at = child.end
        return at

    def _visit(self, element: Element) -> None:
        if element.id == CLUSTER:
            self.clusters += 1
        elif element.id == INFO:
            self._info(element)
        elif element.id == TRACKS:
            for entry in self._children(element, TRACK_ENTRY):
                at_most("tracks", len(self.tracks) + 1, self.capacity.tracks_of_any_kind)
                self.tracks.append(self._track(entry))
        elif element.id in (ATTACHMENTS, TAGS, CHAPTERS, CUES):
            self.held += element.end - element.at
            at_most("tags", self.held, HELD_LIMIT)
            if element.id == ATTACHMENTS:
                self.attachments += sum(1 for _ in self._children(element, ATTACHED_FILE))
                at_most("attachments", self.attachments, ATTACHMENT_LIMIT)
            elif element.id == TAGS:
                self._tags(element, 0)

    def _info(self, info: Element) -> None:
        for element in self._children(info):
            if element.id == TIMESTAMP_SCALE:
                self.scale = self._number(element)
            elif element.id == DURATION:
                self.duration = self._float(element)

    def _track(self, entry: Element) -> _Track:
        track = _Track()
        for element in self._children(entry):
            if element.id == TRACK_TYPE:
                track.kind = self._number(element)
            elif element.id == CODEC_ID:
                track.codec = self._text(element)
            elif element.id == CODEC_PRIVATE:
                at_most("codec data", element.end - element.at, 1 << 20)
            elif element.id == DEFAULT_DURATION and (nanoseconds := self._number(element)):
                at_most("frame_rate", 1e9 / nanoseconds, 1e9 if track.kind == 2 else self.capacity.frame_rate_max)
            elif element.id in (VIDEO, AUDIO):
                self._settings(element, track)
            elif element.id == ENCODINGS:
                self._encodings(element)
        if track.kind == 1:
            picture(track.width, track.height, self.capacity)
        elif track.kind == 2:
            sound(track.sample_rate, track.channels, self.capacity)
        return track

    def _settings(self, settings: Element, track: _Track) -> None:
        for element in self._children(settings):
            if element.id == PIXEL_WIDTH:
                track.width = self._number(element)
            elif element.id == PIXEL_HEIGHT:
                track.height = self._number(element)
            elif element.id == SAMPLING_FREQUENCY:
                track.sample_rate = self._float(element)
            elif element.id == CHANNELS:
                track.channels = self._number(element)

    def _encodings(self, encodings: Element) -> None:
        """Raises Unreadable for encrypted tracks and for compression that could inflate (RFC 9559, 5.1.4.1.31)."""
        for encoding in self._children(encodings, ENCODING):
            for element in self._children(encoding):
                if element.id == ENCRYPTION:
                    raise Unreadable("codec-unsupported", codec="encrypted track")
                if element.id == COMPRESSION:
                    algorithms = [self._number(child) for child in self._children(element, COMPRESSION_ALGORITHM)]
                    if algorithms != [HEADER_STRIPPING]:
                        raise Unreadable("codec-unsupported", codec="compressed track")

    def _tags(self, parent: Element, depth: int) -> None:
        if depth > TAG_DEPTH_LIMIT:
            raise malformed("tag depth", depth)
        for element in self._children(parent):
            if element.id in (TAG, SIMPLE_TAG):
                self._tags(element, depth + 1)

    def _children(self, parent: Element, only: int | None = None) -> Iterator[Element]:
        at = parent.at
        while at < parent.end:
            element = self._element(at, parent.end)
            if not element.known:
                raise malformed("unknown length")
            if only is None or element.id == only:
                yield element
            at = element.end

    def _element(self, at: int, end: int) -> Element:
        """The element at a position; it must end within its parent, except for a cluster cut off by the file's end."""
        self.elements += 1
        if self.elements > ELEMENT_LIMIT:
            raise Unreadable("too-expensive", what="elements", limit=ELEMENT_LIMIT)
        head = self.window.read(at, 12)
        id_length = 9 - head[0].bit_length() if head else 9
        if id_length > 4 or len(head) <= id_length:
            raise malformed("element id") if head else Unreadable("truncated", what="element")
        size_length = 9 - head[id_length].bit_length()
        start = at + id_length + size_length
        if size_length > 8 or len(head) < id_length + size_length:
            raise malformed("element size")
        number = int.from_bytes(head[:id_length], "big")
        ones = (1 << 7 * size_length) - 1
        size = int.from_bytes(head[id_length : id_length + size_length], "big") & ones
        if size == ones:
            return Element(number, start, end, known=False)
        if start + size > end and number not in (SEGMENT, CLUSTER):
            raise Unreadable("truncated", what="element")
        self.cut |= start + size > end
        return Element(number, start, min(start + size, end), known=True)

    def _number(self, element: Element) -> int:
        if element.end - element.at > 8:
            raise malformed("integer", element.end - element.at)
        return int.from_bytes(self.window.exactly(element.at, element.end - element.at), "big")

    def _float(self, element: Element) -> float:
        data = self.window.exactly(element.at, min(element.end - element.at, 9))
        if len(data) not in (0, 4, 8):
            raise malformed("float", len(data))
        value = struct.unpack(">d" if len(data) == 8 else ">f", data)[0] if data else 0.0
        if not math.isfinite(value):
            raise malformed("float")
        return float(value)

    def _text(self, element: Element) -> str:
        return self.window.exactly(element.at, min(element.end - element.at, 256)).rstrip(b"\0").decode("latin-1")
