"""What else people do to a sound file: transforms that nothing was tuned on.

They were written after every limit was set, and are asked for with `--others`. What a copy has to survive that nobody
thought of is told better by them than by the table that the design was made with.
"""

import numpy as np
import scipy.signal

from benchmarks.duplicates.audio_transforms import RATE, Samples, Transform, coded, level, stretched, with_noise


def tilted(samples: Samples, db_per_octave: float) -> Samples:
    """An equaliser that falls or rises evenly from 1 kHz."""
    frequency = np.fft.rfftfreq(len(samples), 1 / RATE)
    gain = 10 ** (db_per_octave * np.log2(np.clip(frequency, 60, None) / 1000) / 20)
    return np.asarray(np.fft.irfft(np.fft.rfft(samples) * gain, len(samples)), np.float32)


def compressed(samples: Samples, ratio: float = 6.0) -> Samples:
    """A compressor: 10 ms up, 100 ms down, everything 25 dB below the peak and louder by a ratio."""
    loud = np.abs(samples)
    fast, slow = (scipy.signal.lfilter([1 - a], [1, -a], loud) for a in np.exp(-1 / (np.array([0.01, 0.1]) * RATE)))
    over = np.maximum(np.maximum(fast, slow) / (loud.max() * 10 ** (-25 / 20) + 1e-9), 1)
    return np.asarray(samples * over ** (1 / ratio - 1), np.float32)


def all_passed(samples: Samples) -> Samples:
    """Schroeder's all-pass filters in a row: every frequency is as loud as before, at another time (JAES 10, 1962)."""
    for delay in (371, 599, 1019, 1667):
        feedback = np.zeros(delay + 1)
        feedback[0], feedback[-1] = 1, 0.6
        samples = scipy.signal.lfilter(feedback[::-1], feedback, samples)
    return np.asarray(samples, np.float32)


def wow(samples: Samples, depth: float, hz: float) -> Samples:
    """A speed that swings around the right one by so much, so often."""
    time = np.arange(len(samples))
    at = time + depth * RATE / (2 * np.pi * hz) * np.sin(2 * np.pi * hz * time / RATE)
    return np.interp(at, time, samples).astype(np.float32)


def mu_law(samples: Samples) -> Samples:
    """A telephone line: 8 kHz, 8 bits (ITU-T G.711)."""
    narrow = np.clip(scipy.signal.resample_poly(samples, 1, 2), -1, 1)
    steps = np.rint(127 * np.sign(narrow) * np.log1p(255 * np.abs(narrow)) / np.log(256))
    return np.asarray(np.sign(steps) * (256 ** (np.abs(steps) / 127) - 1) / 255, np.float32)


def inverted(samples: Samples) -> Samples:
    """Two microphones 10 cm apart, of which one is wired the wrong way round, as one channel."""
    later = np.concatenate((np.zeros(5, np.float32), samples[:-5]))
    return np.asarray(samples - 0.8 * later, np.float32)


def echoed(samples: Samples) -> Samples:
    """A loud echo after 160 ms."""
    out = samples.copy()
    out[2560:] += 0.7 * samples[:-2560]
    return out


def faded(samples: Samples) -> Samples:
    """Faded in and out over a quarter of the length each."""
    place = np.linspace(0, 1, len(samples))
    return np.asarray(samples * np.minimum(1, 4 * np.minimum(place, 1 - place)), np.float32)


def under(music: Samples, snr_db: float) -> Transform:
    """Music mixed under, at a ratio (dB) to the loud half of the samples."""
    return lambda y, r, n: (with_noise(y, np.roll(music, -int(r.integers(len(music)))), snr_db), RATE)


def talked_over(voice: Samples, snr_db: float) -> Transform:
    """Somebody else talks at the same time."""
    quiet = np.float32(10 ** (-snr_db / 20) / level(voice))
    return lambda y, r, n: (y + np.resize(voice, len(y)) * quiet * np.float32(level(y)), RATE)


def others(music: Samples, voice: Samples) -> dict[str, Transform]:
    """Every transform by name; `music` and `voice` are of recordings that are not copied."""
    return {
        "G.711, 8 bits": lambda y, r, n: (mu_law(y), RATE // 2),
        "G.723.1, 6.3 kbit/s": lambda y, r, n: (coded(y, "wav", "g723_1", 8_000, 6_300), RATE),
        "Nellymoser 16 kbit/s": lambda y, r, n: (coded(y, "flv", "nellymoser", 11_025, 16_000), RATE),
        "WMA 24 kbit/s": lambda y, r, n: (coded(y, "asf", "wmav2", 16_000, 24_000), RATE),
        "all-pass reverberation": lambda y, r, n: (all_passed(y), RATE),
        "equaliser +6 dB an octave": lambda y, r, n: (tilted(y, 6), RATE),
        "equaliser -6 dB an octave": lambda y, r, n: (tilted(y, -6), RATE),
        "compressor 6:1": lambda y, r, n: (compressed(y), RATE),
        "tempo +3 %": lambda y, r, n: (stretched(y, 1.03), RATE),
        "wow 0.3 %": lambda y, r, n: (wow(y, 0.003, 0.6), RATE),
        "wow 1 %": lambda y, r, n: (wow(y, 0.01, 0.6), RATE),
        "music under, 6 dB": under(music, 6),
        "talked over, 3 dB": talked_over(voice, 3),
        "one channel inverted": lambda y, r, n: (inverted(y), RATE),
        "echo": lambda y, r, n: (echoed(y), RATE),
        "faded in and out": lambda y, r, n: (faded(y), RATE),
    }
