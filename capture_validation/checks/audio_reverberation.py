"""Reverberation: the room answers, and words run into each other."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.decode import AudioTrack
from capture_validation.grid import from_bytes, in_bytes
from capture_validation.sound import SPECTRUM_S, Sound, spectrum_length

#: Bands of about half an octave in which a voice has energy and rooms differ.
EDGES_HZ = (200, 320, 500, 800, 1250, 2000, 3000, 4000)
#: Frames over which a slope is taken, 64 ms: an echo of 0.3 s falls by 13 dB in it, and a dry word by more.
SLOPE = 4
#: What lies so far under the loudest moments of its band, or so little over its quietest twentieth, is background.
DEPTH_DB, OVER_DB, START_DB = 40.0, 6.0, 10.0
SHORTEST_S = 1.7
#: The share by which a spread of one fall would be wrong: windows overlap and bands fall together, so that of 18 falls
#: one tells something new. Two syllables have a hundred falls, ten seconds of reading three thousand.
ERROR = 3.0


class Reverberation(AudioCheck):
    """How much the slopes differ with which sound dies away, over windows of 64 ms, in seven bands of the voice.

    In a dry room a sound stops as abruptly as it was made, so slopes are as different as sounds are; a bathroom or an
    empty hall smears them all to the same gentle fall. An echo that nobody notices on the spot is tiring on headphones.

    Two syllables have few slopes, and of few the spread is uncertain: its own error is added, 3 ÷ √(number of falls) of
    it, so that a short take is complained of only where even that does not explain it.

    Block: spectra of 32 ms. Result: 0…300 dB/s, the standard deviation of the slopes of all falls that begin 10 dB over
    the background of their band and end in it at the latest, and its error; low means much echo. Nothing under 1.7 s.
    Keeps 440 bytes a second.
    """

    name = "audio.reverberation"
    version = 3
    title = "Dryness of the room"
    unit = "dB/s"
    only_in_speech = True
    profiles = {"speech": at_least(97.0)}
    sentences = {
        "passed": "The room does not echo.",
        "too-low": "The room echoes: its dryness is {value} dB/s; at least {minimum} dB/s are wanted.",
    }
    fix = "Go to a smaller room with carpet, curtains or clothes, and hold the phone closer to your mouth."
    false_alarms = "Singing, slow synthetic voices; of echoes of 0.3 s one in six passes."
    source = (
        "Spread of decay slopes per band: AUC .99 at 0.3 s and 1.0 at 1 s on 1,185 clips (without its error .97 and "
        "1.0 on single words; SRMR: .71, .89). At 97 instead of 93 two clean clips of 820 more are complained of, and "
        "of echoes of 0.3 s 77 to 93 % are found instead of 58 to 83 %."
    )
    uncertainty = 3.0

    def start(self, track: AudioTrack) -> None:
        length = spectrum_length(track.sample_rate)
        frequencies = np.fft.rfftfreq(length, 1 / track.sample_rate)
        bands = [(frequencies >= low) & (frequencies < high) for low, high in pairwise(EDGES_HZ)]
        self.bands = np.stack(bands, axis=1).astype(np.float32)
        self.step_s = length / 2 / track.sample_rate
        self.cells = bytearray()

    def feed(self, sound: Sound) -> None:
        self.cells += in_bytes(sound.spectra @ self.bands)

    def measure(self) -> Measurement:
        levels = from_bytes(self.cells).astype(np.float64).reshape(-1, self.bands.shape[1])
        if len(levels) * SPECTRUM_S / 2 < SHORTEST_S:
            return Measurement(None)
        loud, quiet = np.percentile(levels, (95, 5), axis=0)
        floors = np.maximum(loud - DEPTH_DB, quiet + OVER_DB)
        slopes = [falling(band, floor, self.step_s) for band, floor in zip(levels.T, floors, strict=True)]
        falls = np.concatenate(slopes)
        if len(falls) <= SLOPE * self.bands.shape[1]:
            return Measurement(None)
        return Measurement(float(falls.std() * (1 + ERROR / np.sqrt(len(falls)))))


def falling(levels: NDArray[np.float64], floor: float, step_s: float) -> NDArray[np.float64]:
    """Slopes (dB/s, negative) of the windows that start well above the floor.

    A sound that stops at once drops through the floor within the window. It counts as fallen to the floor: leaving it
    out would leave out the driest rooms.
    """
    times = (np.arange(SLOPE) - (SLOPE - 1) / 2) * step_s
    windows = np.lib.stride_tricks.sliding_window_view(np.maximum(levels, floor), SLOPE)
    slopes = windows[windows[:, 0] > floor + START_DB] @ (times / (times**2).sum())
    return np.asarray(slopes[slopes < 0], np.float64)
