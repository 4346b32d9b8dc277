"""Edge of the spectrum: everything above one pitch is cut off, as encoders and resamplers do."""

import numpy as np

from capture_validation.check import AudioCheck, Measurement, information
from capture_validation.decode import AudioTrack
from capture_validation.sound import Sound, spectrum_length
from capture_validation.spectrum import Histogram

#: The edge is looked for between these; above the second share of half the rate every converter has one.
LOWEST_HZ, HIGHEST_SHARE = 3000.0, 0.92
#: Over this width the spectrum must fall; no voice and no room is that steep.
WIDTH_HZ = 600.0
#: Bands are averaged over so much before they are compared.
SMOOTH_HZ = 125.0
#: What lies below this (dBFS) before the edge is the noise of the converter.
FLOOR = -100.0
SHORTEST_S = 1.5


class SpectralEdge(AudioCheck):
    """The steepest fall of the loudest hundredth of the sound over 600 Hz.

    MP3 cuts everything off above a pitch that depends on its bit rate, and so does whoever blows a file up to a higher
    sample rate. The cut stays in every later copy, whatever the file says of itself: the history of a file that comes
    as a WAV. AAC and Opus leave no such mark. Shown as a fact; a campaign that takes originals only may set a maximum,
    such as 30 dB.

    Block: spectra of 32 ms averaged over eight. Result: 0…100 dB; the pitch of the edge is `edge_hz`.
    Nothing under 1.5 s.
    """

    name = "audio.spectral_edge"
    title = "Edge of the spectrum"
    unit = "dB"
    profiles = {name: information() for name in ("speech", "conversation", "ambient", "music", "video")}
    sentences = {
        "passed": "The steepest edge of the spectrum is {value} dB, at {edge_hz} Hz.",
        "too-high": "Above {edge_hz} Hz everything is cut off ({value} dB): it was encoded or blown up before.",
    }
    fix = "Send the recorder's own file, not a copy from a messenger, an editor or an MP3."
    false_alarms = "Music, and recorders that filter by themselves; with a limit of 25 dB, 8 of 32 and 15 of 43 clips."
    source = "Steepest fall over 600 Hz: AUC 1.0 in speech for MP3 at 128 and 48 kbit/s, .88 and .93 over all kinds."
    uncertainty = 2.0

    histogram: Histogram | None = None

    def start(self, track: AudioTrack) -> None:
        length = spectrum_length(track.sample_rate)
        self.step_hz = track.sample_rate / length
        self.rate = track.sample_rate
        self.samples = 0

    def feed(self, sound: Sound) -> None:
        self.samples += len(sound.samples)
        self.histogram = sound.histogram

    def measure(self) -> Measurement:
        if self.histogram is None or self.samples < SHORTEST_S * self.rate:
            return Measurement(None)
        smooth = max(round(SMOOTH_HZ / self.step_hz), 1)
        levels = np.convolve(self.histogram.percentile(0.99), np.full(smooth, 1 / smooth), "same")
        wide = round(WIDTH_HZ / self.step_hz)
        first, last = round(LOWEST_HZ / self.step_hz), int(HIGHEST_SHARE * self.rate / 2 / self.step_hz) - wide
        if last <= first:
            return Measurement(None)
        before, beyond = levels[first:last], levels[first + wide : last + wide]
        falls = np.where(before > FLOOR, before - beyond, 0.0)
        steepest = int(falls.argmax())
        edge_hz = round((first + steepest + wide / 2) * self.step_hz)
        return Measurement(max(float(falls[steepest]), 0.0), parameters={"edge_hz": edge_hz})
