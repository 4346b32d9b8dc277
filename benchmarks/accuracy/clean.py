"""What counts as a clean recording of a voice, by measures that are none of the checks'.

Written down before any check was run on the recordings that the newest claim of docs/checks.md is about. A recording
that has as much of a defect by itself as the mild defects of `defects` add is no clean one; whoever complains of it is
right. Each limit was set on recordings used up before so that of 54 clips with a mild defect at most one in twenty
passes as clean of it (thumps one in fourteen, mains and clicks one in seven). SciPy and NumPy only, so that nothing
here shares a fault with what it judges. Whether somebody speaks, and nobody and nothing else, is looked at in a picture
of the spectrum besides.
"""

import numpy as np
import scipy
from numpy.typing import NDArray

Signal = NDArray[np.float32]
Mono = NDArray[np.float64]

#: Seconds of one level, and where a voice lies (Hz).
STEP_S, VOICE_HZ = 0.02, (120.0, 8000.0)
#: The loudest twentieth of the levels of a voice over the quietest tenth (dB); other voices 15 dB under it leave 23.
STANDS_OUT_DB = 30.0
#: The same over the quietest twentieth in each of these bands (Hz) in which the voice is at most so far (dB) under its
#: loudest band, in steps so long (s). Noise 20 dB under the voice leaves less than that in some band, and clean clips
#: have more in all; by the levels of the whole two of three clips with white noise passed.
BANDS_HZ, IN_BAND_DB, HEARD_DB, LONG_S = ((150, 400), (400, 1000), (1000, 2500), (2500, 6000)), 26.0, 40.0, 0.04
#: Somebody speaks: no further (dB) under the loudest twentieth, and so far over the quietest. For so long (s), this
#: share of the time.
SPEAKS_DB, OVER_DB, SPOKEN_S, SPOKEN = 25.0, 6.0, 1.0, 0.3
#: The fastest twentieth of the falls over 100 ms, between 250 and 4,000 Hz, would lose 60 dB in this time (s); nineteen
#: of twenty clips with the mild echo take longer. They begin in the loudest 40 % and end so far (dB) over the quietest
#: twentieth; fewer than so many say nothing.
DRY_S, FALL_HZ, FALL, FALL_S, LEFT_DB, FALLS = 0.285, (250.0, 4000.0), 10, 0.01, 3.0, 10
#: What lies below the first (Hz) stays so far (dB) under the loudest twentieth of the voice; a mild thump is at −2.
DEEP_HZ, POP_DB = 100.0, -4.0
#: A click: the highest of a millisecond above this (Hz) so many times over the highest 2 to 12 ms away, which is this
#: at least; so many of them.
CLICK_HZ, CLICK, AWAY, LEAST, CLICKS = 7000.0, 12.0, (2, 12), 1e-4, 3
#: The first and last two levels lie so far (dB) under the loudest twentieth.
EDGE_DB = -10.0
#: So many equal samples in a row, of all but the highest there are, and so many such rows.
ROW, HIGHEST, ROWS = 3, 0.98, 3
#: Mains and their multiples (Hz), so near (Hz), and how far a line may stand out of what is around it (Hz, dB); what
#: is quieter (dBFS) nobody hears.
MAINS_HZ = (50, 60, 100, 120, 150, 180, 240, 300)
NEAR_HZ, AROUND_HZ, LINE_DB, HEARD_DBFS = 0.6, (1.5, 12.0), 20.0, -70.0
#: A hole: for so long (s) one and the same sample, next to samples of this size and more.
HOLE_S, BESIDE = 0.003, 1e-3
#: The checks that are right to complain where a flaw is.
EXPLAINS = {
    "noise": {"audio.signal_to_noise"},
    "little": {"audio.speech", "audio.speech_share", "audio.silence", "audio.longest_pause"},
    "pop": {"audio.handling", "audio.wind"},
    "start": {"audio.cut_start"},
    "end": {"audio.cut_end"},
    "clicks": {"audio.clicks"},
    "echo": {"audio.reverberation"},
    "clipped": {"audio.clipping", "audio.flat_top", "audio.true_peak"},
    "hum": {"audio.hum"},
    "offset": {"audio.dc_offset"},
    "zeros": {"audio.noise_gate", "audio.dropouts", "audio.encoded_gaps"},
    "narrow": {"audio.bandwidth", "audio.sample_rate"},
    "quiet": {"audio.loudness", "audio.short_term_loudness"},
}
#: What music and other sound can be wrong in: the rest is content there.
ANYWHERE = {"clipped"}
#: A constant offset (of 1), the power above a telephone's band (Hz, dB under the whole), the rate (Hz), a level (dBFS).
OFFSET, BAND_HZ, BAND_DB, RATE_HZ, QUIET_DBFS = 0.003, 4600.0, 40.0, 16000, -42.0


