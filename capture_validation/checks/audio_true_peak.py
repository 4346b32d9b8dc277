"""True peak: the highest point of the waveform, also between its samples."""

from functools import cache

import numpy as np
import scipy
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.grid import Samples
from capture_validation.sound import Sound

PHASES = 4
#: Samples on either side that shape the curve between two samples.
REACH = 10


@cache
def interpolation() -> Samples:
    """The filter that gives three points between two samples: shape (neighbours, phases), float32."""
    taps = scipy.signal.firwin(2 * PHASES * REACH + 1, 1 / PHASES, window=("kaiser", 5.0)) * PHASES
    phases = np.zeros((2 * REACH + 1, PHASES))
    for phase in range(PHASES):
        column = taps[phase::PHASES][::-1]
        phases[-len(column) :, phase] = column
    return phases.astype(np.float32)


class TruePeak(AudioCheck):
    """Level of the highest point of the waveform in four-fold oversampling, the worst channel.

    A recording whose samples just fit may still overload the converter or encoder that comes next, because the curve
    between two samples swings higher. Only neighbourhoods that could beat the highest point so far are interpolated:
    the result is exact, most of the work is not done.

    Block: float32 (samples, channels). Result: −120…+6 dBTP. Within 0.3 dB of ffmpeg's ebur128.
    """

    name = "audio.true_peak"
    title = "Highest peak"
    unit = "dBTP"
    profiles = {name: at_most(2.0) for name in ("speech", "conversation", "ambient", "music", "video")}
    sentences = {
        "passed": "The loudest moment is at {value} dBTP, so there is room above it.",
        "too-high": "The loudest moment goes over the top: {value} dBTP; at most {maximum} dBTP is wanted.",
    }
    fix = "Move the phone a little away from the source, or lower the recording level, and record again."
    false_alarms = "Music that was mastered to full scale and then compressed; it is no phone recording."
    source = "ITU-R BS.1770-5, Annex 2 (four-fold oversampling); a Kaiser-windowed filter of 81 taps."

    def start(self, track: AudioTrack) -> None:
        self.peaks = np.zeros(track.channels)
        self.kept = np.zeros((track.channels, 2 * REACH), np.float32)
        self.filter = interpolation()
        # No curve can swing higher than this times the largest of the samples that shape it.
        self.swing = float(np.abs(self.filter).sum(axis=0).max())

    def feed(self, sound: Sound) -> None:
        joined = np.concatenate((self.kept, sound.channels), axis=1)
        for number, channel in enumerate(joined):
            self.peaks[number] = self._peak(channel, self.peaks[number])
        self.kept = joined[:, -2 * REACH :]

    def _peak(self, channel: Samples, known: float) -> float:
        size = np.abs(channel)
        highest = np.array([size.argmax()])
        # The curve beside the highest sample is mostly what hardly another sample can beat.
        known = self._swung(channel, highest, max(known, float(size[highest[0]])))
        return self._swung(channel, np.flatnonzero(size > known / self.swing), known)

    def _swung(self, channel: Samples, marks: NDArray[np.intp], known: float) -> float:
        """The highest point of the curve that samples at `marks` shape, or what is known if that is higher."""
        starts = near(marks, REACH, len(channel))
        if not known or not starts.size:
            return known
        around = np.lib.stride_tricks.sliding_window_view(channel, 2 * REACH + 1)[starts]
        return max(known, float(np.abs(around @ self.filter).max()))

    def measure(self) -> Measurement:
        rest = np.concatenate((self.kept, np.zeros((len(self.kept), 2 * REACH), np.float32)), axis=1)
        peak = max(self._peak(channel, known) for channel, known in zip(rest, self.peaks, strict=True))
        return Measurement(20 * float(np.log10(max(peak, 1e-6))))


def near(marks: NDArray[np.intp], reach: int, length: int) -> NDArray[np.intp]:
    """Starts of the windows of 2·reach + 1 that hold a marked sample, each once; only windows that lie inside."""
    before = np.concatenate(([-1], marks[:-1])) if marks.size else marks
    firsts = np.maximum(marks - 2 * reach, before + 1)
    counts = np.maximum(np.minimum(marks, length - 2 * reach - 1) + 1 - firsts, 0)
    ends = counts.cumsum()
    return np.repeat(firsts - ends + counts, counts) + np.arange(counts.sum())
