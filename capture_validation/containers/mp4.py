"""MP4, MOV, 3GP and M4A: the ISO base media file format (ISO/IEC 14496-12) and its QuickTime ancestor.

Boxes are walked as the standard nests them, media data are skipped. Refused is what can hurt a decoder: tables
that claim more entries than their box holds or more samples than a recording has, media kept in another file,
compressed headers. Accepted are the oddities of real cameras: no `ftyp`, media before the header, fragments,
data references of type `alis`, a last box of length 0, media cut off by a dying phone.
"""

from collections.abc import Iterator
from typing import NamedTuple

from capture_validation.capacity import Capacity
from capture_validation.containers.container import Container, at_most, malformed
from capture_validation.containers.mp4_tables import Track, read_table
from capture_validation.containers.window import Window
from capture_validation.errors import Unreadable

BOX_LIMIT = 100_000
DEPTH_LIMIT = 10
FIRST_BOXES = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"styp", b"moof", b"sidx", b"uuid"}
NESTING = {b"moov", b"trak", b"mdia", b"minf", b"stbl", b"edts", b"dinf", b"mvex", b"moof", b"traf"}
# A movie header that only points elsewhere (`rmra`, `rmda`, `rdrf`) or that must be inflated first (`cmov`).
REFERENCES = {b"rmra", b"rmda", b"rdrf"}
STILL_IMAGES = {b"heic", b"heix", b"heim", b"heis", b"mif1", b"avif", b"avis", b"msf1", b"crx ", b"jxl "}


class Box(NamedTuple):
    """One box: its four letters, where its content starts and where it ends (bytes from the start of the file)."""

    kind: bytes
    at: int
    end: int


def is_mp4(head: bytes) -> bool:
    """Whether the file starts with a box that may stand first in a movie, of a possible length."""
    return head[4:8] in FIRST_BOXES and (int.from_bytes(head[:4], "big") >= 8 or head[:4] in (b"\0\0\0\1", b"\0\0\0\0"))


def recognise_mp4(window: Window, capacity: Capacity) -> Container:
    """An MP4, MOV or 3GP file with a track that can be decoded. Raises Unreadable otherwise."""
    movie = _Movie(window, capacity)
    movie.walk(0, window.size, depth=0)
    return movie.container()


