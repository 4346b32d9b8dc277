"""The two tracks of a recording that are decoded: what they are, and how decoding them went."""

import math
import struct
from collections.abc import Sequence
from typing import TypeVar

from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.sidedata.sidedata import Type as SideData
from av.stream import Disposition, Stream
from av.video.frame import VideoFrame as Picture
from av.video.stream import VideoStream
from msgspec import Struct, field

from capture_validation.capacity import Capacity
from capture_validation.containers import Container
from capture_validation.containers.ogg import LONGEST_PAGE_S
from capture_validation.errors import Unreadable
from capture_validation.pictures import beside, shown_size

# ITU-T H.273 transfer characteristics that need another reading of brightness.
TRANSFERS = {1: "bt709", 6: "smpte170m", 8: "linear", 13: "srgb", 14: "bt2020-10", 16: "pq", 18: "hlg"}
AnyStream = TypeVar("AnyStream", AudioStream, VideoStream)


class AudioTrack(Struct, frozen=True, kw_only=True):
    """The sound track: `sample_rate` in Hz, `bit_rate` in bit/s, `sample_format` as FFmpeg names it (s16, fltp)."""

    codec: str
    sample_rate: int
    channels: int
    sample_format: str
    claimed_duration_s: float | None
    bit_rate: int | None


class VideoTrack(Struct, frozen=True, kw_only=True):
    """The picture track: `width` x `height` as shown to a person, `coded_*` as stored, all in pixels.

    `rotation_deg` is how far a player turns the stored picture clockwise (0, 90, 180, 270), after exchanging left and
    right where it is `mirrored`, as phones note of their front camera; `pixel_aspect` is width over height of one
    pixel. `color_transfer` tells HDR ("pq", "hlg") from ordinary video.
    """

    codec: str
    width: int
    height: int
    coded_width: int
    coded_height: int
    rotation_deg: int
    pixel_aspect: float
    frame_rate_avg: float | None
    claimed_duration_s: float | None
    bit_rate: int | None
    pixel_format: str
    color_transfer: str
    interlaced: bool
    mirrored: bool = False


class TrackEnd(Struct, kw_only=True):
    """How decoding of one track went, complete once `OpenRecording.read` is exhausted.

    `decoded_duration_s` is what was really there: samples over rate, or first to last picture. `gaps` are
    (start, length) in seconds where the timestamps jump although the samples go on. `truncated` says that the
    file ends before its own structure does or lacks some of it, `lacks_pieces` the latter alone, `outlived` that the
    length which the file claims is that of another track.
    `decode_errors` are packets that gave nothing, `corrupt_frames` pictures of which the decoder guessed a part.
    `payload_sha256` is the hash of all coded bytes of the track: the same after another wrapping or another title.
    """

    decoded_duration_s: float = 0.0
    packets: int = 0
    frames: int = 0
    decode_errors: int = 0
    corrupt_frames: int = 0
    truncated: bool = False
    lacks_pieces: bool = False
    outlived: bool = False
    first_at_s: float = 0.0
    last_at_s: float = 0.0
    gaps: list[tuple[float, float]] = field(default_factory=list)
    payload_sha256: str = ""

    @property
    def reached_s(self) -> float:
        """Where the track ends, in seconds of the recording."""
        return self.first_at_s + self.decoded_duration_s + sum(length for _, length in self.gaps)


def best(streams: Sequence[AnyStream]) -> AnyStream | None:
    """The track to decode: no cover art, a decoder that exists, the default one first, else the first."""
    usable = [
        stream
        for stream in streams
        if stream.codec_context is not None and not stream.disposition & Disposition.attached_pic
    ]
    return next((stream for stream in usable if stream.disposition & Disposition.default), next(iter(usable), None))


def start_s(stream: Stream) -> float:
    """Where the first frame of a track belongs, in seconds of the container's clock."""
    return float(stream.start_time * stream.time_base) if stream.start_time and stream.time_base else 0.0


