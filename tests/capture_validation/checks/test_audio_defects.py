"""Defects of phone recordings, made from real ones: each must be found, and the recording without it must pass."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal

from capture_validation.check import Rule
from capture_validation.checks.audio_repeats import Repeats
from capture_validation.checks.audio_reverberation import falling
from capture_validation.decode import AudioTrack
from capture_validation.report import Limit
from tests.capture_validation.listening import clip, heard

SPOKEN = ["speech_jfk_16k.wav", "speech_librispeech_198_16k.ogg", "speech_librispeech_5703_22k.ogg"]
RANDOM = 7


def noise(samples):
    return np.random.default_rng(RANDOM).normal(0, 1, samples.shape)


def power(samples):
    return float(np.sqrt((samples**2).mean()))


def hiss(samples, rate):
    """White noise, 10 dB under the voice."""
    return samples + noise(samples) * power(samples) * 10 ** (-10 / 20)


def mains(samples, rate):
    """50 Hz and four harmonics at −35 dBFS."""
    times = np.arange(len(samples)) / rate
    hum = sum(np.sin(2 * np.pi * 50 * harmonic * times + harmonic) / harmonic for harmonic in range(1, 6))
    return samples + 10 ** (-35 / 20) * hum[:, None]


def gusts(samples, rate):
    """Noise below 60 Hz that comes and goes, 16 dB over the voice."""
    deep = scipy.signal.sosfilt(scipy.signal.butter(2, 60, fs=rate, output="sos"), noise(samples), axis=0)
    comes_and_goes = np.clip(np.sin(np.arange(len(samples)) / rate * 3), 0, 1)[:, None]
    return samples + deep / power(deep) * comes_and_goes * power(samples) * 10 ** (16 / 20)


def knocks(samples, rate):
    """A decaying 55 Hz thump at 3 s, 20 dB over the voice."""
    times = np.arange(int(0.15 * rate)) / rate
    spoilt = samples.copy()
    thump = np.sin(2 * np.pi * 55 * times) * np.exp(-times * 30) * power(samples) * 10 ** (20 / 20)
    spoilt[3 * rate : 3 * rate + len(times)] += thump[:, None]
    return spoilt


def holes(samples, rate):
    """20 ms of nothing where the voice is loud, at five places."""
    spoilt = samples.copy()
    loud = np.argsort(np.abs(samples[rate:-rate, 0]))[-5:] + rate
    for at in loud:
        spoilt[at - rate // 100 : at + rate // 100] = 0
    return spoilt


def lost_packets(samples, rate):
    """30 ms of nothing where the voice is loud, at four places, heard through an encoder's noise."""
    spoilt = samples.copy()
    for second in range(4):
        part = np.abs(samples[(second * 2 + 1) * rate : (second * 2 + 2) * rate, 0])
        at = (second * 2 + 1) * rate + int(part.argmax())
        spoilt[at - rate * 15 // 1000 : at + rate * 15 // 1000] = 0
    return spoilt + noise(spoilt) * 1e-4


def stutter(samples, rate):
    """A packet of 20 ms heard twice, where the voice is loud."""
    spoilt = samples.copy()
    length = rate // 50
    at = int(np.argmax(np.abs(samples[rate:-rate, 0]))) + rate
    spoilt[at : at + length] = spoilt[at - length : at]
    return spoilt


def hall(samples, rate):
    """An echo of 0.8 s, as loud as the voice itself."""
    length = int(0.8 * rate)
    tail = np.random.default_rng(RANDOM).normal(0, 1, length) * 10 ** (-3 * np.arange(length) / length)
    tail /= np.sqrt((tail**2).sum())
    tail[0] = 0.7
    return scipy.signal.fftconvolve(samples, tail[:, None], axes=0)[: len(samples)]


def squashed(samples, rate):
    """Clipped at its loudest 5 %, halved, and sent through a filter as an encoder would."""
    top = np.quantile(np.abs(samples), 0.95)
    sections = scipy.signal.butter(2, 0.8, output="sos")
    return scipy.signal.sosfilt(sections, np.clip(samples, -top, top) / 2, axis=0)


def limited(samples, rate):
    """As loud as if its loudest 5 % were clipped, but turned down smoothly around every peak."""
    top = np.quantile(np.abs(samples), 0.95)
    around = scipy.ndimage.maximum_filter1d(np.abs(samples), rate // 50, axis=0)
    gain = scipy.ndimage.uniform_filter1d(np.minimum(1, top / np.maximum(around, top)), rate // 50, axis=0)
    return samples * gain / 2


def telephone(samples, rate):
    """Nothing above 3.4 kHz, as after a call."""
    sections = scipy.signal.butter(10, 3400, fs=rate, output="sos")
    return scipy.signal.sosfilt(sections, samples, axis=0)


DEFECTS = {
    "audio.signal_to_noise": hiss,
    "audio.hum": mains,
    "audio.wind": gusts,
    "audio.handling": knocks,
    "audio.dropouts": holes,
    "audio.encoded_gaps": lost_packets,
    "audio.repeats": stutter,
    "audio.reverberation": hall,
    "audio.flat_top": squashed,
}


@pytest.mark.parametrize(
    ("check", "name"),
    # The speech of 1961 hums by itself.
    [(check, name) for check in DEFECTS for name in SPOKEN if (check, name) != ("audio.hum", SPOKEN[0])],
)
def test_a_defect_is_found_and_only_where_it_is(check, name):
    samples, rate = clip(name)

    assert ("passed", "hint") == (
        heard(check, samples, rate).status,
        heard(check, DEFECTS[check](samples.astype(np.float64), rate), rate).status,
    )


@pytest.mark.parametrize("name", SPOKEN[1:])
def test_a_little_of_nothing_at_all_is_no_background(name):
    """A recorder that begins with zeros, for a fifteenth of the time, before a voice in a hiss."""
    samples, rate = clip(name)
    spoilt = hiss(samples.astype(np.float64), rate)
    zeros = np.zeros((len(samples) // 15, samples.shape[1]))

    alone, behind = (
        heard("audio.signal_to_noise", one, rate).value for one in (spoilt, np.concatenate((zeros, spoilt)))
    )

    assert alone == pytest.approx(behind, abs=1.0)


def test_a_crowd_of_voices_is_background_although_it_leaves_gaps():
    """Six voices from elsewhere in the same recording, 5 dB under it."""
    voice, rate = clip("speech_librispeech_5703_22k.ogg")
    crowd = sum(np.roll(voice[::-1], int(seconds * rate), axis=0) for seconds in (0.7, 2.1, 3.3, 5.2, 7.9, 9.4))
    spoilt = voice + crowd / power(crowd) * power(voice) * 10 ** (-5 / 20)

    assert ("passed", "hint") == tuple(heard("audio.signal_to_noise", one, rate).status for one in (voice, spoilt))


@pytest.mark.parametrize("name", SPOKEN)
def test_a_voice_held_down_by_a_limiter_was_not_overdriven(name):
    """Both have the same ceiling; clipping piles up there and stays, a limiter thins out and leaves waves round."""
    samples, rate = clip(name)

    assert ("passed", "hint") == tuple(
        heard("audio.flat_top", one(samples.astype(float), rate), rate).status for one in (limited, squashed)
    )


@pytest.mark.parametrize("name", SPOKEN[1:])
def test_the_longer_a_room_echoes_the_less_dry_it_is_and_a_quiet_one_is_no_hall(name):
    """Words that stop at once fall through all that is measured; they are the driest, not left out."""
    samples, rate = clip(name)
    noises = [(s, np.random.default_rng(RANDOM).normal(0, 1, int(s * rate))) for s in (0.3, 0.6, 1.2)]
    tails = [noise * 10 ** (-3 * np.arange(len(noise)) / rate / s) for s, noise in noises]
    echoes = [scipy.signal.fftconvolve(samples, tail[:, None] / np.sqrt((tail**2).sum()), axes=0) for tail in tails]
    quiet = np.where(np.abs(samples) < 0.01, 0, samples)

    dry, *wet = (heard("audio.reverberation", one, rate).value for one in (samples, *echoes))

    assert sorted((dry, *wet), reverse=True) == [dry, *wet]
    assert "passed" == heard("audio.reverberation", quiet, rate).status


def test_a_sound_that_stops_at_once_counts_as_fallen_to_the_background():
    """From 10 dB under full scale to nothing: in windows of four steps, by 40 dB and no more."""
    slopes = falling(np.array([-10.0] * 4 + [-80.0] * 4), -50.0, 0.016)

    assert [-750, -1000, -750] == pytest.approx(slopes.tolist())


@pytest.mark.parametrize("name", SPOKEN[1:])
def test_a_telephone_band_is_found_in_a_wide_file(name):
    samples, rate = clip(name)

    assert "passed" == heard("audio.bandwidth", samples, rate).status
    assert "too-low" == heard("audio.bandwidth", telephone(samples, rate), rate).code


def test_spans_point_at_the_thump():
    samples, rate = clip("speech_librispeech_198_16k.ogg")

    spans = heard("audio.handling", knocks(samples.astype(float), rate), rate).spans

    assert [3.0] == [pytest.approx(span.start_s, abs=0.25) for span in spans] or 3.0 == pytest.approx(
        spans[0].start_s, abs=0.25
    )


def test_a_thump_louder_than_the_voice_ever_is_counts_for_more():
    """Under a rumble that is there all the time a thump rises little, and is heard all the same."""
    samples, rate = clip("speech_librispeech_198_16k.ogg")
    times = np.arange(len(samples)) / rate
    rumbling = samples + 0.25 * power(samples) * np.sin(2 * np.pi * 60 * times)[:, None]

    assert ("passed", "hint") == tuple(
        heard("audio.handling", one, rate).status for one in (rumbling, knocks(rumbling.astype(float) * 1.0, rate))
    )


def test_spans_point_at_the_holes():
    samples, rate = clip("speech_librispeech_198_16k.ogg")
    spoilt = samples.copy()
    at = int(np.argmax(np.abs(samples[:, 0])))
    spoilt[at : at + rate // 20] = 0

    result = heard("audio.dropouts", spoilt, rate)

    assert 1 == result.value
    assert at / rate == pytest.approx(result.spans[0].start_s, abs=0.01)


def test_a_pause_of_exact_zeros_that_fades_is_no_dropout():
    """A noise gate and a decoder's comfort silence are quiet before they are zero."""
    samples, rate = clip("speech_jfk_16k.wav")
    spoilt = samples.copy()
    fade = np.linspace(1, 0, rate // 10)[:, None]
    spoilt[4 * rate : 4 * rate + len(fade)] *= fade
    spoilt[4 * rate + len(fade) : 5 * rate] = 0
    spoilt[5 * rate : 5 * rate + len(fade)] *= fade[::-1]

    assert 0 == heard("audio.dropouts", spoilt, rate).value


def test_spans_point_at_what_was_lost():
    samples, rate = clip("speech_librispeech_198_16k.ogg")

    result = heard("audio.encoded_gaps", lost_packets(samples.astype(float), rate), rate)

    assert 3 <= result.value <= 4
    assert all(0.015 <= span.end_s - span.start_s <= 0.04 for span in result.spans)


def test_exact_silence_is_told_once_only():
    """It is a dropout; the check for what an encoder left of one stays out of it."""
    samples, rate = clip("speech_librispeech_198_16k.ogg")
    spoilt = holes(samples.astype(float), rate)

    assert heard("audio.dropouts", spoilt, rate).value
    assert 0 == heard("audio.encoded_gaps", spoilt, rate).value


def test_an_mp3_shows_by_its_edge_even_as_a_wav():
    """At 64 kbit/s MP3 keeps nothing above 11 kHz; what it came from does."""
    random = np.random.default_rng(RANDOM)
    whole = random.normal(0, 0.1, (4 * 44100, 1))
    spectrum = np.fft.rfft(whole, axis=0)
    spectrum[np.fft.rfftfreq(len(whole), 1 / 44100) > 11000] = 0
    cut_off = np.fft.irfft(spectrum, len(whole), axis=0) + random.normal(0, 1e-5, whole.shape)

    wide, edged = heard("audio.spectral_edge", whole, 44100), heard("audio.spectral_edge", cut_off, 44100)

    assert 6 > wide.value
    assert 40 < edged.value
    assert 11000 == pytest.approx(edged.parameters["edge_hz"], abs=400)


def test_a_synthetic_tone_is_not_called_a_bad_connection():
    tone = np.tile(0.3 * np.sin(2 * np.pi * np.arange(40) / 40), 800)

    assert "not_applicable" == heard("audio.repeats", tone, 16000).status


def test_what_a_decoder_repeats_in_a_pause_is_no_bad_connection():
    """Opus fills 20 ms between two words with the same packet, at −65 dBFS; as loud as a voice it would be one."""
    voice, rate = clip("speech_jfk_16k.wav")
    packet = np.random.default_rng(RANDOM).uniform(-1, 1, rate // 50)
    quiet, loud = (np.concatenate((voice[:, 0], np.tile(level * packet, 3), voice[:, 0])) for level in (0.0011, 0.1))

    assert ("passed", "hint") == tuple(heard("audio.repeats", one, rate).status for one in (quiet, loud))


@pytest.mark.parametrize("name", ["audio.dropouts", "audio.repeats"])
@pytest.mark.parametrize("speech", ["speech_dialogue_8k.wav", "speech_librispeech_198_16k.ogg"])
def test_a_coarse_recording_is_not_one_with_holes(name: str, speech: str):
    """In eight bits the quiet parts of speech are zeros between single steps, and some of them look alike."""
    samples, rate = clip(speech)
    # Integers know no negative zero.
    coarse = np.round(samples * 127) / 127 + 0.0

    assert 0 == heard(name, coarse, rate).value


@pytest.mark.parametrize("name", ["audio.dropouts", "audio.repeats"])
def test_what_is_lost_of_a_coarse_recording_is_found(name: str):
    samples, rate = clip("speech_jfk_16k.wav")

    assert heard(name, np.round(DEFECTS[name](samples, rate) * 127) / 127, rate).value


@pytest.mark.parametrize("rate", [11_025, 22_255, 35_467, 44_056, 191_699])
def test_the_frames_of_repeats_are_milliseconds_at_any_rate(rate: int):
    """20 ms are 709 samples at 35,467 Hz and 881 at 44,056, both prime: frames of one sample took 500 MB."""
    check = Repeats(Rule(Limit()))
    check.start(AudioTrack(codec="", sample_rate=rate, channels=1, sample_format="", claimed_duration_s=1, bit_rate=1))

    assert 0.0025 < check.step_s < 0.007


def test_dead_and_inverted_channels_are_found():
    voice, rate = clip("speech_jfk_16k.wav")

    assert "passed" == heard("audio.channel_balance", np.hstack((voice, voice)), rate).status
    assert "too-high" == heard("audio.channel_balance", np.hstack((voice, voice * 0.1)), rate).code
    assert "passed" == heard("audio.channel_phase", np.hstack((voice, voice)), rate).status
    assert "too-low" == heard("audio.channel_phase", np.hstack((voice, -voice)), rate).code
    assert "not_applicable" == heard("audio.channel_phase", voice, rate).status


def test_silence_at_start_end_and_in_between_is_told_apart():
    """With a constant offset on everything, which must not hide it."""
    voice, rate = clip("speech_librispeech_198_16k.ogg")
    still = np.zeros((4 * rate, 1))
    spoilt = np.concatenate((still, voice, still, voice, still)) + 0.05

    start, middle, end = (
        heard(f"audio.{name}", spoilt, rate) for name in ("leading_silence", "longest_pause", "trailing_silence")
    )

    for result, at in ((start, 0.0), (middle, 4.0 + len(voice) / rate), (end, 8.0 + 2 * len(voice) / rate)):
        assert "hint" == result.status
        assert 4.0 == pytest.approx(result.value, abs=1.0)
        assert at == pytest.approx(result.spans[0].start_s, abs=1.0)


def test_a_recording_of_nothing_fails_for_its_silence():
    assert "failed" == heard("audio.silence", np.zeros(32000), 16000).status


@pytest.mark.parametrize(
    ("waited_s", "value", "status"), [(0.4, 0.0, "passed"), (1.0, 0.0, "passed"), (4.0, 75.0, "hint")]
)
def test_a_second_of_waiting_at_each_end_is_no_silence(waited_s: float, value: float, status: str):
    """It is what other checks ask for: only what is waited beyond it counts."""
    still = np.zeros(round(waited_s * 16000))
    spoken = np.random.default_rng(1).normal(0, 0.1, 32000)

    result = heard("audio.silence", np.concatenate((still, spoken, still)), 16000)

    assert (pytest.approx(value, abs=1.0), status) == (result.value, result.status)


@pytest.mark.parametrize(("ending", "status", "code"), [
    ({}, "passed", "passed"),
    ({"claimed_duration_s": 11.3}, "passed", "passed"),
    ({"claimed_duration_s": 20.0}, "failed", "truncated"),
    ({"gaps": [(5.0, 0.3)]}, "hint", "skipped"),
    ({"gaps": [(0.02, 0.3)]}, "passed", "passed"),
    ({"decode_errors": 90_000}, "failed", "damaged"),
])  # fmt: skip
def test_what_could_not_be_decoded_is_counted(ending, status, code):
    result = heard("audio.decodable", *clip("speech_jfk_16k.wav"), **ending)

    assert (status, code) == (result.status, result.code)


def test_a_narrow_file_is_told_apart_from_a_wide_one():
    assert "too-low" == heard("audio.sample_rate", *clip("speech_dialogue_8k.wav"), "conversation").code
    assert "passed" == heard("audio.sample_rate", *clip("speech_jfk_16k.wav")).status


@pytest.mark.parametrize(("name", "status"), [
    ("speech_jfk_16k.wav", "passed"),
    ("speech_fsdd_7_theo_0.wav", "hint"),
])  # fmt: skip
def test_duration_is_counted_in_samples(name, status):
    samples, rate = clip(name)
    result = heard("audio.duration", samples, rate)

    assert len(samples) / rate == pytest.approx(result.value, abs=1e-6)
    assert status == result.status
