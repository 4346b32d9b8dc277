"""Background noise under speech: how far the voice stands out."""

import numpy as np

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
#: A crowd of voices lies where voices are loudest, below this (Hz); a good voice stands higher there, by so much (dB).
CROWD_HZ, CROWD_DB = 700.0, 2.0
#: Where everything is at most so far (dB) under the loudest hundredth somebody speaks. Readers do so for this share of
#: the time and more; of a single word in a long file less time is its loud moments.
SPOKEN_DB, SPOKEN = 25.0, 0.5
#: Percentiles of fewer averages than these say nothing.
SHORTEST_S = 1.5


class SignalToNoise(AudioCheck):
    """How far loud moments stand above quiet ones in the same band, mean over the bands in which anything is heard.

    Two such means are taken, and the lower counts: of all bands, and of those below 700 Hz less 2 dB. Noise shows in
    the first, other voices in the second.

    A fan, a street or a hissing microphone fills the gaps between syllables, and what fills the gaps also covers the
    consonants. Needs no knowledge where speech is: in each band the quietest tenth of the time is background, the
    loudest twentieth is voice, or less where all is quiet most of the time around a single word. It is not a
    signal-to-noise ratio in the strict sense and is best read as a class: above 35 good, above 24 fair, below poor.

    Block: spectra of 32 ms averaged over three, 150 to 8,000 Hz. Result: 0…100 dB.
    """

    name = "audio.signal_to_noise"
    version = 4
    title = "Voice above background"
    unit = "dB"
    only_in_speech = True
    profiles = {"speech": at_least(25.5), "conversation": at_least(21.0)}
    sentences = {
        "passed": "Your voice stands {value} dB above the background.",
        "too-low": "There is much background noise: your voice is only {value} dB above it; {minimum} dB are wanted.",
    }
    fix = "Close windows, switch fans off, go to a quiet room, and hold the phone closer to your mouth."
    false_alarms = (
        "Speech without any pause; singing; music and ambient sound, where it is not used. A far-off crowd, 15 dB "
        "under the voice, passes as often as not."
    )
    source = (
        "P95 − P10 per band of 64 ms: AUC 1.0 for white and pink noise at 20 dB, .96 and .98 for babble at 15 and 5 "
        "dB, on the 99 clips of its choice (levels of 20 ms: .83 and .96 for babble)."
    )
    uncertainty = 1.0

    def start(self, track: AudioTrack) -> None:
        frequencies = np.fft.rfftfreq(spectrum_length(track.sample_rate), 1 / track.sample_rate)
        highest = min(BAND_HZ[1], HIGHEST_SHARE * track.sample_rate / 2)
        first, last = np.searchsorted(frequencies, (BAND_HZ[0], highest))
        self.bands = slice(int(first), int(last))
        self.deep = frequencies[self.bands] < CROWD_HZ
        self.calming = Calming(TOGETHER)
        #: The last of its bands is all others together.
        self.histogram = Histogram(int(last - first) + 1)

    def feed(self, sound: Sound) -> None:
        spectra = sound.spectra[:, self.bands]
        whole = spectra.sum(axis=1, keepdims=True)
        self.histogram.add(self.calming.take(np.concatenate((spectra, whole), axis=1)))

    def measure(self) -> Measurement:
        if self.histogram.times * TOGETHER * SPECTRUM_S / 2 < SHORTEST_S:
            return Measurement(None)
        loud = self.histogram.percentile(1 - 0.05 * min(self._spoken() / SPOKEN, 1))[:-1]
        quiet = self.histogram.percentile(0.10)[:-1]
        heard = loud >= loud.max() - HEARD_DB
        above = loud - quiet
        deep = heard & self.deep
        crowd = above[deep].mean() - CROWD_DB if deep.any() else np.inf
        return Measurement(float(min(above[heard].mean(), crowd)))

    def _spoken(self) -> float:
        """The share of time in which somebody speaks, as loud as that is."""
        return self.histogram.above(-1, self.histogram.percentile(0.99)[-1] - SPOKEN_DB)
