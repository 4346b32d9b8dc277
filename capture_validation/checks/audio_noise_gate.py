"""Noise gate: the room disappears between the words."""

from capture_validation.check import AudioCheck, Measurement, at_most
from capture_validation.decode import AudioTrack
from capture_validation.levels import Levels, runs
from capture_validation.sound import Sound
from capture_validation.spans import Spans

#: Quieter than the last bit of 16: no microphone in a room is.
NOTHING = -100.0
#: What a gate cuts off from is at least this loud (dBFS); a fade to nothing is quieter before it ends. An encoder drops
#: a quiet room as well: Windows' AAC what lies at −66 to −70 dBFS, while the voice is at −25.
AUDIBLE, AUDIBLE_ENCODED = -75.0, -65.0
#: A pause between words, in steps of 20 ms; shorter ones are dropouts, which are another check's.
SHORTEST = 2
#: Steps beside a pause in which the sound must be audible.
EDGE = 2
#: What leaves the room between words as it is; every other codec drops what falls below its own steps.
EXACT = {"flac", "alac"}


class NoiseGate(AudioCheck):
    """Pauses of 40 ms and more that hold nothing at all, right beside sound that can be heard.

    Noise suppression and gates in apps and headsets shut the microphone between words. Word endings are cut off with
    it, the room comes and goes, and who learns from such a voice learns the gate. A telephone's codec, an MP3 of few
    bits and some AAC drop a quiet room by themselves, as a word fades, and let the next one begin out of nothing: there
    only what is cut off while it can well be heard counts.

    Block: 20 ms levels, dBFS, loudest channel, offset removed. Result: number of such pauses, those at the very
    start and end left out.
    """

    name = "audio.noise_gate"
    version = 4
    title = "Cut-out pauses"
    unit = "gaps"
    only_in_speech = True
    profiles = {"speech": at_most(1), "conversation": at_most(1)}
    sentences = {
        "passed": "The room is heard in the pauses, as it should be.",
        "too-high": "Between words the microphone was shut off, {value} × in all.",
    }
    fix = (
        "Switch off noise suppression and voice isolation, and record with the phone's own recorder, without a headset."
    )
    false_alarms = "Synthetic speech; speech that was edited in a studio."
    source = (
        "Pauses that fall and rise abruptly in 20 ms levels: AUC 1.0 where what lies 25 or 35 dB under the voice is "
        "shut off. Of 60 clips of digits, words and sentences none is told after AMR of 12.2 and 4.75 kbit/s or MP3 of "
        "64 and 32 kbit/s."
    )

    def start(self, track: AudioTrack) -> None:
        self.levels = Levels()
        self.exact = track.codec.startswith("pcm_") or track.codec in EXACT

    def feed(self, sound: Sound) -> None:
        self.levels.add(sound)

    def measure(self) -> Measurement:
        levels = self.levels.all()
        if not len(levels):
            return Measurement(None)
        found, spans = 0, Spans()
        for start, end in runs(levels <= NOTHING, shortest=SHORTEST):
            if start == 0 or end == len(levels):
                continue
            before, after = levels[max(start - EDGE, 0) : start].max(), levels[end : end + EDGE].max()
            if (max(before, after) > AUDIBLE) if self.exact else (before > AUDIBLE_ENCODED):
                found += 1
                spans.add(start * self.levels.step_s, end * self.levels.step_s)
        return Measurement(found, spans.spans())
