"""Faults that a public clip was published with, seen by another measure than that of the check which looks for them.

The voices of a game under water die away over a second and a half, and who complains about that is right. Such a clip
says nothing of how well echo is told from none; the check itself must not be the one to say so. Some were seen in
drawings of the waveform: of every clip whose complaint no measure here explains, and of one clip of the speaker who is
listed whole, whose other clips are taken to be like it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy
from numpy.typing import NDArray

from benchmarks.accuracy import edges
from benchmarks.accuracy.corpus import SPOKEN, Clip, Signal

#: Steps of levels in seconds, and how far under its loudest twentieth the last loud moment may lie (dB).
STEP_S, LOUD_DB = 0.01, 10.0
#: Between these (dB under the moment a voice stopped) the decay is followed: T20 of ISO 3382-2, interrupted noise.
FROM_DB, TO_DB = 5.0, 25.0
#: What is left at the end of that is at least so much quieter (dB): a noise of the room stays as it is.
FADED_DB = 15.0
#: An echo dies away along a straight line; a voice that fades, or a room noise that stays, does not.
STRAIGHT = 0.97
#: Seconds in which a room that reverberates loses 60 dB; one for listening has 0.2 to 0.4 (EBU Tech 3276).
ECHO_S = 0.5
#: A telephone ends here (Hz); what is so far under everything else (dB) nobody hears.
BEYOND_HZ, UNHEARD_DB = 4600.0, 45.0
#: Faults seen in drawings, by source and clip. Tops cut off flat although the file says nothing of it: overdriven, then
#: encoded. A beginning with the waves of a vowel as high as they ever are, and no rise to them. Needles between the
#: waves. Pieces of other recordings, joined.
SEEN = {
    ("stamps ca", "tanker_desc_ca.ogg"): ["audio.flat_top"],
    ("stamps da", "stoplight_02_yellow_desc_da.ogg"): ["audio.cut_start"],
    ("LibriSpeech-4088", "4088-158077-0000.flac"): ["audio.flat_top"],
    ("CommonVoice-en-19963788", "common_voice_en_19963788.wav"): ["audio.flat_top"],
    ("LibriSpeech-3331", "3331-159605-0008.flac"): ["audio.clicks"],
    ("allie-suun3", "suun3.wav"): ["audio.clicks"],
    ("pyAudioAnalysis words", "count2.wav"): ["audio.clipping", "audio.flat_top"],
}
ALWAYS_FLATTENED = {"stamps es"}
#: False alarms of the reported half that were looked at when all was measured, and do have what they are said to have.
#: They count as false alarms all the same; docs/checks.md says so.
AFTERWARDS = {
    ("Chenny0808", "3.wav"): "a noise that stays 19 dB under the whole",
    ("GabrielT1522", "recording.wav"): "a noise that stays 21 dB under the whole",
    ("AmreetPoudel", "uploaded_audio.wav"): "a noise that stays 19 dB under the whole",
    ("Holmes629", "recorded_audio.wav"): "a noise that stays 16 dB under the whole",
    ("Rana1802", "my_voice.wav"): "a noise that stays 18 dB under the whole",
    ("day-fly", "voice.m4a"): "a noise that stays 19 dB under the whole",
    ("ShahzaibJ2", "testNoMistakes.mp3"): "a noise that stays 19 dB under the whole",
    ("nanda-kshr", "voice.m4a"): "the quietest tenth, in which nobody speaks, is 16 dB under the whole",
    ("qgbo", "123 hike,hang out kick back.m4a"): "the fastest tenth of its falls would lose 60 dB in 0.5 s",
    ("PYHAO-2227", "TestAudio1.mp3"): "0.28 s for 60 dB after the last word (T20), as long as the mild echo",
    ("Maphikza", "tlhaks.m4a"): "−29 dBFS below 100 Hz for 0.2 s, where the voice is at −51; falls as in 0.5 s",
    ("CatalinaMendizabal", "AUDIO.m4a"): "−16 dBFS below 100 Hz for 80 ms, where that is at −55 otherwise",
    ("Deva-2002", "Recording.m4a"): "exact silence for 60 ms to 0.9 s beside sound at −63 to −70 dBFS",
    ("AoiHikari04", "Recording.m4a"): "exact silence for 40 and 80 ms beside sound at −68 and −70 dBFS",
    ("VikasOjha666", "myvoice.wav"): "35 ms at −39 dBFS that come twice, bit for bit",
    ("WebRuin", "New Recording.m4a"): "nobody speaks: three bursts of noise",
    ("WebRuin", "New Recording 2.m4a"): "nobody speaks: six bursts of noise",
    ("2300033452", "8919ff962e1a7f0718085c2ce4f01ba4.wav"): "1.2 s of voice in 11 s",
    ("Skbonde05", "input_voice.wav"): "0.7 s of voice in 5 s",
    ("Skbonde05", "myvoice.wav"): "0.8 s of voice in 5 s",
}
#: Mains: one line at one of these (Hz), where no voice is, or two at its first three multiples, in the spectrum of the
#: whole clip: so near (Hz), so far (dB) over the median of what lies around them, and so loud (dBFS; the last for one).
MAINS_HZ, NEAR_HZ, AROUND_HZ, LINE_DB, LINE_DBFS, ALONE_DBFS = (50.0, 60.0), 0.4, 6.0, 20.0, -65.0, -45.0
#: What was never encoded reaches the top: above the first of these (Hz) it is at most so much (dB) quieter than between
#: the other two.
TOP_HZ, BELOW_HZ, FALLS_DB = 16000.0, (8000.0, 12000.0), 20.0
#: A fault of so many of a source's clips, of at least that many, is one of its room, and all its clips have it.
MOST_OF, AT_LEAST = 0.75, 6


def faults(clip: Clip) -> list[str]:
    """The checks that are right to complain about a clip."""
    found = list(SEEN.get((clip.source, clip.name), []))
    if clip.source in ALWAYS_FLATTENED:
        found.append("audio.flat_top")
    if clip.kind in SPOKEN:
        seconds = decay_s(clip.samples, clip.rate)
        if seconds is not None and seconds >= ECHO_S:
            found.append("audio.reverberation")
        if beyond_db(clip.samples, clip.rate) > UNHEARD_DB:
            found.append("audio.bandwidth")
        if hums(clip.samples, clip.rate):
            found.append("audio.hum")
        found += edges.faults(clip.samples, clip.rate)
    if edges.clipped(clip.samples):
        found.append("audio.clipping")
    return sorted(set(found))


def seen_afterwards(source: str, clip: str) -> str | None:
    """What was seen of a clip that was complained of, when all was measured; None where nothing was."""
    return AFTERWARDS.get((source, clip))


def shared(rows: Sequence[dict[str, Any]]) -> None:
    """Give every clip of a source the echo that nearly all of them have: where one does not die away straight, as well.

    `rows`: what was found of each clip, with its `source` and its `faults`, which grow.
    """
    counts = Counter(row["source"] for row in rows)
    echoing = Counter(row["source"] for row in rows if "audio.reverberation" in row["faults"])
    for row in rows:
        source = row["source"]
        if counts[source] >= AT_LEAST and echoing[source] >= MOST_OF * counts[source]:
            row["faults"] = sorted({*row["faults"], "audio.reverberation"})


def reaches_top(samples: Signal, rate: int) -> bool:
    """Whether nothing cut the sound off below 16 kHz, as encoders of few bits do: the mark that is looked for."""
    if rate < 2.5 * TOP_HZ:
        return False
    high, below = (loudest_db(samples, rate, band) for band in ((TOP_HZ, 0.49 * rate), BELOW_HZ))
    return below - high < FALLS_DB


def loudest_db(samples: Signal, rate: int, band_hz: tuple[float, float]) -> float:
    """The loudest hundredth of what lies in a band, in steps of 20 ms (dBFS)."""
    sections = scipy.signal.butter(6, band_hz, "band", fs=rate, output="sos")
    heard = scipy.signal.sosfilt(sections, samples.astype(np.float64), axis=0)
    return float(10 * np.log10(loudest(heard, rate) + 1e-14))


def loudest(samples: NDArray[Any], rate: int) -> float:
    """The power of the loudest hundredth of a sound, in steps of 20 ms."""
    length = round(rate * 2 * STEP_S)
    steps = samples[: len(samples) // length * length].reshape(-1, length * samples.shape[1])
    return float(np.percentile((steps**2).mean(axis=1), 99))


def hums(samples: Signal, rate: int) -> bool:
    """Whether mains and their harmonics stand out as lines from the spectrum of the whole clip; no voice is a line."""
    mono = samples.mean(axis=1, dtype=np.float64)
    window = np.hanning(len(mono))
    levels = 20 * np.log10(np.abs(np.fft.rfft(mono * window)) * 2 / window.sum() + 1e-10)
    frequencies = np.fft.rfftfreq(len(mono), 1 / rate)
    lines, loud = [], []
    for hertz in np.outer(MAINS_HZ, (1, 2, 3)).ravel():
        away = np.abs(frequencies - hertz)
        line = levels[away <= NEAR_HZ].max(initial=-200.0)
        around = np.median(levels[(away > 4 * rate / len(mono)) & (away < AROUND_HZ)])
        lines.append(line >= max(LINE_DBFS, around + LINE_DB))
        loud.append(line >= ALONE_DBFS)
    found, alone = np.reshape(lines, (2, 3)), np.reshape(loud, (2, 3))
    return bool((found & alone)[:, 0].any() or found.sum(axis=1).max() >= 2)


def beyond_db(samples: Signal, rate: int) -> float:
    """How far the loudest hundredth of what lies above a telephone's band is under that of everything, in 20 ms."""
    if rate <= 2.2 * BEYOND_HZ:
        return float("inf")
    sections = scipy.signal.butter(8, BEYOND_HZ, "high", fs=rate, output="sos")
    high = scipy.signal.sosfilt(sections, samples.astype(np.float64), axis=0)
    whole = loudest(samples - samples.mean(axis=0), rate)
    return float(10 * np.log10((whole + 1e-12) / (loudest(high, rate) + 1e-12)))


def decay_s(samples: Signal, rate: int) -> float | None:
    """Seconds in which the sound would lose 60 dB after the last word; None where it does not die away straight."""
    length = round(rate * STEP_S)
    frames = samples[: len(samples) // length * length].astype(np.float64).reshape(-1, length, samples.shape[1])
    powers = (frames**2).mean(axis=(1, 2)) + 1e-12
    levels = 10 * np.log10(powers)
    loud = np.flatnonzero(levels > np.percentile(levels, 95) - LOUD_DB)
    # Energy still to come (Schroeder's integration), which falls as smoothly as the room lets it.
    left = 10 * np.log10(np.cumsum(powers[loud[-1] :][::-1])[::-1])
    under = left[0] - left
    heard = levels[loud[-1] :]
    followed = np.flatnonzero((under >= FROM_DB) & (under <= TO_DB))
    # A noise that stays ends with the file, and so does its integral.
    if under[-1] < TO_DB or len(followed) < 5 or heard[0] - heard[followed[-3:]].mean() < FADED_DB:
        return None
    slope, _ = np.polyfit(followed * STEP_S, under[followed], 1)
    straight = np.corrcoef(followed, under[followed])[0, 1] ** 2
    return float(60 / slope) if straight >= STRAIGHT else None
