"""The one pass: what a report says about real recordings, and what it never depends on."""

import weakref

import pytest

from capture_validation.analysis import analyse
from capture_validation.capacity import Capacity
from capture_validation.check import Measurement, VideoCheck
from capture_validation.checks import published
from capture_validation.decode import OpenRecording
from capture_validation.profile import profile
from capture_validation.report import Report
from tests.media import all_media, media


def kind(name: str) -> str:
    """The profile a test recording is meant for; its name says it."""
    return next(one for one in ("speech", "ambient", "music", "video") if name.startswith(one))


def analysed(name: str, judged_by: str | None = None, capacity: Capacity | None = None) -> Report:
    with media(name).open("rb") as file:
        return analyse(file, profile(judged_by or kind(name)), *([capacity] if capacity else []))


#: A memo of a second in which something rustles, and nobody speaks.
VOICELESS = "speech_voicememo_iphone_gps.m4a"


@pytest.mark.parametrize("name", [name for name in all_media() if not name.startswith("video") and name != VOICELESS])
def test_no_real_recording_of_sound_is_refused_or_sent_back(name):
    """Public recordings of a sound kind, some old and narrow: hints are welcome, a refusal would be ours to explain."""
    report = analysed(name)

    assert report.rejection is None
    assert "passed" == report.outcome
    assert set(profile(kind(name)).rules) == {check.name for check in report.checks}


def test_a_memo_without_a_voice_is_sent_back_for_that_alone():
    report = analysed(VOICELESS)

    assert "needs_fix" == report.outcome
    assert ["audio.speech"] == [check.name for check in report.failed]


def test_facts_are_found_by_decoding():
    media_ = analysed("speech_jfk_16k.wav").media

    assert (11.0, 16000, 1, "pcm_s16le") == (
        media_.duration_s,
        media_.audio.sample_rate_hz,
        media_.audio.channels,
        media_.audio.codec,
    )


def test_the_level_over_time_covers_the_recording():
    report = analysed("speech_jfk_16k.wav")

    level, peak, _ = report.curves
    assert ("level", "peak", "dBFS") == (level.name, peak.name, level.unit)
    assert 11.0 == pytest.approx(len(level.values) * level.step_s, abs=0.05)
    assert all(mean <= top for mean, top in zip(level.values, peak.values, strict=True))


def test_the_sound_of_a_film_is_judged_and_a_silent_film_has_nothing_to_judge():
    with_sound = {check.name: check.status for check in analysed("video_station_5s.mp4").checks}
    silent = {check.name: check.status for check in analysed("video_bear_vp9.webm").checks}

    assert "passed" == with_sound["audio.loudness"]
    assert "not_applicable" == silent["audio.loudness"]


def test_a_recording_over_a_campaign_s_own_capacity_is_refused():
    report = analysed("speech_jfk_16k.wav", capacity=Capacity(audio_duration_s=5.0))

    assert ("over-limit", "duration_s") == (report.rejection.code, report.rejection.parameters["what"])
    assert () == report.checks


def test_pictures_are_shown_only_as_often_as_checks_ask(monkeypatch):
    """4 a second of 30: the rest costs decoding and nothing else."""
    slow = next(
        check for check in published().values() if issubclass(check, VideoCheck) and check.frames_per_second == 4.0
    )
    shown = []
    monkeypatch.setattr(slow, "feed", lambda _self, pixels: shown.append(pixels.at_s))
    monkeypatch.setattr(slow, "measure", lambda _self: Measurement(None))

    analysed("video_rabbit_320.mp4")

    assert 31 <= len(shown) <= 33


def test_no_more_than_one_block_is_kept(monkeypatch):
    """Memory must not grow with length: nothing holds on to blocks that were heard."""
    alive: list[weakref.ref] = []
    most = []
    read = OpenRecording.read

    def counting(self):
        for part in read(self):
            alive.append(weakref.ref(part.samples))
            most.append(sum(ref() is not None for ref in alive))
            yield part

    monkeypatch.setattr(OpenRecording, "read", counting)
    analysed("speech_dialogue_8k.wav")

    assert len(most) > 20
    assert max(most) <= 6
