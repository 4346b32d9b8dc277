"""Faults of published clips that show in levels: cut ends, closed gates, pops and gusts, noise, and clipping."""

import numpy as np
import scipy
from numpy.typing import NDArray

Signal = NDArray[np.float32]

#: Seconds of one level.
STEP_S = 0.02
#: What begins or ends within so much (dB) of the loudest twentieth of its levels was cut there.
CUT_DB = 10.0
#: A microphone that is shut: so many levels and more, in which so many samples are the same, between sounds that are so
#: loud (dBFS) within so many levels, and that twice.
SHUT, SAME, HEARD_DBFS, NEAR, TWICE = 2, 0.8, -70.0, 10, 2
#: Hands and mouths lie below the first of these, voices above the second (Hz).
LOW_HZ, VOICE_HZ = 100.0, 150.0
#: A pop or knock is so much louder than the loudest twentieth of the voice (dB). A gust lasts for so many levels, is
#: at most so much quieter than that, and drowns what voice there is by so much.
POP_DB, GUST, QUIETER_DB, DROWNS_DB = 3.0, 5, 6.0, 8.0
#: A voice stands so much (dB) above the quietest tenth of its levels.
NOISY_DB = 20.0
#: A noise that stays: of the levels of 60 ms the quietest tenth lie so near to each other (dB).
TOGETHER, STEADY_DB = 3, 3.0
#: Clipped: so many equal samples in a row that are all but the highest there are, and so many such rows.
ROW, HIGHEST, ROWS = 4, 0.995, 3


def faults(samples: Signal, rate: int) -> list[str]:
    """The checks of levels that are right to complain about a clip of speech."""
    mono = samples.mean(axis=1, dtype=np.float64)
    low, voice = banded(mono, rate, 0, LOW_HZ), banded(mono, rate, VOICE_HZ, rate / 2)
    whole, loud = levels(mono - np.median(mono), rate), float(np.percentile(voice, 95))
    gust = scipy.ndimage.minimum_filter1d(np.where(low >= voice + DROWNS_DB, low, -120.0), GUST).max()
    told = {
        "audio.cut_start": whole[0] > np.percentile(whole, 95) - CUT_DB,
        "audio.cut_end": whole[-1] > np.percentile(whole, 95) - CUT_DB,
        "audio.noise_gate": shut(mono, whole, rate) >= TWICE,
        "audio.handling": low.max() > loud + POP_DB,
        "audio.wind": gust > loud - QUIETER_DB,
        "audio.signal_to_noise": loud - np.percentile(voice, 10) < NOISY_DB,
    }
    return [name for name, wrong in told.items() if wrong]


def noise_db(samples: Signal, rate: int) -> float | None:
    """How far a noise that stays is under the whole of a clip, above 150 Hz (dB); None where none stays."""
    mono = samples.mean(axis=1, dtype=np.float64)
    powers = 10 ** (banded(mono - mono.mean(), rate, VOICE_HZ, rate / 2) / 10)
    calm = powers[: len(powers) // TOGETHER * TOGETHER].reshape(-1, TOGETHER).mean(axis=1)
    quietest, quiet = 10 * np.log10(np.percentile(calm, (2, 10)))
    whole = 10 * np.log10(((mono - mono.mean()) ** 2).mean() + 1e-12)
    return float(whole - quiet) if quiet - quietest < STEADY_DB else None


def levels(mono: NDArray[np.float64], rate: int) -> NDArray[np.float64]:
    """Levels of whole steps (dBFS)."""
    length = round(rate * STEP_S)
    steps = mono[: len(mono) // length * length].reshape(-1, length)
    return np.asarray(10 * np.log10((steps**2).mean(axis=1) + 1e-12))


def banded(mono: NDArray[np.float64], rate: int, low_hz: float, high_hz: float) -> NDArray[np.float64]:
    """Levels of what lies between two frequencies, all else taken out of the spectrum of the whole."""
    spectrum, frequencies = np.fft.rfft(mono), np.fft.rfftfreq(len(mono), 1 / rate)
    spectrum[(frequencies < low_hz) | (frequencies > high_hz) | (frequencies == 0)] = 0
    return levels(np.fft.irfft(spectrum, len(mono)), rate)


def shut(mono: NDArray[np.float64], whole: NDArray[np.float64], rate: int) -> int:
    """How often nothing at all comes between two sounds."""
    length = round(rate * STEP_S)
    steps = mono[: len(mono) // length * length].reshape(-1, length)
    nothing = np.concatenate(([False], (steps == np.median(steps, axis=1)[:, None]).mean(axis=1) >= SAME, [False]))
    starts, ends = np.flatnonzero(nothing[1:] & ~nothing[:-1]), np.flatnonzero(~nothing[1:] & nothing[:-1])
    return sum(
        end - start >= SHUT
        and whole[max(start - NEAR, 0) : start].max(initial=-120) > HEARD_DBFS
        and whole[end : end + NEAR].max(initial=-120) > HEARD_DBFS
        for start, end in zip(starts, ends, strict=True)
    )


def clipped(samples: Signal) -> bool:
    """Whether equal samples stand in rows at the top of any channel."""
    return any(rows(channel) >= ROWS for channel in samples.T)


def rows(channel: NDArray[np.float32]) -> int:
    """How many rows of equal samples stand at the top."""
    high = np.abs(channel) >= HIGHEST * np.abs(channel).max(initial=1e-9)
    equal = (np.diff(channel) == 0) & high[1:]
    inside = np.concatenate(([False], equal, [False]))
    starts, ends = np.flatnonzero(inside[1:] & ~inside[:-1]), np.flatnonzero(~inside[1:] & inside[:-1])
    return int(np.sum(ends - starts >= ROW - 1))
