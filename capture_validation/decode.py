"""From the bytes of a recording to samples and frames, in one pass and in bounded memory.

`open_recording` recognises the container first, then opens the one demuxer that fits, with a list of allowed
decoders and no protocol at all. What is damaged is counted and skipped, because most of a recording whose phone
died is still worth hearing about; what is endless or enormous is stopped with Unreadable.
"""

import contextlib
import errno
import hashlib
import math
from array import array
from collections import deque
from collections.abc import Iterator
from typing import Any, BinaryIO

import av
import av.error
import av.logging
import av.subtitles.codeccontext
import av.subtitles.stream  # PyAV imports these at its first open, which a sandbox without paths forbids.
from av.audio.frame import AudioFrame
from av.codec.context import CodecContext, ThreadType
from av.container import InputContainer
from av.stream import Discard
from av.video.frame import VideoFrame as Picture

from capture_validation import codecs
from capture_validation.capacity import CAPACITY, Capacity
from capture_validation.containers import Container, recognise
from capture_validation.containers.mpeg_audio import mp3_frame
from capture_validation.errors import Unreadable
from capture_validation.moments import Moments
from capture_validation.pictures import Scaler, VideoFrame
from capture_validation.report import Tier
from capture_validation.samples import AudioBlock, Blocks
from capture_validation.tracks import (
    AudioTrack,
    TrackEnd,
    VideoTrack,
    audio_track,
    best,
    codec_name,
    start_s,
    video_track,
)

__all__ = ["AudioBlock", "AudioTrack", "OpenRecording", "TrackEnd", "VideoFrame", "VideoTrack", "open_recording"]

# FFmpeg writes its complaints to standard error, one line per damaged packet; they are counted here instead.
av.logging.set_level(av.logging.PANIC)

DEMUX_RETRIES = 16
GAPS_KEPT = 1000
#: How FFmpeg reads samples that lie in a RIFF as they are. It looks for DTS among 16-bit ones, twice in every
#: second of its first five unless told to stop sooner; and its own pieces of a tenth of a second cost more than their
#: samples.
RAW = {form: {"probesize": "32768", "max_size": "65536"} for form in ("wav", "w64")}
#: What APEv2 and Lyrics3 end with, behind the sound of an MP3.
TAGS = (b"APETAGEX", b"LYRICSEND", b"LYRICS200")
#: Packets without a single frame of sound or picture after which there will be none; an error takes 20 µs.
HOPELESS = 5_000
# A screen recording shows one picture for as long as nothing moves; beyond this the duration is a lie.
LONGEST_PICTURE_S = 60.0
# Frames of sound kept while waiting for the first picture, which tells rotation. Pictures are never piled up: a
# second of 4K in ten bits would be a gigabyte.
PEEK_SOUNDS = 400
#: Pictures of each group that the instant tier decodes, and the least seconds between two groups. One is enough: the
#: checks that compare neighbours need every picture and leave their verdict to the full tier.
BURST, GROUP_S = 1, 0.25


