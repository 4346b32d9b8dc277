"""Speaking rate: whether the text that was to be read fits into what was spoken."""

import unicodedata

from capture_validation.check import AudioCheck, Measurement, between
from capture_validation.sound import Sound
from capture_validation.speech import Speech

#: A sign of these scripts is a whole syllable, or more; a letter of an alphabet is about a third of one.
SYLLABLES = ("CJK UNIFIED", "HIRAGANA", "KATAKANA", "HANGUL SYLLABLE")
LETTERS_PER_SYLLABLE = 3
#: A single word is over too soon for its rate to say anything.
FEWEST_LETTERS = 12


class SpeakingRate(AudioCheck):
    """Letters of the prompt per second of speech.

    Half a text read, the wrong text read, or one read twice: the length of what was spoken tells, in any language,
    without understanding a word. It does not tell that the words are the right ones.

    Block: probabilities of a voice every 32 ms (see `voice`). Result: letters a second; a sign that stands for a
    syllable counts as three. Not measured without a prompt, under 12 letters, or where nobody speaks.
    """

    name = "audio.speaking_rate"
    title = "Speaking rate"
    unit = "letters/s"
    about_speech = only_in_speech = True
    profiles = {"speech": between(5.0, 32.0)}
    sentences = {
        "passed": "You read at a pace of {value} letters a second, which is fine.",
        "too-low": "The recording is long for its text: {value} letters a second. Was something else said, too?",
        "too-high": "The recording is short for its text: {value} letters a second. Was all of it read?",
    }
    fix = "Read the whole text once, at your own pace, and nothing else."
    false_alarms = "Texts full of digits or abbreviations, which are longer when spoken; very slow, dramatic reading."
    source = "A judgement: read speech has 10 to 20 letters a second in the languages of our own recordings."
    uncertainty = 1.0

    speech: Speech | None = None
    prompt: str | None = None

    def feed(self, sound: Sound) -> None:
        """Nothing to hear: the pass listens for everybody."""

    def spoken(self, speech: Speech, prompt: str | None) -> None:
        self.speech, self.prompt = speech, prompt

    def measure(self) -> Measurement:
        length = letters(self.prompt or "")
        if self.speech is None or length < FEWEST_LETTERS or not self.speech.spoken_s:
            return Measurement(None)
        return Measurement(length / self.speech.spoken_s)


def letters(text: str) -> int:
    """Letters that are spoken in a text, in letters of an alphabet."""
    count = 0
    for sign in text:
        # Marks stand for the vowels of many scripts, Devanagari among them.
        if unicodedata.category(sign)[0] in "LNM":
            count += LETTERS_PER_SYLLABLE if unicodedata.name(sign, "").startswith(SYLLABLES) else 1
    return count
