"""Clicks, shut-off pauses, speech that is cut off, and what the channels hold."""

import numpy as np
import pytest

from capture_validation.checks.audio_cut_start import CutStart
from capture_validation.decode import AudioTrack
from capture_validation.edges import Edges
from capture_validation.profile import profile
from capture_validation.sound import Stretches
from capture_validation.speech import STEP_S, Speech
from tests.capture_validation.listening import clip, heard

SPOKEN = ["speech_jfk_16k.wav", "speech_librispeech_198_16k.ogg", "speech_librispeech_5703_22k.ogg"]
RATES = ["speech_dialogue_8k.wav", "speech_librispeech_198_16k.ogg", "speech_jfk_44k_stereo.flac"]


def power(samples):
    return float(np.sqrt((samples**2).mean()))


def clicked(samples, rate, count=8, times=6.0):
    """Single samples, in all channels, this many times as strong as the recording."""
    spoilt = samples.astype(np.float64)
    places = np.random.default_rng(3).integers(rate, len(samples) - rate, count)
    spoilt[places] += times * power(samples)
    return spoilt, np.sort(places) / rate


def gated(samples, rate):
    """Shut off wherever 20 ms are 30 dB under the loud ones, as a gate without a release does."""
    length = rate // 50
    frames = samples[: len(samples) // length * length].reshape(-1, length).astype(np.float64)
    levels = 10 * np.log10((frames**2).mean(axis=1) + 1e-12)
    frames[levels < np.percentile(levels, 95) - 30] = 0
    return frames.reshape(-1, 1)


@pytest.mark.parametrize("name", RATES)
def test_clicks_are_found_where_they_are(name):
    samples, rate = clip(name)
    spoilt, places = clicked(samples, rate)

    result = heard("audio.clicks", spoilt, rate)

    assert "passed" == heard("audio.clicks", samples, rate).status
    assert "hint" == result.status
    pointed_at = [place for place in places if any(abs(span.start_s - place) < 0.01 for span in result.spans)]
    assert len(pointed_at) >= 4


def test_two_clicks_are_forgiven_and_three_are_not():
    """Lips and a switch click, too."""
    room = np.random.default_rng(5).normal(0, 0.01, (64000, 1))

    assert "passed" == heard("audio.clicks", clicked(room, 16000, 2, 60.0)[0], 16000).status
    assert "hint" == heard("audio.clicks", clicked(room, 16000, 3, 60.0)[0], 16000).status


@pytest.mark.parametrize(("apart_s", "status"), [(3, "hint"), (11, "passed")])
def test_clicks_count_that_lie_within_ten_seconds(apart_s, status):
    """In a minute of speech lips click more often than twice."""
    room = np.random.default_rng(5).normal(0, 0.01, 25 * 8000)
    room[8000 + np.arange(3) * apart_s * 8000] += 0.6

    assert status == heard("audio.clicks", room, 8000).status


@pytest.mark.parametrize(("peak_db", "status"), [(-48, "passed"), (-30, "hint")])
def test_clicks_that_fade_into_a_quiet_room_are_none(peak_db, status):
    """A very quiet recording lays bare what lips do, and nobody hears it."""
    room = np.random.default_rng(5).normal(0, 1e-5, 10 * 16000)
    room[16000 + np.arange(5) * 20000] += 10 ** (peak_db / 20)

    assert status == heard("audio.clicks", room, 16000).status


def test_a_click_in_one_channel_counts():
    samples, rate = clip(SPOKEN[0])
    spoilt, _ = clicked(samples, rate, times=5.0)

    assert "hint" == heard("audio.clicks", np.hstack((samples, spoilt)), rate).status


def test_a_buzz_is_no_series_of_clicks():
    """Pulses that come regularly are what surrounds each other."""
    buzz = np.zeros(32000)
    buzz[::160] = 0.5

    assert heard("audio.clicks", buzz, 16000).value < 2


@pytest.mark.parametrize("name", SPOKEN)
def test_a_gate_between_words_is_found(name):
    samples, rate = clip(name)

    assert "passed" == heard("audio.noise_gate", samples, rate).status
    assert "hint" == heard("audio.noise_gate", gated(samples, rate), rate).status


def test_silence_before_and_after_is_no_gate():
    samples, rate = clip(SPOKEN[1])
    still = np.zeros((rate, 1))

    assert 0 == heard("audio.noise_gate", np.concatenate((still, samples, still)), rate).value


@pytest.mark.parametrize(("codec", "status"), [("pcm_s16le", "hint"), ("amr_nb", "passed"), ("mp3", "passed")])
def test_words_that_fade_and_begin_out_of_nothing_are_an_encoders_doing_where_there_was_one(codec, status):
    """A quiet room under the steps of a telephone's codec; a recorder without one hears every room."""
    voice, rate = clip(SPOKEN[1])
    word = voice[: 2 * rate] * np.linspace(1, 0, 2 * rate)[:, None] ** 8
    words = np.concatenate([np.concatenate((word, np.zeros((rate // 2, 1)))) for _ in range(3)])

    assert status == heard("audio.noise_gate", words, rate, codec=codec).status


@pytest.mark.parametrize(("codec", "status"), [("pcm_s16le", "hint"), ("aac", "passed")])
def test_a_room_that_an_encoder_drops_is_no_gate(codec, status):
    """Nothing where the room was at −68 dBFS: Windows' recorder leaves that of every pause of a quiet room."""
    voice, rate = clip(SPOKEN[1])
    room = np.random.default_rng(3).normal(0, 10 ** (-68 / 20), (rate // 4, 1))
    part = np.concatenate((voice[: 2 * rate], room, np.zeros((rate // 2, 1)), room))

    assert status == heard("audio.noise_gate", np.concatenate((part, part)), rate, codec=codec).status


def test_a_gate_is_found_in_an_mp3_too():
    samples, rate = clip(SPOKEN[0])

    assert "hint" == heard("audio.noise_gate", gated(samples, rate), rate, codec="mp3").status


def test_a_pause_that_is_faded_is_no_gate():
    voice, rate = clip(SPOKEN[1])
    fade = np.linspace(1, 0, len(voice))[:, None] ** 8

    once = np.concatenate((voice * fade, np.zeros((rate, 1)), voice * fade[::-1]))

    assert 0 == heard("audio.noise_gate", once, rate).value


@pytest.mark.parametrize("name", SPOKEN)
def test_speech_that_is_cut_off_is_told_from_speech_that_is_whole(name):
    """Cut in the middle of the loudest 30 ms of the second half, and of the first."""
    samples, rate = clip(name)
    length = rate * 3 // 100
    loud = [power(samples[at : at + length]) for at in range(0, len(samples) - length, length)]
    middle = len(loud) // 2
    stop = (int(np.argmax(loud[middle:])) + middle + 1) * length
    begin = int(np.argmax(loud[: middle // 2])) * length

    assert ("passed", "passed") == tuple(heard(f"audio.cut_{side}", samples, rate).status for side in ("start", "end"))
    assert "hint" == heard("audio.cut_end", samples[:stop], rate).status
    assert "hint" == heard("audio.cut_start", samples[begin:], rate).status


def test_a_word_that_rises_from_nothing_is_whole_however_tightly_it_was_cut():
    """A voice needs some hundredths of a second to set in; the same word begun later is loud at once."""
    samples, rate = clip(SPOKEN[1])
    at = int(np.argmax(np.abs(samples[: len(samples) // 2, 0])))
    word = samples[at : at + 2 * rate]
    rise = np.clip(np.arange(len(word)) / (0.025 * rate), 0, 1)[:, None] ** 2

    assert "hint" == heard("audio.cut_start", word, rate).status
    assert "passed" == heard("audio.cut_start", word * rise, rate).status


@pytest.mark.parametrize(("wave", "vowel"), [("vowel", True), ("hiss", False), ("knock", False), ("nothing", False)])
def test_a_beginning_that_repeats_itself_is_a_vowel(wave, vowel):
    """120 Hz with harmonics, as a throat makes it, and 40 ms of what it is mistaken for."""
    times, random = np.arange(16000) / 16000, np.random.default_rng(3)
    begun = {
        "vowel": sum(np.sin(2 * np.pi * 120 * n * times) / n for n in range(1, 9)) + random.normal(0, 0.1, 16000),
        "hiss": random.normal(0, 1, 16000),
        "knock": random.normal(0, 1, 16000) * np.exp(-times * 100) + 2 * np.exp(-times * 60),
        "nothing": np.zeros(16000),
    }[wave]
    edges = Edges(16000)
    edges.add(Stretches(16000).take(begun.astype(np.float32)[:, None]))

    assert vowel == edges.begins_in_vowel()


@pytest.mark.parametrize(("sure_after_s", "told"), [(0.1, True), (0.3, True), (0.5, False)])
def test_a_vowel_that_was_cut_into_is_told_before_the_network_is_sure(monkeypatch, sure_after_s, told):
    """The network is sure after some steps of 32 ms; what begins is the middle of a vowel."""
    vowel = sum(np.sin(2 * np.pi * 120 * n * np.arange(32000) / 16000) / n for n in range(1, 9)) * 0.1
    sure = np.arange(60) * STEP_S >= sure_after_s
    monkeypatch.setattr(Speech, "probabilities", lambda _: sure.astype(np.float32))
    check = CutStart(profile("speech").rules["audio.cut_start"])
    check.start(AudioTrack(codec="", sample_rate=16000, channels=1, sample_format="", claimed_duration_s=2, bit_rate=1))
    check.feed(Stretches(16000).take(vowel.astype(np.float32)[:, None]))
    check.spoken(Speech(), None)

    assert told == (check.measure().value is not None)


def test_the_span_of_a_cut_end_is_the_end():
    tone = 0.3 * np.sin(np.arange(40000) / 5)

    span = heard("audio.cut_end", tone, 16000).spans[0]

    assert (2.47, 2.5) == (span.start_s, span.end_s)


def test_an_offset_does_not_look_like_speech_at_the_edge():
    samples, rate = clip(SPOKEN[1])
    before, after = heard("audio.cut_start", samples, rate), heard("audio.cut_start", samples + 0.2, rate)

    assert before.value == pytest.approx(after.value, abs=0.5)


def test_channels_are_counted():
    assert [1, 2, 6] == [heard("audio.channels", np.zeros((800, count)), 8000).value for count in (1, 2, 6)]


def test_the_same_sound_twice_is_told_from_stereo():
    voice, rate = clip(SPOKEN[0])
    other = np.roll(voice, 40, axis=0)

    assert -120 == heard("audio.channel_difference", np.hstack((voice, voice)), rate).value
    assert heard("audio.channel_difference", np.hstack((voice, other)), rate).value > -10
    assert 120 == heard("audio.channel_difference", np.hstack((voice, -voice)), rate).value
    assert "not_applicable" == heard("audio.channel_difference", voice, rate).status


def test_a_side_signal_has_the_level_it_was_given():
    """Side 40 dB under mid, with an offset on one channel that must not count."""
    mid, side = np.random.default_rng(1).normal(0, 0.1, (2, 48000))
    pair = np.stack((mid + side / 100, mid - side / 100), axis=1) + np.array([0.05, 0.0])

    assert -40 == pytest.approx(heard("audio.channel_difference", pair, 48000).value, abs=0.2)
