"""Speech that nobody has sent before: a real voice, cut into syllables, each bent and all put in another order.

Tests share a database, and a recording that resembles another one is sent back or looked at by a person. Other bytes
around the same sound do not help: that is what the comparison of recordings is for.
"""

import os
import wave
from functools import cache
from io import BytesIO

import numpy as np

from tests.media import media

RATE = 16_000
#: Pieces of 0.2 s, up to 22 % faster or slower: no second of a new recording runs along a second of another one.
PIECE, BEND, FADE = RATE // 5, 0.2, RATE // 100
EDGE = RATE * 2 // 5


@cache
def voice() -> np.ndarray:
    """Eleven seconds of a real speaker, float32 (n,), −1…1, with its pauses at both ends."""
    return sound_of(media("speech_jfk_16k.wav").read_bytes())


def new_speech(seed: int | None = None) -> bytes:
    """A WAV file of eleven seconds that passes every check and resembles no other one."""
    draw = np.random.default_rng(int.from_bytes(os.urandom(8), "big") if seed is None else seed)
    body, rise = voice()[EDGE:-EDGE], np.sin(np.linspace(0, np.pi / 2, FADE)) ** 2
    order = draw.permutation(len(body) // PIECE)
    ends = np.cumsum(np.exp(draw.uniform(-BEND, BEND, len(order))))
    # All of them last as long as the voice did, whatever was drawn.
    starts = np.rint(np.concatenate(([0], ends)) / ends[-1] * (len(body) - FADE)).astype(int)
    sound = np.zeros_like(body)
    for piece, start, end in zip(order, starts, starts[1:] + FADE, strict=False):
        whole = body[piece * PIECE : (piece + 1) * PIECE + FADE]
        bent = np.interp(np.linspace(0, len(whole) - 1, end - start), np.arange(len(whole)), whole)
        bent[:FADE] *= rise
        bent[-FADE:] *= 1 - rise
        sound[start:end] += bent
    return wav(np.concatenate((voice()[:EDGE], sound, voice()[-EDGE:])))


def wav(sound: np.ndarray, rate: int = RATE) -> bytes:
    """Samples (n,), −1…1, as a WAV file."""
    file = BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def sound_of(data: bytes) -> np.ndarray:
    """The samples of a WAV file, float32 (n,), −1…1."""
    with wave.open(BytesIO(data)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 32768
