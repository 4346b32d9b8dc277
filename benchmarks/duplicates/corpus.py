"""Real recordings, their copies and their strangers.

More real speech than the shared media hold comes from Debian: the prompts for telephone exchanges, one speaker per
language, many saying nearly the same sentence twice:

    apt-get download asterisk-core-sounds-{en,es,fr,it,ru}-wav wesnoth-1.16-music
    for package in *.deb; do dpkg-deb -x "$package" FOLDER; done
    python -m benchmarks.duplicates FOLDER
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import scipy.fft
import scipy.signal
from numpy.typing import NDArray

from benchmarks.duplicates.audio_transforms import RATE, Samples
from capture_validation.decode import AudioBlock, VideoFrame, open_recording
from capture_validation.duplicates.audio import AudioFingerprint, AudioFingerprinter
from capture_validation.errors import Unreadable

SUFFIXES = {".wav", ".ogg", ".flac", ".mp3", ".opus", ".m4a", ".aiff", ".webm", ".3gp", ".amr"}
#: Copies are made of recordings of this length; the others are held only.
SHORTEST_S, LONGEST_S = 3.2, 40.0
#: Waveforms whose correlation over half a second is above this share audio: such a pair is no stranger.
SHARES = 0.5


def sounds(folders: list[Path], longest_s: float = 300.0) -> Iterator[tuple[str, Samples]]:
    """Every readable sound below folders: its path and mono samples at 16 kHz, float32."""
    for folder in folders:
        for path in sorted(folder.rglob("*")):
            if path.suffix in SUFFIXES and not path.name.startswith("video_"):
                try:
                    yield str(path), at_16k(path)[: int(longest_s * RATE)]
                except Unreadable:
                    continue


def at_16k(path: Path) -> Samples:
    """Mono samples of a file at 16 kHz."""
    with path.open("rb") as file, open_recording(file) as recording:
        blocks = [part.samples.mean(axis=1) for part in recording.read() if isinstance(part, AudioBlock)]
        rate = recording.audio.sample_rate if recording.audio else RATE
    return scipy.signal.resample_poly(np.concatenate(blocks), RATE, rate).astype(np.float32)


def frames(path: Path, longest_s: float = 30.0) -> list[tuple[float, NDArray[np.uint8]]]:
    """Times from 0 and brightness of the pictures of a file."""
    out: list[tuple[float, NDArray[np.uint8]]] = []
    with path.open("rb") as file, open_recording(file) as recording:
        for part in recording.read():
            if isinstance(part, VideoFrame):
                out.append((part.at_s, part.luma(640).copy()))
                if part.at_s > longest_s:
                    break
    return [(at - out[0][0], picture) for at, picture in out]


def print_of(samples: Samples, rate: int = RATE) -> AudioFingerprint:
    """The fingerprint of samples."""
    listener = AudioFingerprinter(rate, 1)
    for start in range(0, len(samples), rate // 2):
        listener.feed(np.asarray(samples[start : start + rate // 2, None], np.float32))
    return listener.finish()


def copied(held: dict[str, Samples], count: int, shortest_s: float = SHORTEST_S, seed: int = 23) -> list[str]:
    """Which recordings to make copies of: a quarter from the shared media, the rest at random from the others."""
    fit = [
        name
        for name, samples in held.items()
        if shortest_s <= len(samples) / RATE < LONGEST_S
        and np.sqrt(np.mean(samples**2)) > 1e-3
        and "silence" not in name
    ]
    order = [fit[i] for i in np.random.default_rng(seed).permutation(len(fit))]
    shared = [name for name in order if "/media/" in name][: count // 4]
    return shared + [name for name in order if "/media/" not in name][: count - len(shared)]


def shares_audio(one: Samples, two: Samples) -> bool:
    """Whether two recordings contain the same half second, by waveform: prompts are often cut from one session."""
    size = RATE // 2
    energy = np.concatenate(([0.0], np.cumsum(two.astype(np.float64) ** 2)))
    for start in range(0, max(1, len(one) - size + 1), size // 2):
        piece = one[start : start + size]
        norm = float(np.sqrt((piece**2).sum()))
        if len(piece) < size // 2 or norm < 5e-4 * np.sqrt(len(piece)):
            continue
        length = scipy.fft.next_fast_len(len(two) + len(piece), real=True)
        spectrum = scipy.fft.rfft(two, length) * np.conj(scipy.fft.rfft(piece, length))
        cross = scipy.fft.irfft(spectrum, length)[: len(two)]
        last = np.minimum(np.arange(len(two)) + len(piece), len(two))
        local = np.sqrt(np.maximum(energy[last] - energy[: len(two)], 1e-7))
        if float((np.abs(cross) / norm / local).max()) > SHARES:
            return True
    return False
