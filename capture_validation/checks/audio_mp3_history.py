"""MP3 history: sound that was rounded on the grid of an MP3 encoder, whatever file it comes in now."""

from collections.abc import Mapping

import numpy as np
import scipy
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, information
from capture_validation.decode import AudioTrack
from capture_validation.hybrid import EXCERPT, GRANULE, places
from capture_validation.sound import Sound

#: What MP3 can be sampled at, in Hz.
RATES = {8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000}
#: What lies at 48 kHz was often an MP3 of 44.1 kHz: then every 147 samples there were 160 here.
CD, NOW = 147, 160
#: Excerpts begin at multiples of this, which is a whole number of samples at either rate.
STRIDE = 72 * NOW
#: So many excerpts at most; each second one is left out where there would be more.
MOST = 8
#: Samples that the filter of another rate needs beside an excerpt.
BESIDE = 32


class Mp3History(AudioCheck):
    """How much quieter the lines of an MP3 spectrum are at one place of its grid than at the next best.

    An encoder leaves most lines of its granules at zero. They are zero again when the decoded sound is taken apart at
    exactly the same place of 576, and are not a single sample beside: no microphone knows such a place. So the history
    of a WAV shows, whatever its spectrum looks like, up to about 100 kbit/s a channel; not after it was played at
    another speed or rate (but from 44.1 to 48 kHz), mixed with much else, or encoded by AAC or Opus since. Shown as a
    fact; a campaign that takes originals only may set a maximum, such as 0.5 dB.

    Block: mean of the channels, up to eight excerpts of 0.05 s spread over the recording. Result: 0…100 dB. Nothing at
    rates that MP3 has not, or under 0.1 s.
    """

    name = "audio.mp3_history"
    title = "MP3 history"
    unit = "dB"
    profiles = {name: information() for name in ("speech", "conversation", "ambient", "music")}
    sentences = {
        "passed": "The grid of an MP3 encoder stands out by {value} dB.",
        "too-high": "The grid of an MP3 encoder stands out by {value} dB: this was an MP3 before.",
    }
    fix = "Send the recorder's own file, not a copy from a messenger, an editor or an MP3."
    false_alarms = "None known; recordings published as originals that have been an MP3 all the same."
    source = (
        "Mean level of the lines of the hybrid filter bank of ISO/IEC 11172-3 at all 576 places, after the inverse "
        "decoder (Herre and Schug, AES 109, 2000); AUC .94 and .94 at 64 and 48 kbit/s on the 59 clips of its choice."
    )
    uncertainty = 0.1

    def start(self, track: AudioTrack) -> None:
        self.rate = track.sample_rate
        self.stride = STRIDE
        #: What an excerpt holds, so that it can be taken at the other rate, too.
        self.length = (EXCERPT + 2 * BESIDE) * NOW // CD + 1
        self.position = 0
        self.excerpts: dict[int, list[NDArray[np.float32]]] = {}

    def feed(self, sound: Sound) -> None:
        first, self.position = self.position, self.position + sound.channels.shape[1]
        begun = max((first - self.length) // self.stride + 1, 0) * self.stride
        for start in range(begun, self.position, self.stride):
            piece = sound.channels[:, max(start - first, 0) : max(start + self.length - first, 0)]
            if start % self.stride == 0 and piece.size:
                self.excerpts.setdefault(start, []).append(piece.mean(axis=0, dtype=np.float32))
                self._thin()

    def _thin(self) -> None:
        """Leave out every second excerpt where there are too many, from now on as well."""
        if len(self.excerpts) > MOST:
            self.stride *= 2
            self.excerpts = {start: parts for start, parts in self.excerpts.items() if start % self.stride == 0}

    def measure(self) -> Measurement:
        joined = {start: np.concatenate(parts) for start, parts in self.excerpts.items()}
        whole = {start: excerpt for start, excerpt in joined.items() if len(excerpt) == self.length}
        if not whole or self.rate not in RATES:
            return Measurement(None)
        if self.rate != 48000:
            return Measurement(stands_out(whole))
        # Every second excerpt is looked at as it is and the others at the other rate, so that both cost as much as one.
        starts = sorted(whole)
        other = {
            start * CD // NOW: scipy.signal.resample_poly(whole[start], CD, NOW)[BESIDE:]
            for start in starts[1::2] or starts
        }
        return Measurement(max(stands_out({start: whole[start] for start in starts[::2]}), stands_out(other)))


def stands_out(excerpts: Mapping[int, NDArray[np.float32]]) -> float:
    """How far (dB) the best place lies under all others but those beside it, in excerpts by their first sample."""
    levels = np.mean([np.roll(places(excerpt), start % GRANULE) for start, excerpt in excerpts.items()], axis=0)
    away = np.roll(levels, -int(levels.argmin()))
    return float(away[2:-1].min() - away[0])
