"""Write the tiny recordings of the folder `samples`, one per codec family, from generated pictures and tones.

    python -m capture_validation.sandbox.make_samples

They are kept in the repository because encoders start threads, which a process that is to be forked must not have.
"""

from pathlib import Path
from typing import cast

import av
import numpy as np
from av.audio.stream import AudioStream
from av.video.stream import VideoStream

SAMPLES = Path(__file__).parent / "samples"
SIDE, PICTURES, SECONDS, VOLUME = 64, 12, 0.6, 0.3
SOUND = {
    "sound_aac.m4a": ("aac", 16_000), "sound_mp3.mp3": ("libmp3lame", 16_000), "sound_opus.ogg": ("libopus", 48_000),
    "sound_vorbis.ogg": ("vorbis", 16_000), "sound_flac.flac": ("flac", 16_000), "sound_alac.caf": ("alac", 16_000),
    "sound_amr.amr": ("libopencore_amrnb", 8_000), "sound_pcm.wav": ("pcm_s16le", 16_000),
    "sound_pcm.aiff": ("pcm_s24be", 8_000), "sound_adpcm.wav": ("adpcm_ima_wav", 8_000),
}  # fmt: skip
PICTURE = {
    "video_h264.mp4": "libx264", "video_hevc.mp4": "libx265", "video_vp8.webm": "libvpx",
    "video_vp9.webm": "libvpx-vp9", "video_av1.mp4": "libsvtav1", "video_mpeg4.mp4": "mpeg4",
    "video_mjpeg.avi": "mjpeg", "video_prores.mov": "prores_ks",
}  # fmt: skip
PIXEL_FORMATS = {"mjpeg": "yuvj420p", "prores_ks": "yuv422p10le", "libx265": "yuv420p10le"}


def write_sound(path: Path, codec: str, rate: int) -> None:
    """A tone that swells, so that every check has something to measure."""
    # FFmpeg's own Vorbis encoder knows stereo only.
    stereo = codec == "vorbis"
    with av.open(path, "w") as container:
        stream = cast("AudioStream", container.add_stream(codec, rate=rate))
        stream.codec_context.layout = "stereo" if stereo else "mono"
        stream.codec_context.options = {"strict": "experimental"}
        at = np.arange(int(rate * SECONDS)) / rate
        tone = (VOLUME * np.sin(2 * np.pi * 440 * at) * at / SECONDS * 32767).astype(np.int16)
        samples = np.repeat(tone, 2)[None] if stereo else tone[None]
        frame = av.AudioFrame.from_ndarray(samples, "s16", "stereo" if stereo else "mono")
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)


def write_pictures(path: Path, codec: str) -> None:
    """A bright square that moves over noise."""
    noise = np.random.default_rng(1).integers(0, 40, (SIDE, SIDE, 3), np.uint8)
    with av.open(path, "w") as container:
        stream = cast("VideoStream", container.add_stream(codec, rate=20))
        stream.width = stream.height = SIDE
        stream.pix_fmt = PIXEL_FORMATS.get(codec, "yuv420p")
        for number in range(PICTURES):
            picture = noise.copy()
            picture[20:36, 2 * number : 2 * number + 16] = 220
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode(None))


if __name__ == "__main__":
    SAMPLES.mkdir(exist_ok=True)
    for name, (codec, rate) in SOUND.items():
        write_sound(SAMPLES / name, codec, rate)
    for name, codec in PICTURE.items():
        write_pictures(SAMPLES / name, codec)
