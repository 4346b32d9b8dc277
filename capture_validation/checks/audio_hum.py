"""Mains hum: 50 or 60 Hz and its harmonics under the recording."""

import numpy as np
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_most, information
from capture_validation.decode import AudioTrack
from capture_validation.grid import Grid
from capture_validation.sound import Sound

#: Hum lies below 500 Hz; averaging down to about this rate keeps it and makes the rest cheap.
RATE = 2000
BLOCK_S = 0.25
HARMONICS = 6
#: Frequencies beside the harmonics, where mains never is: what agrees there as well is music or chance.
BESIDE_HZ = 6.5
SHORTEST_S = 2.0


class Hum(AudioCheck):
    """How steadily the phase runs at multiples of 50 or 60 Hz, less how steadily it runs 6.5 Hz beside them.

    A charger or a lamp on the same wire sings a tone that never misses a beat. Its phase is the giveaway: voices and
    music pass through 100 Hz too, but never with the same phase for seconds.

    Block: float32 (samples, channels), loudest channel's sum. Result: 0…1; nothing under 2 s.
    """

    name = "audio.hum"
    title = "Mains hum"
    unit = "of 1"
    profiles = {
        "speech": at_most(0.55),
        "conversation": at_most(0.55),
        "ambient": information(),
        "music": information(),
    }
    sentences = {
        "passed": "There is no hum from the mains.",
        "too-high": "The recording hums as from a charger or a lamp: {value} of 1; up to {maximum} is normal.",
    }
    fix = "Unplug the charger, move away from lamps and computers, and record again."
    false_alarms = "Drones and sustained electronic tones tuned to multiples of 50 or 60 Hz."
    source = "Phase locking value over blocks of 0.25 s: AUC .98 in speech at −35 dB (lower percentile spectrum: .84)."

    def start(self, track: AudioTrack) -> None:
        self.average = max(track.sample_rate // RATE, 1)
        rate = track.sample_rate / self.average
        length = round(rate * BLOCK_S) * self.average
        self.grid = Grid(length, length)
        self.seconds = length / track.sample_rate
        mains = np.outer((50.0, 60.0), np.arange(1, HARMONICS + 1))
        self.tones = np.stack((mains, mains - BESIDE_HZ, mains + BESIDE_HZ))
        times = np.arange(length // self.average) / rate
        waves = np.exp(-2j * np.pi * self.tones[..., None] * times) * np.hanning(len(times))
        self.waves = waves.reshape(-1, len(times)).T.astype(np.complex64)
        self.turns = np.zeros(self.tones.size, np.complex128)
        self.blocks = 0

    def feed(self, sound: Sound) -> None:
        first, samples = self.grid.take(sound.channels.mean(axis=0, keepdims=True))
        blocks = samples.reshape(-1, self.grid.length // self.average, self.average).mean(axis=2)
        if not len(blocks):
            return
        lines = blocks @ self.waves
        # Each block starts later; a steady tone's phase is compared after turning it back by that time.
        starts = (first + np.arange(len(blocks)))[:, None] * self.seconds
        lines = lines * np.exp(-2j * np.pi * self.tones.reshape(-1) * starts)
        size = np.abs(lines)
        self.turns += np.divide(lines, size, out=np.zeros_like(lines), where=size > 1e-9).sum(axis=0)
        self.blocks += len(blocks)

    def measure(self) -> Measurement:
        if self.blocks * self.seconds < SHORTEST_S:
            return Measurement(None)
        locked: NDArray[np.float64] = np.abs(self.turns).reshape(self.tones.shape) / self.blocks
        above = np.maximum(locked[0] - locked[1:].max(axis=0), 0)
        strongest = np.sort(above, axis=1)[:, -3:].mean(axis=1)
        return Measurement(float(strongest.max()), parameters={"mains_hz": (50.0, 60.0)[int(strongest.argmax())]})
