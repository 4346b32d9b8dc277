"""Background noise under speech: how far the voice stands out."""

import numpy as np
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.decode import AudioTrack
from capture_validation.sound import SPECTRUM_S, Sound, spectrum_length
from capture_validation.spectrum import Calming, Histogram

#: Bands in which a voice has energy; at the very top a converter lets nothing through.
BAND_HZ, HIGHEST_SHARE = (150.0, 8000.0), 0.9
#: A band whose loud moments lie further below the loudest band holds neither voice nor noise that anybody hears: a
#: narrow recording is not noisy for what it lacks.
HEARD_DB = 45.0
#: Spectra averaged before percentiles are taken, 64 ms: the gaps between syllables are not much longer.
TOGETHER = 3
#: Noise lies in all bands, a voice of few words in some: the share of the bands, those with least, that tells of it.
LEAST = 0.7
#: A crowd of voices lies where voices are loudest, below this (Hz), and moves as a voice does in single lines, but less
#: in broad bands, of which there are so many; a good voice stands higher in both, by so much (dB).
CROWD_HZ, BROAD, CROWD_DB = 700.0, 8, 4.0
#: Where the lines are among all that is counted, and where the broad bands.
LINES, BANDS = slice(0, -BROAD), slice(-BROAD, None)
#: Where the background is looked for, as a share of the time.
QUIET, QUIETEST = 0.10, 0.05
#: Quieter than the last bit of 16 (dBFS) is no background: less of it than QUIET was put there by a program.
NOTHING = -100.0
#: Where everything is at most so far (dB) under the loudest hundredth somebody speaks. Readers do so for this share of
#: the time and more; of a single word in a long file less time is its loud moments.
SPOKEN_DB, SPOKEN = 25.0, 0.5
#: What a take with one second of voice may measure too low (dB): pieces of t seconds, cut out of long takes with noise,
#: measure 2.6 ÷ t lower in the mean, with a spread of 2.8 ÷ √t. Less voice than the least counts as that (s).
ERROR_DB, LEAST_S = 5.0, 0.3
#: Percentiles of fewer averages than these say nothing.
SHORTEST_S = 1.5

#: By how much (dB) each line and band stands above something.
Above = NDArray[np.float64]


class SignalToNoise(AudioCheck):
    """How far loud moments stand above quiet ones in the same band, where they do least.

    Two means are taken, and the lower counts: of those 70 % of the lines of the spectrum that have least, among lines
    in which anything is heard; and, less 4 dB, half of all lines below 700 Hz, half of eight broad bands. Noise shows
    in the first, other voices in the second.

    A fan, a street or a hissing microphone fills the gaps between syllables, and what fills the gaps also covers the
    consonants. Needs no knowledge where speech is: in each band the quietest twentieth of the time (in lines below 700
    Hz: the quietest tenth) is background, the loudest twentieth is voice, or less where all is quiet most of the time
    around a single word. It is not a signal-to-noise ratio in the strict sense and is best read as a class: above 35
    good, above 26 fair, below poor. A word or two leave many bands empty and measure too low: 5 dB ÷ √(seconds of
    voice) are added for that.

    Block: spectra of 32 ms averaged over three, 150 to 8,000 Hz. Result: 0…110 dB.
    """

    name = "audio.signal_to_noise"
    version = 6
    title = "Voice above background"
    unit = "dB"
    only_in_speech = True
    profiles = {"speech": at_least(26.0), "conversation": at_least(21.5)}
    sentences = {
        "passed": "Your voice stands {value} dB above the background.",
        "too-low": "There is much background noise: your voice is only {value} dB above it; {minimum} dB are wanted.",
    }
    fix = "Close windows, switch fans off, go to a quiet room, and hold the phone closer to your mouth."
    false_alarms = (
        "Speech without any pause; singing; music and ambient sound, where it is not used. A far-off crowd, 15 dB "
        "under the voice, passes more often than not, and so does a fan 20 dB under it in two of five takes."
    )
    source = (
        "Percentiles of 64 ms per band. Chosen on 1,219 clips: AUC 1.0 and .98 for white and pink noise at 20 dB, .98 "
        "and 1.0 for babble at 15 and 5 dB; on 264 others, many of them single words, .99, .97, .97 and .99 (the mean "
        "of all lines without its error: .98, .95, .94 and .99)."
    )
    uncertainty = 1.0

    def start(self, track: AudioTrack) -> None:
        frequencies = np.fft.rfftfreq(spectrum_length(track.sample_rate), 1 / track.sample_rate)
        highest = min(BAND_HZ[1], HIGHEST_SHARE * track.sample_rate / 2)
        first, last = np.searchsorted(frequencies, (BAND_HZ[0], highest))
        self.bands = slice(int(first), int(last))
        self.deep = frequencies[self.bands] < CROWD_HZ
        edges = np.geomspace(BAND_HZ[0], frequencies[last - 1] + 1, BROAD + 1)
        which = np.searchsorted(edges, frequencies[self.bands], side="right") - 1
        self.broad = (which[:, None] == np.arange(BROAD)).astype(np.float32)
        self.calming = Calming(TOGETHER)
        #: After its lines come the broad bands, and last all of them together.
        self.histogram = Histogram(int(last - first) + BROAD + 1)

    def feed(self, sound: Sound) -> None:
        spectra = sound.spectra[:, self.bands]
        whole = spectra.sum(axis=1, keepdims=True)
        self.histogram.add(self.calming.take(np.concatenate((spectra, spectra @ self.broad, whole), axis=1)))

    def measure(self) -> Measurement:
        seconds = self.histogram.times * TOGETHER * SPECTRUM_S / 2
        if seconds < SHORTEST_S:
            return Measurement(None)
        spoken = self._spoken()
        loud = self.histogram.percentile(1 - 0.05 * min(spoken / SPOKEN, 1))[:-1]
        quiet, quietest = (self.histogram.percentile(share)[:-1] for share in (QUIET, self._quietest()))
        heard = np.concatenate([loud[part] >= loud[part].max() - HEARD_DB for part in (LINES, BANDS)])
        least = np.sort((loud - quietest)[LINES][heard[LINES]])
        noise = least[: max(int(LEAST * len(least)), 1)].mean()
        crowd = self._crowd(loud - quiet, loud - quietest, heard)
        return Measurement(float(min(noise, crowd) + ERROR_DB / np.sqrt(max(spoken * seconds, LEAST_S))))

    def _crowd(self, quiet: Above, quietest: Above, heard: NDArray[np.bool_]) -> float:
        """How far a voice stands above others: by its deep lines over quiet moments, its broad bands over quietest."""
        deep = heard[LINES] & self.deep
        if not deep.any():
            return float("inf")
        return float(quiet[LINES][deep].mean() + quietest[BANDS][heard[BANDS]].mean()) / 2 - CROWD_DB

    def _quietest(self) -> float:
        """The share of time, from the quietest on, whose end is background: after what little of it holds nothing."""
        nothing = 1 - self.histogram.above(-1, NOTHING)
        return QUIETEST if nothing >= QUIET else nothing + QUIETEST * (1 - nothing)

    def _spoken(self) -> float:
        """The share of time in which somebody speaks, as loud as that is."""
        return self.histogram.above(-1, self.histogram.percentile(0.99)[-1] - SPOKEN_DB)