def flaws(samples: Signal, rate: int) -> list[str]:
    """What keeps a recording of shape (samples, channels) from being clean, by name; empty for a clean one."""
    whole = samples.mean(axis=1, dtype=np.float64)
    mono = whole - whole.mean()
    voice, deep = levels(banded(mono, rate, VOICE_HZ), rate), levels(banded(mono, rate, (0, DEEP_HZ)), rate)
    loud = float(np.percentile(voice, 95))
    told = {
        "noise": loud - np.percentile(voice, 10) < STANDS_OUT_DB or noisy(mono, rate),
        "little": not speaks(voice, loud),
        "pop": deep.max() - loud > POP_DB,
        "start": voice[:2].max() - loud > EDGE_DB,
        "end": voice[-2:].max() - loud > EDGE_DB,
        "clicks": any(clicks(channel, rate) for channel in samples.T),
        "echo": not dry(mono, rate),
        "clipped": clipped(samples),
        "hum": line_db(mono, rate) >= LINE_DB,
        "offset": abs(whole.mean()) > OFFSET,
        "zeros": cut_out(samples[:, 0], rate) or holed(samples[:, 0], rate),
        "narrow": rate < RATE_HZ or narrow(mono, rate),
        "quiet": decibel((mono**2).mean()) < QUIET_DBFS,
    }
    return [name for name, wrong in told.items() if wrong]


def decibel(power: NDArray[np.float64] | np.floating) -> NDArray[np.float64]:
    """A power as a level (dBFS)."""
    return np.asarray(10 * np.log10(np.asarray(power) + 1e-12))


def banded(mono: Mono, rate: int, band_hz: tuple[float, float]) -> Mono:
    """What lies between two frequencies, as far as the rate reaches."""
    low, high = band_hz[0], min(band_hz[1], 0.45 * rate)
    kind, edges = ("band", [low, high]) if low else ("low", high)
    return np.asarray(scipy.signal.sosfilt(scipy.signal.butter(4, edges, kind, fs=rate, output="sos"), mono))


