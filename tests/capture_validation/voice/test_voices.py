"""The network: the same answers as its makers' own, at any rate, in any channel, however blocks are cut."""

import json
from pathlib import Path

import numpy as np
import pytest
import scipy
from hypothesis import given, settings
from hypothesis import strategies as st

from capture_validation.voice import Voices
from tests.capture_validation.listening import clip, cut

#: What onnxruntime 1.32 gives for silero_vad_16k_sequence.onnx of silero-vad 6.2.3.
THEIRS = Path(__file__).with_name("silero_jfk.json")


def listened(samples, rate, sizes=(8000,)):
    voices = Voices(rate)
    return np.concatenate([voices.take(np.ascontiguousarray(block.T)) for block in cut(samples, sizes)])


def test_the_network_answers_as_its_makers_does():
    samples, rate = clip("speech_jfk_16k.wav")

    assert np.array(json.loads(THEIRS.read_text())) == pytest.approx(listened(samples, rate), abs=1e-4)


@settings(max_examples=8, deadline=None)
@given(sizes=st.lists(st.integers(1, 9000), min_size=1, max_size=5))
def test_nothing_depends_on_how_blocks_are_cut(sizes):
    samples, rate = clip("speech_jfk_44k_stereo.flac")
    part = samples[: 3 * rate]

    assert listened(part, rate) == pytest.approx(listened(part, rate, sizes), abs=1e-4)


@pytest.mark.parametrize("rate", [8000, 11025, 22050, 32000, 44100, 44101, 48000, 96000, 192000])
def test_a_voice_is_heard_at_any_rate(rate):
    samples, own = clip("speech_jfk_16k.wav")
    other = scipy.signal.resample_poly(samples[: 4 * own], rate, own, axis=0).astype(np.float32)

    expected, found = listened(samples[: 4 * own], own), listened(other, rate)

    shared = min(len(expected), len(found))
    assert len(expected) == pytest.approx(len(found), abs=1)
    assert np.mean((expected > 0.5)[:shared] == (found > 0.5)[:shared]) > 0.95


def test_a_voice_in_opposite_channels_is_heard():
    """Their mix would be silent."""
    samples, rate = clip("speech_jfk_16k.wav")

    assert listened(samples, rate) == pytest.approx(listened(np.hstack((samples, -samples)), rate), abs=1e-4)


def test_a_voice_in_one_channel_of_two_is_heard():
    samples, rate = clip("speech_jfk_16k.wav")

    assert listened(samples, rate) == pytest.approx(listened(np.hstack((samples * 0, samples)), rate), abs=1e-4)


def test_silence_and_noise_hold_nobody():
    noise = np.random.default_rng(1).normal(0, 0.1, (32000, 1)).astype(np.float32)

    assert listened(np.zeros((32000, 1), np.float32), 16000).max() < 0.5
    assert listened(noise, 16000).max() < 0.5


def test_sound_far_beyond_full_scale_is_listened_to_without_a_warning():
    samples, rate = clip("speech_jfk_16k.wav")

    assert np.isfinite(listened(samples[:rate] * 1000, rate)).all()
