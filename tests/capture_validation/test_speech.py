"""Where somebody speaks, and what is said of a recording without a voice."""

import io
from types import SimpleNamespace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from capture_validation.analysis import analyse
from capture_validation.check import Rule
from capture_validation.checks import published
from capture_validation.checks.audio_speaking_rate import letters
from capture_validation.profile import profile
from capture_validation.report import Limit
from capture_validation.sound import Sound
from capture_validation.speech import STEP_S, Speech
from tests.capture_validation.listening import clip

JFK = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."
FIVE = {"audio.signal_to_noise", "audio.noise_gate", "audio.reverberation", "audio.cut_start", "audio.cut_end"}


def speech_of(*probabilities: float) -> Speech:
    speech = Speech()
    speech.add(SimpleNamespace(voices=np.array(probabilities, np.float32)))
    return speech


def results(samples: np.ndarray, rate: int, judged_by: str = "speech", prompt: str | None = None):
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV", subtype="FLOAT")
    file.seek(0)
    report = analyse(file, profile(judged_by), prompt=prompt)
    return {check.name: check for check in report.checks}


def test_speech_lasts_until_a_voice_is_unlikely():
    assert [*[0] * 2, *[1] * 6, *[0] * 2] == speech_of(0, 0.3, 0.6, 0.4, 0.9, 0.4, 0.4, 0.36, 0.3, 0).steps().tolist()


def test_what_was_never_likely_is_no_speech():
    assert 0.0 == speech_of(*[0.45] * 20).spoken_s


def test_a_short_pause_belongs_to_speech_and_a_short_voice_does_not_count():
    assert 11 * STEP_S == pytest.approx(speech_of(*[0.9] * 4, *[0] * 3, *[0.9] * 4).spoken_s)
    assert 0.0 == speech_of(0, 0, 0, 0, 0, 0.9, 0.9, 0.9, 0, 0, 0, 0, 0).spoken_s


def share_of(*probabilities: float, quiet: bool = True) -> float | None:
    return speech_of(*probabilities).share(np.full(len(probabilities), quiet))


def test_a_second_of_waiting_at_each_end_is_no_lack_of_speech():
    """That is what contributors are asked for; a longer wait counts, and so does a pause inside."""
    second, word = [0] * 31, [0.9] * 10

    assert 1.0 == share_of(*second, *word, *second)
    assert 10 / 41 == pytest.approx(share_of(*second * 2, *word))
    assert 20 / 51 == pytest.approx(share_of(*word, *second, *word))
    assert (0.0, None) == (share_of(*second), share_of())


def test_noise_before_and_after_is_no_waiting():
    second, word = [0] * 31, [0.9] * 10

    assert 10 / 72 == pytest.approx(share_of(*second, *word, *second, quiet=False))


@pytest.mark.parametrize(("times", "more"), [(1, 7.8), (10, 0.78)])
def test_of_a_word_the_edges_may_be_a_share_and_of_a_long_reading_nothing(times: int, more: float):
    """A quarter of a second is what the network may have missed; all of it is as loud as the voice, so nobody waits."""
    check = published()["audio.speech_share"](Rule(Limit()))
    probabilities = [*[0.9] * 25, *[0.0] * 75] * times
    check.levels = SimpleNamespace(all=lambda: np.full(len(probabilities), -20.0), step_s=STEP_S)
    check.spoken(speech_of(*probabilities), None)

    assert 25 + more == pytest.approx(check.measure().value, abs=0.02)


def test_a_sentence_in_the_street_is_less_speech_than_one_after_a_pause():
    """Two seconds of a voice and two of noise as loud, or of a quiet room, of which one is waiting."""
    voice, rate = clip("speech_librispeech_198_16k.ogg")
    word = voice[2 * rate : 4 * rate]
    rest = np.random.default_rng(0).normal(0, 1, (2 * rate, 1)).astype(np.float32)

    street, room = (
        results(np.concatenate((word, level * rest)), rate)["audio.speech_share"].value for level in (word.std(), 1e-4)
    )

    assert street + 5 < room


@given(st.lists(st.floats(0, 1), max_size=200))
def test_any_probabilities_give_spans_inside_the_recording(probabilities):
    speech = speech_of(*probabilities)

    spans = speech.spans().spans()

    assert all(0 <= span.start_s < span.end_s <= speech.duration_s + 1e-3 for span in spans)
    assert bool(spans) == bool(speech.spoken_s)


def test_a_reading_is_found_to_be_speech():
    found = results(*clip("speech_jfk_16k.wav"))

    assert ("passed", "passed") == (found["audio.speech"].status, found["audio.speech_share"].status)
    assert 7.5 == pytest.approx(found["audio.speech"].value, abs=0.5)


@pytest.mark.parametrize("name", ["ambient_robin_44k_stereo.ogg", "music_trumpet_44k_stereo.ogg"])
def test_a_recording_without_a_voice_is_told_so_and_nothing_about_a_voice(name):
    found = results(*clip(name))

    assert ("failed", "no-speech") == (found["audio.speech"].status, found["audio.speech"].code)
    assert {"not_applicable"} == {found[check].status for check in FIVE | {"audio.speech_share"}}


def test_an_hour_is_not_listened_to_where_no_check_asks(monkeypatch):
    """Ambient sound is not searched for voices: that costs as much as everything else."""
    monkeypatch.setattr(Sound, "voices", property(lambda _: pytest.fail("listened")))

    assert "audio.loudness" in results(*clip("ambient_robin_44k_stereo.ogg"), "ambient")


def test_noise_at_the_edges_is_no_word_that_was_cut_off():
    """A door at the start and a step at the end are as loud as speech."""
    samples, rate = clip("speech_librispeech_198_16k.ogg")
    spoilt = samples.copy()
    noise = np.random.default_rng(0).normal(0, 0.3, (rate // 10, 1))
    spoilt[: rate // 10], spoilt[-rate // 10 :] = noise, noise

    found = results(spoilt, rate)

    assert ("not_applicable", "not_applicable") == (found["audio.cut_start"].status, found["audio.cut_end"].status)


def test_the_whole_text_fits_and_half_and_double_of_it_are_noticed():
    voice, rate = clip("speech_jfk_16k.wav")

    status = {
        share: results(voice, rate, prompt=(JFK * 4)[: int(len(JFK) * share)])["audio.speaking_rate"].status
        for share in (0.25, 1, 3.5)
    }

    assert {0.25: "hint", 1: "passed", 3.5: "hint"} == status


def test_without_a_prompt_there_is_no_rate():
    assert "not_applicable" == results(*clip("speech_jfk_16k.wav"))["audio.speaking_rate"].status


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Hello, world!", 10), ("", 0), ("नमस्ते", 6), ("你好", 6), ("こんにちは", 15), ("42 %", 2), ("안녕", 6)],
)
def test_letters_are_counted_in_every_script(text, expected):
    assert expected == letters(text)


def test_where_somebody_speaks_is_drawn_as_a_curve():
    report = analyse_curves("speech_jfk_16k.wav")

    assert {"level", "peak", "speech"} == set(report)
    assert set(report["speech"].values) <= {0.0, 1.0}


def analyse_curves(name):
    samples, rate = clip(name)
    file = io.BytesIO()
    soundfile.write(file, samples, rate, format="WAV")
    file.seek(0)
    return {curve.name: curve for curve in analyse(file, profile("speech")).curves}


def test_no_check_on_a_voice_runs_where_no_profile_is_about_one():
    for check in published().values():
        if getattr(check, "about_speech", False):
            assert set(check.profiles) <= {"speech", "conversation"}
            assert check(Rule(Limit())).measure().value is None
