"""The picture of a report."""

import io

import numpy as np
import pytest
from PIL import Image

from capture_validation.analysis import analyse
from capture_validation.curves import POINTS, GrowingCurve
from capture_validation.picture import SCALE, WIDTH, clock, draw, fitted, font, nice, tick, width_of, wrapped
from capture_validation.profile import profile
from capture_validation.report import CheckResult, Curve, MediaFacts, Rejection, Report, Span
from capture_validation.texts import LOCALES
from tests.media import media


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def report(duration_s: float, *checks: CheckResult) -> Report:
    values = tuple(float(value) for value in np.linspace(-60, -3, 400))
    curve = Curve("level", "dBFS", duration_s / 400, values)
    return Report("0", "speech", 1, MediaFacts("wav", "audio/wav", 1, duration_s), None, checks, (curve,))


def finding(*spans: Span) -> CheckResult:
    return CheckResult("audio.clipping", 1, "failed", "required", "too-high", "%", 3.0, spans=spans)


@pytest.mark.parametrize("locale", LOCALES)
def test_a_real_recording_is_drawn_as_wide_as_a_phone(locale):
    with media("speech_jfk_16k.wav").open("rb") as file:
        picture = opened(draw(analyse(file, profile("speech")), locale))

    assert WIDTH * SCALE == picture.width
    assert picture.height > 300


@pytest.mark.parametrize("duration_s", [0.02, 1.0, 61.0, 3600.0])
def test_a_failing_span_is_marked_where_it_lies(duration_s):
    """The last third is marked; its colour appears on the right and not on the left."""
    clean = opened(draw(report(duration_s, finding())))
    marked = opened(draw(report(duration_s, finding(Span(duration_s * 2 / 3, duration_s)))))

    changed = np.argwhere(np.asarray(clean) != np.asarray(marked))[:, 1] / (WIDTH * SCALE)

    assert 0.65 < changed.min() < 0.75
    assert changed.max() > 0.94


def test_every_finding_makes_the_picture_longer_until_there_are_too_many():
    heights = [opened(draw(report(9.0, *[finding()] * count))).height for count in (0, 1, 8, 9, 40)]

    assert heights[0] < heights[1] < heights[2] < heights[3] == heights[4]


@pytest.mark.parametrize("code", ["playlist", "over-limit", "a-code-of-tomorrow"])
def test_a_refused_file_draws_its_reason(code):
    assert opened(draw(profile("speech").rejected(Rejection(code)))).height > 100


def test_a_report_on_nothing_still_draws():
    empty = Report("0", "speech", 1, MediaFacts("wav", "audio/wav", 0, 0.0), None, ())

    assert opened(draw(empty)).width == WIDTH * SCALE


def test_words_are_cut_or_wrapped_to_fit():
    lines = wrapped("Hold the phone a hand's width from your mouth. " * 3, 13, 200)

    assert all(width_of(line, 13) <= 200 for line in lines)
    assert width_of(fitted("Donaudampfschifffahrtsgesellschaft", 12, 90), 12) <= 90


def test_times_read_as_people_say_them():
    assert ["0.5 s", "12 s", "3:07", "1:02:00"] == [clock(seconds) for seconds in (0.5, 12, 187, 3720)]


@pytest.mark.parametrize("duration_s", [0.01, 0.1, 1, 7, 59, 61, 600, 3600, 7000])
def test_the_time_axis_never_has_more_than_five_steps(duration_s):
    assert duration_s / tick(duration_s) <= 5.01


@pytest.mark.parametrize(("value", "rounded"), [(0.3, 0.5), (1, 1), (3, 5), (180, 200), (700, 1000)])
def test_an_axis_ends_at_a_round_number(value, rounded):
    assert rounded == pytest.approx(nice(value))


def test_the_font_has_every_letter_of_every_language():
    from pathlib import Path

    from capture_validation import texts

    letters = set("".join(path.read_text("utf-8") for path in Path(texts.__file__).parent.glob("*.json"))) - set("\n")
    unknown = bytes(font(12).getmask("\uffff"))

    assert set() == {letter for letter in letters if letter != " " and bytes(font(12).getmask(letter)) == unknown}


def test_a_curve_of_any_length_has_at_most_800_points_and_the_right_mean():
    curve = GrowingCurve("level", "dBFS", 0.02)
    for start in range(0, 50_000, 25):
        curve.add_steps(start, np.full(25, 4.0))

    drawn = curve.curve()

    assert POINTS // 2 < len(drawn.values) <= POINTS
    assert {4.0} == set(drawn.values)
    assert 1000 == pytest.approx(drawn.step_s * len(drawn.values), rel=0.01)


def test_a_curve_with_a_hole_repeats_what_came_before():
    curve = GrowingCurve("brightness", "levels", 0.25, "max")
    curve.add(0.0, 3.0)
    curve.add(1.0, 5.0)

    assert (3.0, 3.0, 3.0, 3.0, 5.0) == curve.curve().values
