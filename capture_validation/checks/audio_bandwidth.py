"""Effective bandwidth: the highest frequency that holds any sound."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, at_least
from capture_validation.decode import AudioTrack
from capture_validation.sound import Sound, spectrum_length
from capture_validation.spectrum import Histogram

#: Sound further below the strongest band than this is not there.
WITHIN_DB = 50.0
#: Offsets and rumble are no content; they must not decide how strong the strongest band is.
LOWEST_HZ = 80.0
#: A single word may hold no bright sound at all.
SHORTEST_S = 1.5


class Bandwidth(AudioCheck):
    """Highest frequency within 50 dB of the strongest one, both taken from the loudest hundredth of the time.

    A call recording, a messenger's voice note and an old file blown up to 48 kHz all look like a good WAV and sound
    like a telephone: everything above 4 kHz is missing and cannot be brought back.

    Block: spectra of 32 ms averaged over eight. Result: Hz, 0 … half the sample rate, to about 31 Hz.
    Nothing under 1.5 s.
    """

    name = "audio.bandwidth"
    title = "Effective bandwidth"
    unit = "Hz"
    profiles = {name: at_least(4600.0) for name in ("speech", "conversation", "ambient", "music", "video")}
    sentences = {
        "passed": "The sound reaches up to {value} Hz.",
        "too-low": "The sound ends at {value} Hz, like a telephone call; at least {minimum} Hz are wanted.",
    }
    fix = "Record with the phone's recorder app, not in a call or a messenger, without a Bluetooth headset."
    false_alarms = "Sounds that are dark by nature: whale song, a bass, a humming machine, a far-off voice."
    source = "P99 spectrum less 50 dB: AUC .97 to .99 for material up-sampled from 8 kHz (librosa's roll-off: .73)."
    uncertainty = 100.0

    histogram: Histogram | None = None

    def start(self, track: AudioTrack) -> None:
        length = spectrum_length(track.sample_rate)
        self.frequencies = np.fft.rfftfreq(length, 1 / track.sample_rate)
        self.samples = 0
        self.rate = track.sample_rate

    def feed(self, sound: Sound) -> None:
        self.samples += len(sound.samples)
        self.histogram = sound.histogram

    def measure(self) -> Measurement:
        if self.histogram is None or self.samples < SHORTEST_S * self.rate:
            return Measurement(None)
        loudest = np.where(self.frequencies >= LOWEST_HZ, self.histogram.percentile(0.99), -np.inf)
        if loudest.max() < -110.0:
            return Measurement(None)
        return Measurement(float(self.frequencies[loudest > loudest.max() - WITHIN_DB].max()))
