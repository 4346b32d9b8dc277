"""Sound and picture begin and end together, or the report says which one is missing where."""

import pytest

from capture_validation.analysis import Hearing, analyse
from capture_validation.decode import AudioTrack, TrackEnd
from capture_validation.profile import Profile, profile
from capture_validation.report import CheckResult
from tests.media import all_media, media

NAME = "video.sound_length"
TRACK = AudioTrack(
    codec="aac", sample_rate=48_000, channels=1, sample_format="fltp", claimed_duration_s=None, bit_rate=None
)


def compared(sound: tuple[float, float] | None, picture: tuple[float, float] | None) -> CheckResult:
    """The verdict on a sound and a picture that begin and end at these seconds."""
    hearing = Hearing(TRACK, Profile("video", 1, "video", {NAME: profile("video").rules[NAME]}))
    ends = [
        None
        if one is None
        else TrackEnd(frames=9, first_at_s=one[0], last_at_s=one[1], decoded_duration_s=one[1] - one[0])
        for one in (sound, picture)
    ]
    return hearing.results(*ends)[0]


@pytest.mark.parametrize(
    ("sound", "picture", "status", "code", "value"),
    [
        ((0.0, 10.0), (0.0, 10.0), "passed", "passed", 0.0),
        ((0.3, 9.5), (0.0, 10.0), "passed", "passed", 0.5),
        ((0.0, 6.0), (0.0, 10.0), "hint", "ends-early", 4.0),
        ((2.5, 10.0), (0.0, 10.0), "hint", "starts-late", 2.5),
        ((0.0, 13.0), (0.0, 10.0), "hint", "too-high", 3.0),
        ((0.0, 10.0), (2.0, 10.0), "hint", "too-high", 2.0),
    ],
)
def test_the_larger_distance_counts(sound, picture, status, code, value):
    result = compared(sound, picture)
    assert (status, code, pytest.approx(value)) == (result.status, result.code, result.value)


def test_the_stretch_without_sound_is_marked():
    assert [(6.0, 10.0)] == [(span.start_s, span.end_s) for span in compared((0.0, 6.0), (0.0, 10.0)).spans]
    assert [(0.0, 2.5)] == [(span.start_s, span.end_s) for span in compared((2.5, 10.0), (0.0, 10.0)).spans]


@pytest.mark.parametrize(("sound", "picture"), [((0.0, 9.0), None), (None, (0.0, 9.0))])
def test_one_track_alone_has_nothing_to_compare(sound, picture):
    assert "not_applicable" == compared(sound, picture).status


@pytest.mark.parametrize("name", [name for name in all_media() if name.startswith("video_")])
def test_every_real_video_passes_or_has_no_sound(name):
    with media(name).open("rb") as file:
        report = analyse(file, Profile("video", 1, "video", {NAME: profile("video").rules[NAME]}))
    without = report.media is not None and report.media.audio is None
    assert [("not_applicable" if without else "passed")] == [check.status for check in report.checks]