def levels(mono: Mono, rate: int, step_s: float = STEP_S) -> Mono:
    """Levels of whole steps (dBFS)."""
    length = round(rate * step_s)
    return decibel((mono[: len(mono) // length * length].reshape(-1, length) ** 2).mean(axis=1))


def noisy(mono: Mono, rate: int) -> bool:
    """Whether the voice hardly stands out in some band in which it is heard."""
    bands = [levels(banded(mono, rate, band), rate, LONG_S) for band in BANDS_HZ if band[0] < 0.4 * rate]
    loud, quiet = (np.array([np.percentile(band, share) for band in bands]) for share in (95, 5))
    heard = loud > loud.max() - HEARD_DB
    return bool((loud - quiet)[heard].min() < IN_BAND_DB)


def clicks(channel: NDArray[np.float32], rate: int) -> bool:
    """Whether single milliseconds stand out of those around them, above the voice."""
    sections = scipy.signal.butter(4, min(CLICK_HZ, 0.4 * rate), "high", fs=rate, output="sos")
    high, length = np.abs(scipy.signal.sosfilt(sections, channel.astype(np.float64))), max(round(rate / 1000), 1)
    tops = high[: len(high) // length * length].reshape(-1, length).max(axis=1)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(tops, AWAY[1], "edge"), 2 * AWAY[1] + 1)
    near = np.abs(np.arange(-AWAY[1], AWAY[1] + 1)) < AWAY[0]
    out = tops > CLICK * np.maximum(around[:, ~near].max(axis=1), LEAST)
    return int(np.sum(out & (tops >= around[:, near].max(axis=1)))) >= CLICKS


def speaks(voice: Mono, loud: float) -> bool:
    """Whether somebody may speak for long enough: a question of levels, the rest is for the eye."""
    share = float((voice > max(loud - SPEAKS_DB, float(np.percentile(voice, 5)) + OVER_DB)).mean())
    return share * len(voice) * STEP_S >= SPOKEN_S and share >= SPOKEN


def dry(mono: Mono, rate: int) -> bool:
    """Whether sound dies away as fast as in a room for living."""
    even = np.convolve(levels(banded(mono, rate, FALL_HZ), rate, FALL_S), np.ones(3) / 3, "same")
    before, after = even[:-FALL], even[FALL:]
    falls = (before > np.percentile(even, 60)) & (after > np.percentile(even, 5) + LEFT_DB) & (before > after)
    times = 60 * FALL * FALL_S / (before - after)[falls]
    return len(times) >= FALLS and bool(np.percentile(times, 5) <= DRY_S)


def clipped(samples: Signal) -> bool:
    """Whether equal samples stand in rows at the top of the channels, or a sample is as high as there can be."""
    high = np.abs(samples) >= HIGHEST * (np.abs(samples).max(axis=0) + 1e-9)
    equal = (np.diff(samples, axis=0) == 0) & high[1:] & high[:-1]
    rows = sum(int(np.sum(lengths(channel) >= ROW - 1)) for channel in equal.T)
    return rows >= ROWS or bool(np.abs(samples).max() >= 1.0)


def lengths(inside: NDArray[np.bool_]) -> NDArray[np.int64]:
    """How long each stretch is in which something is so."""
    edges = np.diff(np.concatenate(([0], inside.astype(int), [0])))
    return np.asarray(np.flatnonzero(edges == -1) - np.flatnonzero(edges == 1))


def line_db(mono: Mono, rate: int) -> float:
    """How far mains stand out of the spectrum of the whole (dB)."""
    window = np.hanning(len(mono))
    spectrum = 20 * np.log10(np.abs(np.fft.rfft(mono * window)) * 2 / window.sum() + 1e-10)
    away = [np.abs(np.fft.rfftfreq(len(mono), 1 / rate) - hertz) for hertz in MAINS_HZ]
    lines = [(spectrum[far <= NEAR_HZ].max(initial=-200.0), around(spectrum, far)) for far in away]
    return max((float(line - usual) for line, usual in lines if line > HEARD_DBFS), default=-99.0)


def around(spectrum: Mono, far: Mono) -> float:
    """What is usual around a line (dBFS)."""
    return float(np.median(spectrum[(far > AROUND_HZ[0]) & (far < AROUND_HZ[1])]))


def cut_out(channel: NDArray[np.float32], rate: int) -> bool:
    """Whether a whole step between sounds is one and the same sample."""
    length = round(rate * STEP_S)
    steps = channel[: len(channel) // length * length].reshape(-1, length)
    heard = np.flatnonzero((steps != steps[:, :1]).any(axis=1))
    return len(heard) > 0 and bool(len(heard) < heard[-1] - heard[0] + 1)


def holed(channel: NDArray[np.float32], rate: int) -> bool:
    """Whether the sound stops at once for some milliseconds, and begins again at once after them."""
    edges = np.diff(np.concatenate(([0], (np.diff(channel) == 0).astype(int), [0])))
    starts, ends = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    long = (ends - starts >= HOLE_S * rate) & (starts > 0) & (ends < len(channel) - 1)
    beside = np.minimum(np.abs(channel[starts[long] - 1]), np.abs(channel[ends[long] + 1]))
    return bool((beside > BESIDE).any())


def narrow(mono: Mono, rate: int) -> bool:
    """Whether next to nothing lies above a telephone's band."""
    sections = scipy.signal.butter(8, BAND_HZ, "high", fs=rate, output="sos")
    return bool(decibel((mono**2).mean()) - decibel((scipy.signal.sosfilt(sections, mono) ** 2).mean()) > BAND_DB)
