"""Writing a rendition: encoders and containers that are told to say nothing about themselves or anybody else."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import IO, Any, Literal, cast

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.bitstream import BitStreamFilterContext
from av.video.frame import VideoFrame as Picture
from msgspec import Struct
from numpy.typing import NDArray

from capture_validation.clean.hiding import Plane
from capture_validation.decode import AudioTrack, VideoTrack
from capture_validation.pictures import Colour

#: Ticks of picture time in a second, as in MPEG.
TICKS = Fraction(1, 90_000)
LAYOUTS = ("mono", "stereo", "3.0", "4.0", "5.0", "5.1", "6.1", "7.1")
#: What AAC can say in its header (ISO/IEC 14496-3, table 1.18); other rates become 48 kHz.
AAC_RATES = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000, 64_000, 88_200, 96_000)
OPUS_RATE = 48_000
BIT_RATE_A_CHANNEL = 96_000
#: Constant quality: below this, differences to the original are seen only side by side.
H264 = {"preset": "veryfast", "crf": "20", "bf": "0", "rc-lookahead": "10", "refs": "1", "x264-params": "threads=1"}
AV1 = {"preset": "10", "crf": "30", "svtav1-params": "lp=1"}
FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof+delay_moov"}
#: Names and versions of programs are left out everywhere.
SILENT = 1 << 23
SILENT_CONTAINER = {"fflags": "+bitexact"}


class Form(Struct, frozen=True):
    """What a rendition is written as: FFmpeg's names of the container and the encoders, and the media type."""

    container: str
    media_type: str
    picture: Literal["libx264", "libsvtav1", ""]
    sound: Literal["aac", "libopus", "flac"]


def form(profile: str, *, pictures: bool) -> Form:
    """The form of a profile, with or without pictures."""
    if profile == "av1":
        return Form("mp4", "video/mp4", "libsvtav1", "libopus") if pictures else Form("ogg", "audio/ogg", "", "libopus")
    return Form("mp4", "video/mp4", "libx264", "aac") if pictures else Form("flac", "audio/flac", "", "flac")


class Writer:
    """One rendition on its way out. Close it, or the end is missing."""

    def __init__(self, out: IO[bytes], wanted: Form, video: VideoTrack | None, audio: AudioTrack | None) -> None:
        """`out` is written to and sought in."""
        options = SILENT_CONTAINER | (FRAGMENTED if wanted.container == "mp4" else {})
        self._out = av.open(out, "w", format=wanted.container, options=options)
        self._picture = self._picture_stream(wanted, video) if video and wanted.picture else None
        self._sound = self._sound_stream(wanted, audio) if audio else None
        self._without_messages: BitStreamFilterContext | None = None
        if self._picture is not None and wanted.picture == "libx264":
            # The encoder writes its name and settings into the stream; message units are taken out again.
            self._without_messages = BitStreamFilterContext("filter_units=remove_types=6", self._picture)
        self._last_tick = -1
        self._samples = 0

    def _picture_stream(self, wanted: Form, track: VideoTrack) -> Any:
        stream: Any = self._out.add_stream(wanted.picture, rate=round(track.frame_rate_avg or 30) or 30)
        stream.width, stream.height = even(track.width), even(track.height)
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = stream.time_base = TICKS
        context.thread_count = 1
        context.flags |= SILENT
        context.gop_size = 60
        context.options = dict(H264 if wanted.picture == "libx264" else AV1)
        return stream

    def _sound_stream(self, wanted: Form, track: AudioTrack) -> Any:
        rate = track.sample_rate
        if wanted.sound == "libopus" or (wanted.sound == "aac" and rate not in AAC_RATES):
            rate = OPUS_RATE
        stream: Any = self._out.add_stream(wanted.sound, rate=rate)
        context = stream.codec_context
        context.layout = LAYOUTS[track.channels - 1]
        context.flags |= SILENT
        if wanted.sound == "flac":
            # 24 bits hold whatever a phone's converter delivers; 16 would round what was recorded finer.
            context.format = "s16" if track.sample_format.removesuffix("p") in {"u8", "s16", "flt"} else "s32"
        else:
            context.bit_rate = BIT_RATE_A_CHANNEL * track.channels
        self._rate = track.sample_rate
        self._layout = LAYOUTS[track.channels - 1]
        return stream

    def show(self, planes: tuple[Plane, Plane, Plane], at_s: float, colour: Colour) -> bool:
        """Write a picture; False when one was written for that moment already."""
        tick = round(at_s / TICKS)
        if self._picture is None or tick <= self._last_tick:
            return False
        height, width = planes[0].shape
        whole = np.concatenate([plane.ravel() for plane in planes]).reshape(height * 3 // 2, width)
        picture = Picture.from_ndarray(whole, format="yuv420p")
        picture.pts, picture.time_base = tick, TICKS
        if self._last_tick < 0:
            colour.onto(self._picture.codec_context)
        colour.onto(picture)
        self._last_tick = tick
        self._mux(self._picture.encode(picture), self._without_messages)
        return True

    def hear(self, samples: NDArray[np.float32], at_s: float) -> None:
        """Write sound, float32 (n, channels), whose first sample belongs to a moment; a gap before is silence."""
        if self._sound is None or not len(samples):
            return
        missing = round(at_s * self._rate) - self._samples
        # Steps below 20 ms are rounding of timestamps and no gap.
        if missing > 0.02 * self._rate:
            self._encode(np.zeros((missing, samples.shape[1]), np.float32))
        self._encode(samples)

    def _encode(self, samples: NDArray[np.float32]) -> None:
        packed = np.ascontiguousarray(np.clip(samples, -1.0, 1.0)).reshape(1, -1)
        frame = AudioFrame.from_ndarray(packed, "flt", self._layout)
        frame.sample_rate = self._rate
        frame.pts, frame.time_base = self._samples, Fraction(1, self._rate)
        self._samples += len(samples)
        self._mux(cast("Any", self._sound).encode(frame))

    def _mux(self, packets: Iterable[Any], through: BitStreamFilterContext | None = None) -> None:
        for packet in packets:
            for part in through.filter(packet) if through else [packet]:
                self._out.mux(part)

    def close(self) -> None:
        """Write what the encoders still hold, and the end of the file."""
        if self._sound is not None:
            self._mux(self._sound.encode(None))
        if self._picture is not None:
            self._mux(self._picture.encode(None), self._without_messages)
        self._out.close()


def even(pixels: int) -> int:
    """The next smaller even number of pixels, at least 2: colours are stored at half the size."""
    return max(2, pixels - pixels % 2)
