"""Clicks: single moments that nothing before or after them explains."""

import numpy as np
import scipy
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_most, information
from capture_validation.decode import AudioTrack
from capture_validation.grid import Grid, Samples
from capture_validation.sound import Sound, spectrum_length
from capture_validation.spans import Spans

#: Order of the linear prediction.
ORDER = 16
#: Cells of a millisecond in half a frame of 32 ms.
CELLS = 16
#: A click must stand out from the cells at these distances on either side: beyond its own ringing, and as far as the
#: pulses of the deepest voice lie apart.
NEAREST, FARTHEST = 3, 20
#: Where bends of the waveform stand out less than this from their surroundings there is no click to look for.
CANDIDATE = 8.0
#: The peaks of a quiet room (−60 dBFS), into which what is quieter fades: dry lips at −48 dBFS nobody hears as a fault.
FLOOR = 1e-3
#: Two clicks may be lips or a switch; the third within 5 to 10 s (two stretches of 5 s) is a fault.
COUNTED, STRETCH_S = 3, 5.0


class Clicks(AudioCheck):
    """How far the third largest click of ten seconds stands above what surrounds it, with all predictable taken away.

    A voice can be predicted from what is around it, a click cannot: linear prediction of order 16 leaves it over.
    Clicks come from loose plugs, static and phones that are too busy, and they are heard through everything. Lips
    click, too, and in a long take more often than twice: so they are counted within ten seconds.

    Block: frames of 64 ms every 16 ms, each channel by itself. Result: ratio of the peak of the residual within
    1 ms to the highest 3 to 20 ms away on either side, 0…10⁴; 0 where nothing stands out. Spans: the clicks.
    """

    name = "audio.clicks"
    version = 3
    title = "Clicks"
    unit = "×"
    profiles = {
        "speech": at_most(12.0),
        "conversation": at_most(12.0),
        "ambient": information(),
        "music": information(),
        "video": information(),
    }
    sentences = {
        "passed": "No clicks are heard.",
        "too-high": "There are several clicks in the sound, {value} times as strong as what is around them.",
    }
    fix = "Check that the plug sits firmly, close other apps, keep nails and rings off the phone, and record again."
    false_alarms = "Castanets, typewriters and dripping water; click consonants; dry lips close to the microphone."
    source = "LPC-16 residual over its neighbours, third largest; AUC .99 at 2 × RMS on the 17 clips it was chosen on."
    uncertainty = 0.5

    def start(self, track: AudioTrack) -> None:
        self.half = spectrum_length(track.sample_rate) // 2
        self.step_s = self.half / track.sample_rate
        self.grid = Grid(4 * self.half, self.half)
        self.cuts = np.arange(CELLS) * self.half // CELLS
        self.stretch = round(STRETCH_S / self.step_s)
        #: The largest of this stretch and of the one before, and the third largest of two such at the worst.
        self.largest = np.zeros((2, COUNTED))
        self.reached = 0
        self.worst = 0.0
        self.spans = Spans(gap_s=0.05)

    def feed(self, sound: Sound) -> None:
        first, span = self.grid.take(sound.channels)
        if not span.size:
            return
        found = np.max([self._ratios(channel) for channel in span], axis=0)
        # Frames of one block may belong to several stretches.
        stretches = (first + np.arange(len(found))) // self.stretch
        for stretch in range(int(stretches[0]), int(stretches[-1]) + 1):
            self._take(stretch, found[stretches == stretch])
        limit = self.rule.limit.maximum
        if limit is not None:
            for frame, cell in np.argwhere(found > limit).tolist():
                at_s = (first + frame + 1.5 + cell / CELLS) * self.step_s
                self.spans.add(at_s, at_s + self.step_s / CELLS)

    def measure(self) -> Measurement:
        if not self.grid.done:
            return Measurement(None)
        return Measurement(self.worst, self.spans.spans())

    def _take(self, stretch: int, ratios: NDArray[np.float64]) -> None:
        """Take what was found in a stretch, or in some more of it."""
        if stretch != self.reached:
            self.largest = np.stack((self.largest[1], np.zeros(COUNTED)))
            self.reached = stretch
        self.largest[1] = np.sort(np.concatenate((self.largest[1], ratios.ravel())))[-COUNTED:]
        self.worst = max(self.worst, float(np.sort(self.largest, axis=None)[-COUNTED]))

    def _ratios(self, channel: Samples) -> NDArray[np.float64]:
        """How far each millisecond in the middle 16 of every frame stands out, shape (frames, 16)."""
        frames = np.lib.stride_tricks.sliding_window_view(channel, 4 * self.half)[:: self.half]
        ratios = np.zeros((len(frames), CELLS))
        worth = self._candidates(channel, len(frames))
        if worth.any():
            ratios[worth] = self._stand_out(frames[worth].astype(np.float64))
        return ratios

    def _candidates(self, channel: Samples, frames: int) -> NDArray[np.bool_]:
        """Frames where one bend of the waveform is much sharper than the usual one: all others are not predicted."""
        bends = np.zeros_like(channel)
        steps = channel[1:] - channel[:-1]
        np.abs(steps[1:] - steps[:-1], out=bends[1:-1])
        cells = np.maximum.reduceat(bends.reshape(-1, self.half), self.cuts, axis=1).ravel()
        around = np.lib.stride_tricks.sliding_window_view(cells, 4 * CELLS)[::CELLS][:frames]
        middle = around[:, 3 * CELLS // 2 : 5 * CELLS // 2].max(axis=1)
        return np.asarray((middle > CANDIDATE * np.median(around, axis=1)) & (middle > FLOOR))

    def _stand_out(self, frames: NDArray[np.float64]) -> NDArray[np.float64]:
        rest = residual(frames, self.half)
        cells = np.maximum.reduceat(np.abs(rest).reshape(-1, self.half), self.cuts, axis=1).reshape(len(frames), -1)
        start = 3 * CELLS // 2
        own = cells[:, start : start + CELLS]
        windows = np.lib.stride_tricks.sliding_window_view(cells, 2 * FARTHEST + 1, axis=1)
        around = windows[:, start - FARTHEST : start - FARTHEST + CELLS]
        near = np.abs(np.arange(-FARTHEST, FARTHEST + 1)) < NEAREST
        # The same click fills two cells when it falls between them; it counts once.
        highest = own >= around[:, :, near].max(axis=2)
        return np.asarray(np.where(highest, own / np.maximum(around[:, :, ~near].max(axis=2), FLOOR), 0.0))


def residual(frames: NDArray[np.float64], half: int) -> NDArray[np.float64]:
    """What linear prediction leaves of each frame, shape as given; its first 16 samples are 0.

    Predicted from what lies before and after the middle 16 ms: a click there must not be learned.
    """
    length = frames.shape[1]
    beside = np.hanning(3 * half // 2 + 1)[:-1]
    window = np.concatenate((beside, np.zeros(length - 2 * len(beside)), beside))
    power = np.abs(scipy.fft.rfft(frames * window, 2 * length, axis=1)) ** 2
    correlation = scipy.fft.irfft(power, axis=1)[:, : ORDER + 1]
    # A touch of white noise keeps the equations solvable where a band is empty.
    correlation[:, 0] = correlation[:, 0] * (1 + 1e-9) + 1e-12
    toeplitz = correlation[:, np.abs(np.subtract.outer(np.arange(ORDER), np.arange(ORDER)))]
    weights = np.linalg.solve(toeplitz, correlation[:, 1:, None])[:, :, 0]
    rest = np.zeros_like(frames)
    rest[:, ORDER:] = frames[:, ORDER:]
    for lag in range(1, ORDER + 1):
        rest[:, ORDER:] -= weights[:, lag - 1, None] * frames[:, ORDER - lag : length - lag]
    return rest
