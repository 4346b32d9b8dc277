"""Recordings that never existed before: a service that has seen a file may answer without work."""

import io
import wave

import numpy as np

SAMPLE_RATE = 16_000


def recording(length_s: float = 4.0) -> bytes:
    """A WAV like speech, never the same twice: a new voice pitch, new syllables, new room noise."""
    draw = np.random.default_rng()
    at_s = np.arange(int(SAMPLE_RATE * length_s)) / SAMPLE_RATE
    # A voice glides: two recordings of one steady pitch would be alike, as two of one tone are.
    pitch = draw.uniform(90, 250) * np.exp(np.cumsum(draw.normal(scale=2e-4, size=at_s.size)))
    phase = 2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE
    voice = sum(np.sin(phase * n + draw.uniform(0, 6)) * draw.uniform(0.2, 1) / n for n in range(1, 12))
    syllables = np.repeat(draw.uniform(0, 1, int(8 * length_s) + 1) > 0.3, SAMPLE_RATE // 8)[: at_s.size]
    samples = 0.1 * voice * syllables + draw.normal(scale=5e-4, size=at_s.size)
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(SAMPLE_RATE)
        output.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()
