"""Handling noise: thumps of a hand, a table or a pocket."""

import numpy as np
import scipy
from numpy.typing import NDArray

from capture_validation.check import AudioCheck, Measurement, at_most, information
from capture_validation.decode import AudioTrack
from capture_validation.rumble import Rumble
from capture_validation.sound import Sound, level_length
from capture_validation.spans import Spans

#: Steps of 20 ms in which the voice may not be much louder than the thump (dB): before, during and after. A p that pops
#: is louder than that where its word begins; a knock in the middle of a vowel is as loud as the vowel.
BESIDE, LOUDER_DB = 3, 6.0
#: How little of a thump may be missing below 80 Hz (dB); a voice of 100 Hz loses 8.
DEEP_DB = 2.0
#: A thump begins: in so many steps (160 ms) before its first moments nothing below 80 Hz was as loud.
BEFORE = 8
#: What the voice is loud at: its loudest twentieth.
LOUD = 95
#: Steps (200 ms) on either side that belong to one thump, what one alone counts less, and how far two may be over the
#: lesser of them together (dB): one p that pops beside a floor that creaks is still alone.
ONE, ALONE_DB, BESIDES_DB = 10, 22.0, 10.0
#: As loud as the voice a thump counts at most so much (dB), and one alone at most so much: in a quiet room a step two
#: floors up rises by 20 dB, too, and in none at all the b of a word by 40.
NEAR_DB, ALONE_NEAR_DB = 18.0, 32.0


class Handling(AudioCheck):
    """How far thumps below 120 Hz rise over the second around them, where they are as loud as the voice just then.

    The mean of the two worst, at most 10 dB over the lesser: a hand is seldom heard once only. Held against the voice
    at its loudest (a twentieth of the time) one as loud counts for at most 18 dB, and for less by what it is quieter.
    What it is louder by counts on top: such a thump is heard whatever rumbles around it. The worst alone counts 22 dB
    less, and as loud as the voice at most 10: one p that pops is no reason for another take unless it is very loud.

    A hand that shifts its grip, a table that is knocked: short, deep and much louder than it seemed to the person who
    held the phone. Nearly all of it lies below 80 Hz, and next to nothing of a voice, however deep: so a word after a
    pause is no thump. A voice that creaks and falls below 80 Hz at the end of a word was louder just before.

    Block: levels of 20 ms below 80 Hz, below 120 Hz and above 150 Hz. Result: 0…120 dB. Spans: where thumps begin.
    """

    name = "audio.handling"
    version = 8
    title = "Handling noise"
    unit = "dB"
    profiles = {
        "speech": at_most(14.0),
        "conversation": at_most(14.0),
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
        "Low band over its median of one second, mean of two, held against the voice: AUC .9995 at 10 dB on 227 clean "
        "clips of 36 people; none is told at 14 dB, 1.4 dB over the highest, and 77 % of 10 dB are found. Where only "
        "what is louder than the voice was a thump, and counted up to 22 dB, one was told at 16 dB and 62 % found."
    )
    uncertainty = 1.3

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
        over = low - max(float(np.percentile(self.rumble.voice(), LOUD)), -60.0)
        begins = deep >= scipy.ndimage.maximum_filter1d(deep, BEFORE + 1, origin=BEFORE // 2)
        thumps = begins & (low > voice - LOUDER_DB) & (deep >= low - DEEP_DB)
        louder, rises = np.where(thumps, np.maximum(over, 0), 0.0), np.where(thumps, low - usual, 0.0)
        above = np.where(thumps, np.minimum(rises, over + NEAR_DB), 0.0) + louder
        alone = float((np.minimum(rises, over + ALONE_NEAR_DB) + louder).max()) - ALONE_DB
        limit = self.rule.limit.maximum
        spans = Spans()
        if limit is not None:
            spans.extend_steps(np.flatnonzero(above > limit).tolist(), self.step_s)
        return Measurement(max(_together(above), alone), spans.spans())


def _together(above: NDArray[np.float64]) -> float:
    """The mean of the two largest that do not belong together, but little more than the lesser."""
    worst = int(above.argmax())
    others = np.concatenate((above[: max(worst - ONE, 0)], above[worst + ONE + 1 :]))
    second = max(float(others.max(initial=0.0)), 0.0)
    return min((max(float(above[worst]), 0.0) + second) / 2, second + BESIDES_DB)
