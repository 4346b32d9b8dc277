"""The fingerprint of a sound track: the same however it arrives, small, and readable again."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_validation.duplicates.audio import AudioFingerprint, StoredAudio
from capture_validation.duplicates.errors import NotAFingerprint
from tests.capture_validation.duplicates.sounds import at_16k, fingerprint, samples


def equal(one: AudioFingerprint, two: AudioFingerprint) -> bool:
    return (
        np.array_equal(one.bits, two.bits)
        and np.array_equal(one.firm, two.firm)
        and np.allclose(one.peaks.frame, two.peaks.frame)
        and np.allclose(one.peaks.bin, two.peaks.bin)
    )


@pytest.mark.parametrize("block", [777, 8000, 100_000])
def test_a_fingerprint_does_not_depend_on_how_the_blocks_were_cut(block):
    """Decoders of other versions cut other blocks, and the same file must stay the same recording."""
    sound = np.tile(at_16k("speech_jfk_16k.wav"), 2)

    assert equal(fingerprint(sound, block=22_050), fingerprint(sound, block=block))


def test_it_reads_back_from_its_bytes():
    made = fingerprint(at_16k("speech_jfk_16k.wav"))

    back = AudioFingerprint.from_bytes(made.to_bytes())

    assert made.seconds == back.seconds
    assert np.array_equal(made.bits, back.bits)
    assert np.array_equal(made.firm, back.firm)
    assert len(made.peaks.frame) == len(back.peaks.frame)
    assert np.abs(np.sort(made.peaks.frame) - back.peaks.frame).max() <= 1 / 16


def test_what_is_stored_reads_back_from_its_bytes():
    made = fingerprint(at_16k("speech_jfk_16k.wav")).stored()

    back = StoredAudio.from_bytes(made.to_bytes())

    assert np.array_equal(made.loud, back.loud)
    assert np.array_equal(made.bits[made.loud], back.bits[back.loud])


def test_an_hour_of_speech_is_stored_in_less_than_a_megabyte():
    sound = at_16k("speech_jfk_16k.wav")

    stored = fingerprint(sound).stored().to_bytes()

    assert len(stored) / len(sound) * 16_000 * 3600 < 1_000_000


@given(st.binary(max_size=200))
def test_other_bytes_are_no_fingerprint(data):
    for kind in (AudioFingerprint, StoredAudio):
        with pytest.raises(NotAFingerprint):
            kind.from_bytes(data)


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 20_000), st.integers(0, 255))
def test_a_damaged_fingerprint_is_refused_or_read_within_its_size(at, value):
    """A count that was raised must not make the reader allocate what the bytes do not hold."""
    data = bytearray(fingerprint(np.sin(np.arange(16_000) ** 1.4)).to_bytes())
    data[at % len(data)] = value

    try:
        back = AudioFingerprint.from_bytes(bytes(data))
    except NotAFingerprint:
        return
    assert len(back.bits) <= len(data)


def test_opposite_channels_are_not_silence():
    """A mono mix of a channel and its inverse is nothing, the recording is not."""
    sound = at_16k("speech_jfk_16k.wav")

    both = fingerprint(np.stack((sound, -sound), axis=1))

    assert np.array_equal(fingerprint(sound).bits, both.bits)


@pytest.mark.parametrize(
    "sound",
    [
        pytest.param(np.zeros(0), id="nothing"),
        pytest.param(np.zeros(16_000 * 20), id="silence"),
        pytest.param(0.5 * np.sin(2 * np.pi * 1000 * np.arange(16_000 * 20) / 16_000), id="a steady tone"),
        pytest.param(np.r_[np.zeros(30_000), 0.9, np.zeros(30_000)], id="one click"),
        pytest.param(np.full(16_000 * 5, 0.3), id="a constant"),
    ],
)
def test_what_proves_nothing_says_so(sound):
    assert not fingerprint(sound).enough


def test_a_third_of_a_second_is_not_enough():
    assert not fingerprint(at_16k("speech_jfk_16k.wav")[16_000 : 16_000 + 4800]).enough


@pytest.mark.parametrize("name", ["speech_command_yes.wav", "speech_weather_16k.wav", "ambient_robin_44k_stereo.ogg"])
def test_a_real_recording_is_enough(name):
    sound, rate = samples(name)

    assert fingerprint(sound, rate).enough
