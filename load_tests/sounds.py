"""Recordings that never existed before: a service that has seen a file may answer without work."""

import io
import wave

import numpy as np
from scipy.signal import lfilter

SAMPLE_RATE = 16_000
#: The first three formants of vowels, in Hz, of men (Peterson and Barney, "Control Methods Used in a Study of the
#: Vowels", 1952, table II).
VOWELS = (
    (270, 2290, 3010),
    (390, 1990, 2550),
    (530, 1840, 2480),
    (660, 1720, 2410),
    (730, 1090, 2440),
    (570, 840, 2410),
    (440, 1020, 2240),
    (300, 870, 2240),
    (640, 1190, 2390),
    (490, 1350, 1690),
)
#: Bandwidths of the formants in Hz, and how long a syllable is, in s.
WIDTHS, SYLLABLE_S = (60, 90, 120), (0.14, 0.28)


def recording(length_s: float = 4.0) -> bytes:
    """A WAV of somebody who says nothing in particular, never the same twice; it passes the checks of read speech.

    A source and a filter (Fant, "Acoustic Theory of Speech Production", 1960): pulses of a voice that glides, through
    the formants of one vowel after the other, a sentence of syllables between two moments of room noise.
    """
    draw = np.random.default_rng()
    size = int(SAMPLE_RATE * length_s)
    sound = np.zeros(size)
    at, end, tone = int(0.4 * SAMPLE_RATE), size - int(0.5 * SAMPLE_RATE), draw.uniform(100, 210)
    while at < end:
        voiced = syllable(draw, tone * draw.uniform(0.85, 1.2))[: end - at]
        sound[at : at + len(voiced)] += voiced
        at += int(len(voiced) * draw.uniform(0.9, 1.1)) + int(draw.choice([0, 0, 0, 0.12]) * SAMPLE_RATE)
    # Air does not hold a pressure: what a microphone hears has no offset.
    sound = lfilter([1, -1], [1, -0.99], sound)
    sound = 0.3 * sound / (np.abs(sound).max() or 1) + draw.normal(scale=4e-4, size=size)
    return wav(sound)


def syllable(draw: np.random.Generator, tone: float) -> np.ndarray:
    """One syllable (n,), float64: a breath of noise as a consonant, then a vowel that glides into another one."""
    size = int(draw.uniform(*SYLLABLE_S) * SAMPLE_RATE)
    glide = np.linspace(0, draw.uniform(-0.15, 0.05), size) + np.cumsum(draw.normal(scale=4e-4, size=size))
    phase = np.cumsum(tone * np.exp(glide) / SAMPLE_RATE)
    pulses = np.diff(np.floor(phase), prepend=0) + draw.normal(scale=0.01, size=size)
    # A glottal pulse falls by 12 dB an octave, lips give 6 back.
    source = lfilter([1], [1, -0.95], pulses)
    first, second = (vowel(source, VOWELS[place]) for place in draw.choice(len(VOWELS), 2, replace=False))
    blend = np.linspace(0, 1, size)
    voiced = (first * (1 - blend) + second * blend) * np.sin(np.linspace(0, np.pi, size)) ** 0.6
    breath = draw.normal(scale=1.0, size=size) * np.exp(-np.arange(size) / (0.02 * SAMPLE_RATE))
    hiss = lfilter([1, -0.9], [1], breath) * np.minimum(1, np.arange(size) / (0.01 * SAMPLE_RATE))
    return np.asarray(voiced / np.abs(voiced).max() + draw.uniform(0.02, 0.12) * hiss)


def vowel(source: np.ndarray, formants: tuple[int, ...]) -> np.ndarray:
    """Let a source (n,) sound through a mouth: one resonance after the other."""
    for centre, width in zip(formants, WIDTHS, strict=True):
        radius = np.exp(-np.pi * width / SAMPLE_RATE)
        source = lfilter([1 - radius], [1, -2 * radius * np.cos(2 * np.pi * centre / SAMPLE_RATE), radius**2], source)
    return np.asarray(source / (np.abs(source).max() or 1))


def wav(samples: np.ndarray) -> bytes:
    """Write samples (n,), −1…1, as a WAV of 16 bits."""
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(SAMPLE_RATE)
        output.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()