def audio_track(stream: AudioStream, first: AudioFrame | None, container: Container, capacity: Capacity) -> AudioTrack:
    """Describe the sound track by its first frame. Raises Unreadable "over-limit", "codec-unsupported".

    A track that starts late has shown no frame yet; then the decoder's own reading of the header has to do. A film may
    have sound that nobody here decodes, as from telephones that spoke EVRC.
    """
    seen = first or stream.codec_context
    if seen.format is None:
        raise Unreadable("codec-unsupported", codec=codec_name(stream))
    rate, channels = seen.sample_rate, seen.layout.nb_channels
    if not capacity.sample_rate_min <= rate <= capacity.sample_rate_max:
        limit = capacity.sample_rate_max if rate > capacity.sample_rate_min else capacity.sample_rate_min
        raise Unreadable("over-limit", what="sample_rate", value=rate, limit=limit)
    if not 1 <= channels <= capacity.channels:
        raise Unreadable("over-limit", what="channels", value=channels, limit=capacity.channels)
    return AudioTrack(
        codec=codec_name(stream),
        sample_rate=rate,
        channels=channels,
        sample_format=seen.format.name,
        claimed_duration_s=_claimed_s(stream, container),
        bit_rate=stream.codec_context.bit_rate or None,
    )


def video_track(stream: VideoStream, first: Picture | None, container: Container) -> VideoTrack | None:
    """Describe the picture track by its first picture; None when not even the decoder knows a size."""
    seen = first or stream.codec_context
    if not seen.width or seen.format is None:
        return None
    aspect = stream.sample_aspect_ratio
    pixel_aspect = float(aspect) if aspect and 0.1 <= aspect <= 10 else 1.0
    rotation, mirrored = lying(first) if first else (0, False)
    width, height = shown_size(seen.width, seen.height, rotation, pixel_aspect)
    return VideoTrack(
        codec=codec_name(stream),
        width=width,
        height=height,
        coded_width=seen.width,
        coded_height=seen.height,
        rotation_deg=rotation,
        pixel_aspect=pixel_aspect,
        frame_rate_avg=float(stream.average_rate) if stream.average_rate else None,
        claimed_duration_s=_claimed_s(stream, container),
        bit_rate=stream.codec_context.bit_rate or None,
        pixel_format=seen.format.name,
        color_transfer=TRANSFERS.get(int(seen.color_trc), "unknown"),
        interlaced=bool(first and first.interlaced_frame),
        mirrored=mirrored,
    )


def lying(picture: Picture) -> tuple[int, bool]:
    """How far a player turns a stored picture clockwise in degrees, and whether it exchanges left and right before.

    After the transformation matrix of ISO/IEC 14496-12, 6.2.2. PyAV tells a rotation alone, which takes a picture that
    is mirrored for one that stands on its head. Oblique angles do not exist in cameras.
    """
    matrix = next((data for data in beside(picture) if data.type.value == SideData.DISPLAYMATRIX.value), None)
    if matrix is None:
        return 0, False
    across, down, _, back, below = struct.unpack("=5i", bytes(matrix)[:20])
    area = across * below - down * back
    mirrored = area < 0
    turned = math.degrees(math.atan2(-down if mirrored else down, -across if mirrored else across))
    return (round(turned / 90) * 90 % 360 if area else 0), mirrored


def _claimed_s(stream: Stream, container: Container) -> float | None:
    # Formats without a header have no duration; FFmpeg then guesses one from the bit rate, which is no claim. Of an AVI
    # that lost its end it tells what is left.
    told = container.format == "mov" or (container.format == "avi" and not container.incomplete)
    if told and stream.duration and stream.time_base:
        return float(stream.duration * stream.time_base)
    # Matroska claims one length for all tracks, and the last subtitle may stand long after sound and picture end.
    if container.format == "matroska" and any(other.type == "subtitle" for other in stream.container.streams):
        return None
    # The end of an Ogg is a place on its clock, and what was cut out of a running transmission does not begin at 0.
    claimed_s, begins_s = container.claimed_duration_s, start_s(stream)
    if container.format == "ogg" and claimed_s and begins_s < min(claimed_s, LONGEST_PAGE_S):
        return claimed_s - begins_s
    return container.claimed_duration_s


def codec_name(stream: Stream) -> str:
    """The name of the format (h264, aac), not of the decoder that happens to read it (libdav1d, mp3float)."""
    return stream.codec_context.codec.canonical_name
