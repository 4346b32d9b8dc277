"""Small recordings made in memory, for the oddities that the real ones do not show."""

import io
import struct
from typing import Any

import av
import numpy as np


def video(container: str, codec: str = "mpeg4", options: dict[str, str] | None = None, pictures: int = 30) -> bytes:
    """Pictures of 64 x 48 at 10 a second, the brightness rising from one to the next."""
    file = io.BytesIO()
    with av.open(file, "w", format=container, options=options or {}) as out:
        stream: Any = out.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(pictures):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((48, 64, 3), number * 8, np.uint8))))
        out.mux(stream.encode(None))
    return file.getvalue()


def lying(matrix: tuple[float, float, float, float]) -> bytes:
    """A film of white with a black upper left quarter, to be shown through a matrix (ISO/IEC 14496-12, 6.2.2)."""
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as out:
        stream: Any = out.add_stream("libx264", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stored = np.full((48, 64, 3), 255, np.uint8)
        stored[:24, :32] = 0
        for _ in range(10):
            out.mux(stream.encode(av.VideoFrame.from_ndarray(stored)))
        out.mux(stream.encode(None))
    film = bytearray(file.getvalue())
    at = film.index(b"tkhd") + 44
    across, down, back, below = (round(number * 65536) for number in matrix)
    film[at : at + 36] = struct.pack(">9i", across, down, 0, back, below, 0, 0, 0, 1 << 30)
    return bytes(film)


def sound(
    container: str,
    codec: str,
    samples: np.ndarray,
    rate: int = 16_000,
    sample_format: str = "s16",
    options: dict[str, str] | None = None,
) -> bytes:
    """A mono recording of these samples (n,)."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream: Any = out.add_stream(codec, rate=rate, options=options)
        stream.codec_context.layout = "mono"
        frame = av.AudioFrame.from_ndarray(samples[None], sample_format, "mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    return file.getvalue()


def tone(seconds: float, rate: int = 16_000) -> np.ndarray:
    """A 440 Hz tone at half of full scale, int16."""
    return (16384 * np.sin(2 * np.pi * 440 * np.arange(int(seconds * rate)) / rate)).astype(np.int16)