class _Movie:
    """What the walk has found so far."""

    def __init__(self, window: Window, capacity: Capacity) -> None:
        self.window = window
        self.capacity = capacity
        self.boxes = 0
        self.tracks: list[Track] = []
        self.brand = b"qt  "
        self.seen: set[bytes] = set()
        self.seconds: float | None = None
        self.timescale = 0
        self.fragment_samples = 0
        self.cut = False
        #: The number of the last fragment, and how many left some out before them and how many did not.
        self.fragment, self.steps = 0, [0, 0]

    def walk(self, at: int, end: int, depth: int) -> None:
        """Visit the boxes between two positions and those inside them."""
        if depth > DEPTH_LIMIT:
            raise malformed("box depth", depth)
        for box in self._boxes(at, end, depth):
            self._visit(box)
            if box.kind in NESTING:
                self.walk(box.at, box.end, depth + 1)

    def _boxes(self, at: int, end: int, depth: int) -> Iterator[Box]:
        while at + 8 <= end:
            self.boxes += 1
            at_most("boxes", self.boxes, BOX_LIMIT)
            size, kind = self.window.unpack(">I4s", at)
            header = 8
            if size == 1:
                size, header = self.window.unpack(">Q", at + 8)[0], 16
            elif size == 0:
                # Length 0 is "to the end" for the last box of the file, and ends a QuickTime user data list.
                size = end - at if depth == 0 else header
            if size < header:
                raise malformed("box size", size)
            if at + size > end and depth:
                raise malformed("box size", size)
            if at + size > end and kind in NESTING:
                raise Unreadable("truncated", what=kind.decode("latin-1"))
            self.cut |= at + size > end
            yield Box(kind, at + header, min(at + size, end))
            at += size

    def _visit(self, box: Box) -> None:
        self.seen.add(box.kind)
        if box.kind in REFERENCES:
            raise Unreadable("external-reference", what=box.kind.decode())
        if box.kind == b"cmov":
            raise Unreadable("codec-unsupported", codec="compressed movie header")
        if box.kind == b"ftyp":
            self.brand = self.window.read(box.at, 4)
        elif box.kind == b"mvhd":
            self._movie_header(box)
        elif box.kind == b"mehd":
            self._fragmented_duration(box)
        elif box.kind == b"trak":
            self.tracks.append(Track())
            at_most("tracks", len(self.tracks), self.capacity.tracks_of_any_kind)
        elif box.kind == b"trun":
            self._track_run(box)
        elif box.kind == b"mfhd":
            self._fragment_number(box)
        elif self.tracks:
            read_table(self.window, box.kind, box.at, box.end, self.tracks[-1], self.capacity)

    def _movie_header(self, box: Box) -> None:
        if self.window.exactly(box.at, 1) == b"\x01":
            self.timescale, duration = self.window.unpack(">IQ", box.at + 20)
        else:
            self.timescale, duration = self.window.unpack(">II", box.at + 12)
        self._claim(duration)

    def _fragmented_duration(self, box: Box) -> None:
        wide = self.window.exactly(box.at, 1) == b"\x01"
        self._claim(self.window.unpack(">Q" if wide else ">I", box.at + 4)[0])

    def _claim(self, duration: int) -> None:
        # All ones is "unknown" in either width; a live recording has 0.
        if duration not in (0, 0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF) and self.timescale:
            self.seconds = duration / self.timescale

    def _fragment_number(self, box: Box) -> None:
        """Fragments are counted one by one (14496-12, 8.8.5); who split a file by tracks may have counted by twos."""
        number: int = self.window.unpack(">I", box.at + 4)[0]
        if self.fragment:
            self.steps[number == self.fragment + 1] += number > self.fragment
        self.fragment = number

    @property
    def lacks_fragments(self) -> bool:
        """Whether numbers are missing where most follow each other."""
        missing, following = self.steps
        return 0 < missing <= following

    def _track_run(self, box: Box) -> None:
        """Samples of one fragment (14496-12, 8.8.8); each optional field of the flags is four bytes per sample."""
        flags, samples = self.window.unpack(">II", box.at)
        per_sample = 4 * (flags >> 8 & 0xF).bit_count()
        if samples * per_sample > box.end - box.at:
            raise malformed("trun", samples)
        self.fragment_samples += samples
        at_most("packets", self.fragment_samples, self.capacity.packets)

    def container(self) -> Container:
        """The verdict after the walk."""
        if b"moov" not in self.seen:
            if self.brand in STILL_IMAGES:
                raise Unreadable("container-unknown", looks_like="image")
            raise Unreadable("truncated", what="moov")
        media = [track for track in self.tracks if track.handler in (b"vide", b"soun")]
        at_most("tracks", len(media), self.capacity.tracks)
        known = [track for track in media if track.decodable]
        if not known:
            raise Unreadable("codec-unsupported", codec=media[0].codec_name) if media else Unreadable("no-tracks")
        at_most("packets", sum(track.packets for track in self.tracks), self.capacity.packets)
        sounds = any(track.handler == b"soun" for track in known)
        pictures = [one for one in known if one.handler == b"vide" and not (sounds and one.is_still)]
        return Container(
            format="mov",
            kind="video" if pictures else "audio",
            media_type=("video/" if pictures else "audio/") + self._subtype(bool(pictures)),
            size_bytes=self.window.size,
            claimed_duration_s=self.seconds,
            width=max((track.width for track in pictures), default=0),
            height=max((track.height for track in pictures), default=0),
            incomplete=self.cut or self.lacks_fragments,
            lacks_pieces=self.lacks_fragments,
            unread_picture=next((one.codec_name for one in media if one.handler == b"vide" and not one.decodable), ""),
        )

    def _subtype(self, pictures: bool) -> str:
        if self.brand == b"qt  ":
            return "quicktime" if pictures else "mp4"
        return "3gpp" if self.brand[:3] in (b"3gp", b"3g2") else "mp4"
