"""What people do to a sound file, done with PyAV, NumPy and SciPy.

Each transform takes mono float32 samples at 16 kHz and gives what a copy would sound like, at any rate. Sources are
chosen by the caller; a transform never sees the reference again. Random ones draw from the generator they are given.
"""

import io
from collections.abc import Callable
from fractions import Fraction

import av
import numpy as np
import scipy.signal
from numpy.typing import NDArray

RATE = 16_000
Samples = NDArray[np.float32]
Transform = Callable[[Samples, np.random.Generator, Samples], tuple[Samples, int]]


def coded(samples: Samples, container: str, codec: str, rate: int, bit_rate: int) -> Samples:
    """Encode and decode with one of FFmpeg's coders; the result is mono at 16 kHz."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, bit_rate=bit_rate, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[None]), format="flt", layout="mono")
        frame.sample_rate = RATE
        for made in av.AudioResampler(stream.format, "mono", rate, frame_size=0).resample(frame):
            out.mux(stream.encode(made))
        out.mux(stream.encode(None))
    file.seek(0)
    with av.open(file) as back:
        to = av.AudioResampler("flt", "mono", RATE)
        parts = [part.to_ndarray()[0] for frame in back.decode(audio=0) for part in to.resample(frame)]
        return np.concatenate([*parts, *(part.to_ndarray()[0] for part in to.resample(None))])


def resampled(samples: Samples, factor: float) -> Samples:
    """Play `factor` times faster: speed and pitch together."""
    ratio = Fraction(1 / factor).limit_denominator(400)
    return scipy.signal.resample_poly(samples, ratio.numerator, ratio.denominator).astype(np.float32)


def stretched(samples: Samples, factor: float) -> Samples:
    """Play `factor` times faster at the same pitch: a phase vocoder (Flanagan and Golden 1966)."""
    size, hop = 1024, 256
    _, _, spectrum = scipy.signal.stft(samples, nperseg=size, noverlap=size - hop)
    at = np.arange(0, spectrum.shape[1] - 1, factor)
    left = at.astype(int)
    weight = at - left
    magnitude = (1 - weight) * np.abs(spectrum[:, left]) + weight * np.abs(spectrum[:, left + 1])
    advance = 2 * np.pi * hop * np.arange(size // 2 + 1)[:, None] / size
    step = np.angle(spectrum[:, left + 1]) - np.angle(spectrum[:, left]) - advance
    step = step - 2 * np.pi * np.round(step / (2 * np.pi)) + advance
    phase = np.angle(spectrum[:, :1]) + np.concatenate((np.zeros((len(step), 1)), np.cumsum(step[:, :-1], 1)), 1)
    return scipy.signal.istft(magnitude * np.exp(1j * phase), nperseg=size, noverlap=size - hop)[1].astype(np.float32)


def pitched(samples: Samples, semitones: float) -> Samples:
    """Shift the pitch at the same tempo."""
    factor = 2 ** (semitones / 12)
    return resampled(stretched(samples, 1 / factor), factor)


def level(samples: Samples) -> float:
    """Root mean square of the loud half, so that pauses do not count as speech."""
    power = np.sort(samples**2)
    return float(np.sqrt(power[len(power) // 2 :].mean()) + 1e-9)


def with_noise(samples: Samples, noise: Samples, snr_db: float) -> Samples:
    """Add noise at a ratio (dB) to the loud half of the samples."""
    noise = np.resize(noise, len(samples))
    return (samples + noise * level(samples) / (np.sqrt(np.mean(noise**2)) + 1e-9) * 10 ** (-snr_db / 20)).astype("f4")


def denoised(samples: Samples) -> Samples:
    """Spectral subtraction as messengers do it: minimum of each bin's 10 % quietest, floor −20 dB."""
    _, _, spectrum = scipy.signal.stft(samples, nperseg=512)
    magnitude = np.abs(spectrum)
    floor = np.quantile(magnitude, 0.1, axis=1, keepdims=True) * 1.5
    gain = np.maximum(1 - floor / (magnitude + 1e-9), 0.1)
    return scipy.signal.istft(spectrum * gain, nperseg=512)[1].astype(np.float32)