class OpenRecording:
    """A recording that is ready to be read once.

    `audio` and `video` describe the tracks that are decoded: of several, the one marked as default, else the first;
    cover art is no picture track. `audio_end` and `video_end` are complete after `read`.
    """

    def __init__(self, media: InputContainer, container: Container, capacity: Capacity, tier: Tier = "full") -> None:
        self.container = container
        self.tier = tier
        #: In the instant tier: when each picture is shown, in seconds, also of those that are not decoded.
        self.picture_times = array("d")
        self._since_key, self._next_key_s = BURST, -math.inf
        self._last_shown = (-math.inf, 0.0)
        self.audio_end = TrackEnd()
        self.video_end = TrackEnd()
        self._payloads = hashlib.sha256(), hashlib.sha256()
        # PyAV's stubs give `decode` to the contexts of sound and of pictures, not to what both are.
        self._decoders: dict[int, Any] = {}
        self._media = media
        self._capacity = capacity
        self._sound = best(media.streams.audio)
        self._picture = best(media.streams.video) if container.kind == "video" else None
        if self._sound is None and self._picture is None:
            raise Unreadable("no-tracks")
        self._prepare()
        self._origin = min((start_s(stream) for stream in (self._sound, self._picture) if stream), default=0.0)
        self._moments = Moments()
        # Fractions are exact and cost as much as a glance at the picture.
        self._tick_s = float(self._picture.time_base or 0) if self._picture else 0.0
        self._frames = self._decode()
        self._first_sound: AudioFrame | None = None
        self._first_picture: Picture | None = None
        #: Packets at the end that are no sound, as far as was read, and whether they say that they are a tag.
        self._behind, self._tagged = 0, False
        self._peeked = deque(self._peek())
        self.audio = audio_track(self._sound, self._first_sound, container, capacity) if self._sound else None
        self.video = video_track(self._picture, self._first_picture, container) if self._picture else None
        # Kept, the first picture would occupy one place more than the decoder itself ever needs.
        self._first_picture = None

    @property
    def media(self) -> InputContainer:
        """The file as its demuxer sees it, with its tags and the tracks that nobody decodes."""
        return self._media

    @property
    def unread_picture(self) -> str:
        """The codec of a picture track that nobody here decodes; empty where there is none."""
        names = [stream.codec_context.name for stream in self._media.streams.video if stream.codec_context is not None]
        unread = (name for name in names if name not in codecs.VIDEO.split(","))
        return self.container.unread_picture or next(unread, "")

    def read(self) -> Iterator[AudioBlock | VideoFrame]:
        """Sound in blocks of exactly 0.5 s (the last is shorter) and single pictures, in the order of the file.

        Raises Unreadable: `over-limit` as soon as more was decoded than the capacity holds, `not-finite` for
        samples that are no numbers, `undecodable` when nothing at all could be decoded.
        """
        blocks = Blocks(self.audio.sample_rate, self.audio.channels) if self.audio else None
        scaler = Scaler()
        for frame in self._all_frames():
            if isinstance(frame, AudioFrame):
                if blocks:
                    yield from self._hear(frame, blocks)
            elif self.video:
                shown = self._see(frame, scaler)
                del frame
                yield shown
                # A reference kept by the reader, or by this loop, would cost 31 MB at 4K while the next is decoded.
                shown.forget()
        if blocks:
            yield from blocks.rest()
            self.audio_end.decoded_duration_s = blocks.samples / blocks.sample_rate
        self._finish()

    def _all_frames(self) -> Iterator[AudioFrame | Picture]:
        while self._peeked:
            yield self._peeked.popleft()
        yield from self._frames

    def _prepare(self) -> None:
        """One thread per decoder, only allowed decoders, and no work on tracks that nobody reads."""
        for stream in self._media.streams:
            if stream not in (self._sound, self._picture):
                stream.discard = Discard.all
                continue
            context = self._decoders[stream.index] = _decoder(stream.codec_context)
            context.thread_type, context.thread_count = ThreadType.NONE, 1
            context.options = _options(self.container, self._capacity) | codecs.options(context.name)

    def _peek(self) -> Iterator[AudioFrame | Picture]:
        """The first frames up to the first picture, or up to the first sound where there are no pictures."""
        sounds = 0
        while sounds < PEEK_SOUNDS and not self._first_picture and (frame := next(self._frames, None)):
            if isinstance(frame, AudioFrame):
                sounds += 1
                self._first_sound = self._first_sound or frame
            else:
                self._first_picture = frame
            yield frame
            if not self._picture:
                break
        if not self._first_sound and not self._first_picture:
            raise self._nothing_decoded()

    def _nothing_decoded(self) -> Unreadable:
        """Why no track gave anything: a codec that only the decoder's name betrays, or damage.

        MP4 calls much `mp4a`, and only the bytes inside tell whether that is AAC or, as in copies of discs, DTS.
        """
        known = codecs.allowed(pictures=True).split(",")
        for stream in (self._picture, self._sound):
            if stream is not None and stream.codec_context.name not in known:
                return Unreadable("codec-unsupported", codec=codec_name(stream))
        return Unreadable("undecodable")

    def _decode(self) -> Iterator[AudioFrame | Picture]:
        """Every frame of the chosen tracks; a packet that cannot be decoded is counted and left out."""
        for packet in self._packets():
            end = self.audio_end if packet.stream is self._sound else self.video_end
            end.packets += bool(packet.size)
            if packet.size:
                self._payloads[packet.stream is self._picture].update(packet)
            if end.packets > self._capacity.packets and self.container.format not in ("wav", "w64", "aiff", "caf"):
                raise Unreadable("over-limit", what="packets", value=end.packets, limit=self._capacity.packets)
            if self.tier == "instant" and packet.stream is self._picture and self._left_out(packet):
                continue
            try:
                frames = self._decoders[packet.stream.index].decode(packet)
            except MemoryError as cause:
                raise Unreadable("too-expensive", what="memory") from cause
            except (av.error.FFmpegError, ValueError):
                self._fail(packet, end)
                if end.decode_errors > HOPELESS and not self._first_sound and not self._first_picture:
                    return
                continue
            frames.reverse()
            while frames:
                frame = frames.pop()
                end.corrupt_frames += frame.is_corrupt
                if isinstance(frame, AudioFrame | Picture):
                    yield frame
                del frame

    def _fail(self, packet: av.Packet, end: TrackEnd) -> None:  # type: ignore[type-arg]
        """Count a packet that gave nothing; and note, of an MP3, that it begins with no frame.

        Behind the last frame that is a tag and no sound, if it says so; where sound comes again, it was damage.
        """
        end.decode_errors += 1
        if self.container.format == "mp3" and mp3_frame(data := bytes(packet)) is None:
            self._behind += 1
            self._tagged |= any(name in data for name in TAGS)

    def _left_out(self, packet: av.Packet) -> bool:  # type: ignore[type-arg]
        """Note when a picture is shown; whether the instant tier does without decoding it.

        Decoded are the first pictures of a group: they need none that come later. Where every picture stands for
        itself, one of them in a quarter of a second is decoded. What was trimmed off without encoding the rest anew is
        still in the file, marked as not to be shown.
        """
        if packet.pts is None or packet.time_base is None:
            return False
        at_s = float(packet.pts * packet.time_base) - self._origin
        if not packet.is_discard:
            self.picture_times.append(at_s)
            shown_s = float(packet.duration * packet.time_base) if packet.duration else 0.0
            self._last_shown = max(self._last_shown, (at_s, shown_s))
        if packet.is_keyframe:
            self._since_key = 0 if at_s >= self._next_key_s else BURST
            self._next_key_s = at_s + GROUP_S if self._since_key == 0 else self._next_key_s
        else:
            self._since_key += 1
        return self._since_key >= BURST

    def _packets(self) -> Iterator[av.Packet]:  # type: ignore[type-arg]
        """All packets; the demuxer is asked again after an error, because it resumes behind the damage."""
        streams = [stream for stream in (self._sound, self._picture) if stream is not None]
        for _ in range(DEMUX_RETRIES):
            try:
                yield from self._media.demux(streams)
                return
            except MemoryError as cause:
                raise Unreadable("too-expensive", what="memory") from cause
            except (av.error.FFmpegError, ValueError):
                end = self.audio_end if self._picture is None else self.video_end
                end.decode_errors += 1
                end.truncated = True

    def _hear(self, frame: AudioFrame, blocks: Blocks) -> Iterator[AudioBlock]:
        end = self.audio_end
        self._behind, self._tagged = 0, False
        if frame.sample_rate != blocks.sample_rate or frame.layout.nb_channels != blocks.channels:
            # Sound that changes its rate in the middle is no take of one recorder; the piece counts as damage.
            end.decode_errors += 1
            return
        at = blocks.next_at_s if frame.time is None else frame.time - self._origin
        if not end.frames:
            end.first_at_s = at
            blocks.begin(at)
        gap = blocks.jump(at, self._duration_limit())
        if gap and len(end.gaps) < GAPS_KEPT:
            end.gaps.append(gap)
        end.frames += 1
        yield from blocks.put(frame)
        end.last_at_s = blocks.next_at_s
        self._stop_beyond("duration_s", blocks.samples / blocks.sample_rate, self._duration_limit())
        self._stop_beyond("sample_values", blocks.samples * blocks.channels, self._capacity.sample_values)

    def _see(self, frame: Picture, scaler: Scaler) -> VideoFrame:
        end, track = self.video_end, self.video
        assert track is not None  # noqa: S101  Frames are read only when the track was found.
        if not self._capacity.fits_picture(frame.width, frame.height):
            limit = f"{self._capacity.long_side}x{self._capacity.short_side}"
            raise Unreadable("over-limit", what="picture", value=f"{frame.width}x{frame.height}", limit=limit)
        usual = 1 / track.frame_rate_avg if track.frame_rate_avg else 0.0
        time_s = self._moments.seconds(frame)
        at = end.last_at_s + usual if time_s is None else time_s - self._origin
        if not end.frames:
            end.first_at_s = at
        duration = frame.duration * self._tick_s or usual
        end.frames += 1
        end.last_at_s = max(end.last_at_s, at)
        end.decoded_duration_s = end.last_at_s - end.first_at_s + (duration if duration < LONGEST_PICTURE_S else usual)
        self._stop_beyond("duration_s", end.decoded_duration_s, self._duration_limit())
        self._stop_beyond("packets", end.frames, self._capacity.packets)
        turn = track.rotation_deg, track.pixel_aspect
        return VideoFrame(frame, at, duration, *turn, scaler, mirrored=track.mirrored)

    def _duration_limit(self) -> float:
        video = self.container.kind == "video"
        return self._capacity.video_duration_s if video else self._capacity.audio_duration_s

    def _stop_beyond(self, what: str, value: float, limit: float) -> None:
        if value > limit:
            raise Unreadable("over-limit", what=what, value=value, limit=limit)

    def _finish(self) -> None:
        self.audio_end.decode_errors -= self._behind if self._tagged else 0
        if self.picture_times and self.video is not None:
            end, shown = self.video_end, sorted(self.picture_times)
            usual = 1 / self.video.frame_rate_avg if self.video.frame_rate_avg else 0.0
            end.frames, end.first_at_s, end.last_at_s = len(shown), shown[0], shown[-1]
            last_s = self._last_shown[1]
            end.decoded_duration_s = shown[-1] - shown[0] + (last_s if 0 < last_s < LONGEST_PICTURE_S else usual)
        both = (self.audio, self.audio_end), (self.video, self.video_end)
        for (track, end), payload in zip(both, self._payloads, strict=True):
            if track is None:
                continue
            end.payload_sha256 = payload.hexdigest()
            claimed = track.claimed_duration_s or 0.0
            # Matroska claims the end of its longest track, whatever the others do.
            longest_s = max(self.audio_end.reached_s, self.video_end.reached_s)
            whole = self.container.format == "matroska" and not self.container.incomplete
            end.outlived = whole and longest_s >= claimed - 0.5
            # The last packet of honest files is often shorter or longer than claimed, never half a second.
            missing = claimed - end.decoded_duration_s - sum(length for _, length in end.gaps)
            lacks = missing > max(0.5, 0.02 * claimed) and not end.outlived
            end.truncated |= self.container.incomplete or lacks
            end.lacks_pieces = self.container.lacks_pieces


