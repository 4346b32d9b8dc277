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
#: narrow recording is not noisy for what it lacks, nor for what a microphone adds at the top where no voice reaches.
HEARD_DB = 35.0
#: Spectra averaged before percentiles are taken, 64 ms: the gaps between syllables are not much longer.
TOGETHER = 3
#: Noise lies in all bands, a voice of few words in some: the share of the bands, those with least, that tells of it.
LEAST = 0.7
#: A crowd of voices moves as a voice does in single lines, but less in broad bands, of which there are so many.
BROAD = 8
#: Where the lines are among all that is counted, and where the broad bands.
LINES, BANDS = slice(0, -BROAD), slice(-BROAD, None)
#: What the voice as a whole counts more than it stands above the whole background (dB), so that both ways to look at a
#: recording agree on one with white noise; and how near (dB) to each other they are when both count.
WHOLE_DB, NEAR_DB = 2.0, 2.0
#: Where the background is looked for, as a share of the time; and how much exact silence is more than a gap.
QUIETEST, SILENT = 0.02, 0.10
#: Quieter than the last bit of 16 (dBFS) is no background: less of it than SILENT was put there by a program.
NOTHING = -100.0
#: Where everything is at most so far (dB) under the loudest hundredth somebody speaks. Readers do so for this share of
#: the time and more; of a single word in a long file less time is its loud moments.
SPOKEN_DB, SPOKEN = 25.0, 0.5
#: What a take with one second of voice may measure too low (dB): pieces of t seconds, cut out of long takes with noise,
#: measure up to 2.6 ÷ t lower in the mean, with a spread of 2.8 ÷ √t. Less voice than the least counts as that (s).
ERROR_DB, LEAST_S = 4.0, 0.3
#: Percentiles of fewer averages than these say nothing.
SHORTEST_S = 1.5


class SignalToNoise(AudioCheck):
    """How far a voice stands above the quietest moments, line by line and as a whole: the lower of the two.

    Line by line: the loudest twentieth above the quietest fiftieth of the time, the mean of those 70 % of the lines of
    the spectrum in which that is least, among lines in which anything is heard. As a whole: the power while somebody
    speaks above the power of the background, which is the sum of the quietest fiftieth in eight broad bands. Noise
    shows in the first, other voices in the second; where they are near to each other both count.

    A fan, a street or a hissing microphone fills the gaps between syllables, and what fills the gaps also covers the
    consonants. Needs no knowledge where speech is; where all is quiet most of the time around a single word, the voice
    is less than the loudest twentieth. It is not a signal-to-noise ratio in the strict sense and is best read as a
    class: above 36 good, above 29 fair, below poor. A word or two leave many bands empty and measure too low: 4 dB ÷
    √(seconds of voice) are added for that.

    Block: spectra of 32 ms averaged over three, 150 to 8,000 Hz. Result: 0…110 dB.
    """

    name = "audio.signal_to_noise"
    version = 8
    title = "Voice above background"
    unit = "dB"
    only_in_speech = True
    profiles = {"speech": at_least(29.0), "conversation": at_least(24.5)}
    sentences = {
        "passed": "Your voice stands {value} dB above the background.",
        "too-low": "There is much background noise: your voice is only {value} dB above it; {minimum} dB are wanted.",
    }
    fix = "Close windows, switch fans off, go to a quiet room, and hold the phone closer to your mouth."
    false_alarms = (
        "Speech without any pause; singing; music and ambient sound, where it is not used. A far-off crowd, 15 dB "
        "under the voice, passes in one take of three, and a fan 20 dB under it in one of ten or a hiss in one of five."
    )
    source = (
        "Percentiles of 64 ms per line and band. Of 140 clips that another measure calls clean one is told (a "
        "channel upside down): AUC .99 for white and pink noise at 20 dB and for babble at 15 dB; 91, 94 and 69 % are "
        "found. With all lines within 45 dB of the loudest, at 27 dB: babble .97, 97, 96 and 46 %, and three told."
    )
    uncertainty = 1.0

    def start(self, track: AudioTrack) -> None:
        frequencies = np.fft.rfftfreq(spectrum_length(track.sample_rate), 1 / track.sample_rate)
        highest = min(BAND_HZ[1], HIGHEST_SHARE * track.sample_rate / 2)
        first, last = np.searchsorted(frequencies, (BAND_HZ[0], highest))
        self.bands = slice(int(first), int(last))
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
        quietest = self.histogram.percentile(self._quietest())[:-1]
        heard = loud[LINES] >= loud[LINES].max() - HEARD_DB
        least = np.sort((loud - quietest)[LINES][heard])
        lines = float(least[: max(int(LEAST * len(least)), 1)].mean())
        lower = -NEAR_DB * np.logaddexp(-lines / NEAR_DB, -self._whole(quietest, spoken) / NEAR_DB)
        return Measurement(max(float(lower + ERROR_DB / np.sqrt(max(spoken * seconds, LEAST_S))), 0.0))

    def _whole(self, quietest: NDArray[np.float64], spoken: float) -> float:
        """How far the voice as a whole stands above all of the background (dB)."""
        voice = self.histogram.power(-1) / spoken
        return float(10 * np.log10(voice / (10 ** (quietest[BANDS] / 10)).sum())) + WHOLE_DB

    def _quietest(self) -> float:
        """The share of time, from the quietest on, whose end is background: after what little of it holds nothing."""
        nothing = 1 - self.histogram.above(-1, NOTHING)
        return QUIETEST if nothing >= SILENT else nothing + QUIETEST * (1 - nothing)

    def _spoken(self) -> float:
        """The share of time in which somebody speaks, as loud as that is."""
        return self.histogram.above(-1, self.histogram.percentile(0.99)[-1] - SPOKEN_DB)
