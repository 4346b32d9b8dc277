"""Handling noise: thumps of a hand, a table or a pocket."""

import numpy as np
import scipy
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_most, information
from capture_validation.decode import AudioTrack
from capture_validation.rumble import Rumble
from capture_validation.sound import Sound, level_length
from capture_validation.spans import Spans

#: Steps of 20 ms in which the voice may not be as loud as the thump: before, during and after.
BESIDE = 3
#: How little of a thump may be missing below 80 Hz (dB); a voice of 100 Hz loses 8.
DEEP_DB = 2.0
#: A thump begins: in so many steps (160 ms) before its first moments nothing below 80 Hz was as loud.
BEFORE = 8
#: What the voice is loud at: its loudest twentieth.
LOUD = 95
#: Steps (200 ms) on either side that belong to one thump, and what one alone counts less (dB).
ONE, ALONE_DB = 10, 9.0


class Handling(AudioCheck):
    """How far thumps below 120 Hz rise over the second around them, where they are louder than the voice just then.

    The mean of the two worst, or the worst less 9 dB: a hand is seldom heard once only, and one p that pops is no
    reason for another take unless it is very loud. Where one is louder than the voice ever is (its loudest twentieth),
    what it is louder by counts on top: such a thump is heard whatever rumbles around it.

    A hand that shifts its grip, a table that is knocked: short, deep and much louder than it seemed to the person who
    held the phone. Nearly all of it lies below 80 Hz, and next to nothing of a voice, however deep: so a word after a
    pause is no thump. A voice that creaks and falls below 80 Hz at the end of a word was louder just before.

    Block: levels of 20 ms below 80 Hz, below 120 Hz and above 150 Hz. Result: 0…120 dB. Spans: where thumps begin.
    """

    name = "audio.handling"
    version = 5
    title = "Handling noise"
    unit = "dB"
    profiles = {
        "speech": at_most(25.5),
        "conversation": at_most(25.5),
        "ambient": information(),
        "music": information(),
        "video": information(),
    }
    sentences = {
        "passed": "No thumps are heard.",
        "too-high": "The phone was knocked or moved: a thump of {value} dB; at most {maximum} dB is normal.",
    }
    fix = "Lay the phone on something soft or hold it still, and do not touch it while recording."
    false_alarms = "Drums, slamming doors, and plosives spoken right into the microphone."
    source = (
        "Low band over its median of one second, mean of two: AUC .94 at 10 dB, 1.0 at 20 dB, on 442 clips of 221 "
        "sources (the worst alone: .94 and .99, and twice the false alarms)."
    )
    uncertainty = 1.0

    def start(self, track: AudioTrack) -> None:
        self.rumble = Rumble()
        self.step_s = level_length(track.sample_rate) / track.sample_rate

    def feed(self, sound: Sound) -> None:
        self.rumble.add(sound.rumble)

    def measure(self) -> Measurement:
        low, deep = self.rumble.low(), self.rumble.deep()
        if len(low) < 50:
            return Measurement(None)
        usual = np.maximum(scipy.ndimage.median_filter(low, 51, mode="nearest"), -60.0)
        # The filters ring for a moment where a word stops at once, so the steps beside count, too.
        voice = scipy.ndimage.maximum_filter1d(self.rumble.voice(), BESIDE)
        louder = np.maximum(low - max(float(np.percentile(self.rumble.voice(), LOUD)), -60.0), 0)
        begins = deep >= scipy.ndimage.maximum_filter1d(deep, BEFORE + 1, origin=BEFORE // 2)
        above = np.where(begins & (low > voice) & (deep >= low - DEEP_DB), low - usual + louder, 0.0)
        limit = self.rule.limit.maximum
        spans = Spans()
        if limit is not None:
            spans.extend_steps(np.flatnonzero(above > limit).tolist(), self.step_s)
        return Measurement(_counted(above), spans.spans())


def _counted(above: NDArray[np.float32]) -> float:
    """The mean of the two largest that do not belong together, or the largest less what one alone counts less."""
    worst = int(above.argmax())
    others = np.concatenate((above[: max(worst - ONE, 0)], above[worst + ONE + 1 :]))
    second = max(float(others.max(initial=0.0)), float(above[worst]) - 2 * ALONE_DB, 0.0)
    return (float(above[worst]) + second) / 2
