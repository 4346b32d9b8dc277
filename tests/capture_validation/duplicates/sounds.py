"""Real recordings as samples and fingerprints, for the tests beside this file."""

from functools import cache

import numpy as np
import scipy.signal

from capture_validation.decode import AudioBlock, open_recording
from capture_validation.duplicates.audio import AudioFingerprint, AudioFingerprinter, StoredAudio
from capture_validation.duplicates.audio_match import match_audio
from capture_validation.duplicates.audio_words import triples, words
from capture_validation.duplicates.evidence import Match
from capture_validation.duplicates.memory import MemoryIndex
from tests.media import media


@cache
def samples(name: str) -> tuple[np.ndarray, int]:
    """Samples float32 (n, channels) and rate of a real recording."""
    with media(name).open("rb") as file, open_recording(file) as recording:
        blocks = [part.samples for part in recording.read() if isinstance(part, AudioBlock)]
        return np.concatenate(blocks), recording.audio.sample_rate


def at_16k(name: str) -> np.ndarray:
    """Mono samples at 16 kHz, float32 (n,)."""
    sound, rate = samples(name)
    return scipy.signal.resample_poly(sound.mean(axis=1), 16_000, rate).astype(np.float32)


def fingerprint(sound: np.ndarray, rate: int = 16_000, block: int = 8000) -> AudioFingerprint:
    """The fingerprint of samples (n,) or (n, channels), fed in blocks."""
    sound = sound[:, None] if sound.ndim == 1 else sound
    listener = AudioFingerprinter(rate, sound.shape[1])
    for start in range(0, len(sound), block):
        listener.feed(sound[start : start + block].astype(np.float32))
    return listener.finish()


class Library:
    """Recordings that are already held, by name."""

    def __init__(self, **held: AudioFingerprint) -> None:
        self.names = list(held)
        self.index = MemoryIndex()
        self.stored: list[StoredAudio] = []
        for number, print_ in enumerate(held.values()):
            self.index.post(number, words(triples(print_.peaks)))
            self.stored.append(print_.stored())

    def match(self, new: AudioFingerprint) -> dict[str, Match]:
        """What a new recording matches, by name."""
        return {
            self.names[found.recording]: found
            for found in match_audio(new, self.index.find, lambda numbers: {one: self.stored[one] for one in numbers})
        }
