"""Background noise under speech: how far the voice stands out."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.decode import AudioTrack
from capture_validation.sound import SPECTRUM_S, Sound, spectrum_length
from capture_validation.spectrum import CALM, Histogram

#: Bands in which every voice has energy; above, a narrow recording would be called noisy for what it lacks.
BAND_HZ = (150.0, 3800.0)
#: Percentiles of fewer averages than these say nothing.
SHORTEST_S = 1.5


class SignalToNoise(AudioCheck):
    """How far loud moments stand above quiet ones in the same band, median over the bands of the voice.

    A fan, a street or a hissing microphone fills the gaps between syllables, and what fills the gaps also covers the
    consonants. Needs no knowledge where speech is: in each band the quietest tenth of the time is background, the
    loudest twentieth is voice. It is not a signal-to-noise ratio in the strict sense and is best read as a class:
    above 30 good, above 18 fair, below poor.

    Block: spectra of 32 ms averaged over eight. Result: 0…100 dB.
    """

    name = "audio.signal_to_noise"
    title = "Voice above background"
    unit = "dB"
    only_in_speech = True
    profiles = {"speech": at_least(18.0), "conversation": at_least(15.0)}
    sentences = {
        "passed": "Your voice stands {value} dB above the background.",
        "too-low": "There is much background noise: your voice is only {value} dB above it; {minimum} dB are wanted.",
    }
    fix = "Close windows, switch fans off, go to a quiet room, and hold the phone closer to your mouth."
    false_alarms = "Speech without any pause; singing; music and ambient sound, where it is not used."
    source = "snr_band: P95 − P10 per band of eight-frame means; AUC .99 for white and pink noise (WADA-SNR: .92)."
    uncertainty = 1.0

    histogram: Histogram | None = None

    def start(self, track: AudioTrack) -> None:
        frequencies = np.fft.rfftfreq(spectrum_length(track.sample_rate), 1 / track.sample_rate)
        self.voice = (frequencies >= BAND_HZ[0]) & (frequencies <= BAND_HZ[1])

    def feed(self, sound: Sound) -> None:
        self.histogram = sound.histogram

    def measure(self) -> Measurement:
        if self.histogram is None or self.histogram.times * CALM * SPECTRUM_S / 2 < SHORTEST_S:
            return Measurement(None)
        above = self.histogram.percentile(0.95) - self.histogram.percentile(0.10)
        return Measurement(float(np.median(above[self.voice])))