@contextlib.contextmanager
def open_recording(file: BinaryIO, capacity: Capacity = CAPACITY, tier: Tier = "full") -> Iterator[OpenRecording]:
    """Open a recording of a stranger for one pass of decoding, of every picture or of some (`tier`).

    `file` is seekable and stays open. Memory does not grow with the length. Raises Unreadable for a file that is
    none or must not be decoded (see `containers.recognise`), and `undecodable` when the decoder finds nothing.
    """
    container = recognise(file, capacity)
    with open_as(file, container, capacity, tier) as recording:
        yield recording


@contextlib.contextmanager
def open_as(
    file: BinaryIO, container: Container, capacity: Capacity = CAPACITY, tier: Tier = "full"
) -> Iterator[OpenRecording]:
    """Open a file as the container it was recognised to be."""
    file.seek(0)
    options = (
        _options(container, capacity)
        | RAW.get(container.format, {})
        | {
            "format_whitelist": container.format,
            "protocol_whitelist": "none",
            "max_streams": str(capacity.tracks_of_any_kind),
        }
    )
    try:
        media = av.open(file, "r", format=container.format, options=options, metadata_errors="ignore")
    except MemoryError as cause:
        raise Unreadable("too-expensive", what="memory") from cause
    except (av.error.FFmpegError, ValueError, UnicodeError) as cause:
        raise Unreadable("undecodable") from cause
    except OSError as cause:
        # A header that points further than a file of this system can reach; what a disk says is not the recording's.
        if cause.errno != errno.EINVAL:
            raise
        raise Unreadable("undecodable") from cause
    with media:
        yield OpenRecording(media, container, capacity, tier)


def _options(container: Container, capacity: Capacity) -> dict[str, str]:
    return {
        "codec_whitelist": codecs.allowed(pictures=container.kind == "video"),
        "max_pixels": str(capacity.pixels),
        "threads": "1",
    }


def _decoder(found: CodecContext) -> CodecContext:
    """The decoder of a track: the one FFmpeg has found, or one that reads more of the same codec."""
    name = codecs.FULLER.get(found.name)
    return found if name is None or name not in av.codecs_available else CodecContext.create(name, "r")