def rerecorded(samples: Samples, rng: np.random.Generator, noise: Samples, t60: float, snr_db: float) -> Samples:
    """Played by a phone's loudspeaker and recorded across a room: band limits, reverberation, noise and drift."""
    length = int(t60 * RATE)
    room = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length) * 0.3
    room[0] = 1.0
    band = scipy.signal.butter(2, [350, 6000], "band", fs=RATE, output="sos")
    heard = scipy.signal.sosfilt(band, np.tanh(2 * samples / (np.abs(samples).max() + 1e-9)))
    heard = scipy.signal.fftconvolve(heard, room)[: len(samples)]
    heard = resampled(heard.astype(np.float32), 1 + rng.uniform(-3e-4, 3e-4))
    return with_noise(heard, noise, snr_db)


def normalised(samples: Samples) -> Samples:
    """Dynamic levelling: the level of every half second is brought half-way to the same."""
    envelope = np.sqrt(scipy.signal.fftconvolve(samples**2, np.ones(RATE // 2) / (RATE // 2), "same").clip(1e-8))
    return (samples * (0.1 / envelope) ** 0.7).astype(np.float32)


def middle(samples: Samples, seconds: float) -> Samples:
    """An excerpt around the loudest place, at most `seconds` long."""
    size = int(seconds * RATE)
    if len(samples) <= size:
        return samples
    energy = np.convolve(samples[::16] ** 2, np.ones(size // 16), "valid")
    start = int(energy.argmax()) * 16
    return samples[start : start + size]


def transforms() -> dict[str, Transform]:
    """Every transform by name; the third argument is real noise of another recording."""
    white = lambda y, r: r.standard_normal(len(y)).astype("f4")  # noqa: E731
    table: dict[str, Transform] = {
        "as it is": lambda y, r, n: (y, RATE),
        "MP3 32k": lambda y, r, n: (coded(y, "mp3", "libmp3lame", 16_000, 32_000), RATE),
        "Opus 12k": lambda y, r, n: (coded(y, "ogg", "libopus", 16_000, 12_000), RATE),
        "AAC 24k": lambda y, r, n: (coded(y, "adts", "aac", 16_000, 24_000), RATE),
        "AMR-NB 5.9k": lambda y, r, n: (coded(y, "amr", "libopencore_amrnb", 8_000, 5_900), RATE),
        "gain -20 dB": lambda y, r, n: (y * np.float32(0.1), RATE),
        "clipped +12 dB": lambda y, r, n: (np.clip(y / np.abs(y).max() * 4, -1, 1), RATE),
        "levelled": lambda y, r, n: (normalised(y), RATE),
        "white noise 10 dB": lambda y, r, n: (with_noise(y, white(y, r), 10), RATE),
        "real noise 10 dB": lambda y, r, n: (with_noise(y, n, 10), RATE),
        "real noise 0 dB": lambda y, r, n: (with_noise(y, n, 0), RATE),
        "denoised": lambda y, r, n: (denoised(with_noise(y, white(y, r), 15)), RATE),
        "middle half": lambda y, r, n: (y[len(y) // 4 : -(len(y) // 4)], RATE),
        "3 s": lambda y, r, n: (middle(y, 3), RATE),
        "inside a longer file": lambda y, r, n: (
            np.concatenate((np.resize(n, 7 * RATE), y, np.resize(n, 5 * RATE))),
            RATE,
        ),
        "start and end cut": lambda y, r, n: (y[int(0.37 * RATE) : -int(0.51 * RATE)], RATE),
        "rerecorded, easy": lambda y, r, n: (rerecorded(y, r, n, 0.2, 20), RATE),
        "rerecorded, hard": lambda y, r, n: (rerecorded(y, r, n, 0.5, 10), RATE),
        "tempo +5 %": lambda y, r, n: (stretched(y, 1.05), RATE),
        "tempo -4 %": lambda y, r, n: (stretched(y, 0.96), RATE),
    }
    for percent in (1, 2, 5, -1, -2, -5):
        table[f"speed {percent:+} %"] = lambda y, r, n, k=1 + percent / 100: (resampled(y, k), RATE)
    for semitones in (0.5, -0.5, 2, -2):
        table[f"pitch {semitones:+}"] = lambda y, r, n, k=semitones: (pitched(y, k), RATE)
    return table
