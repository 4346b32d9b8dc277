"""The picture of a report."""

import io

import msgspec
import numpy as np
import pytest
from PIL import Image, ImageColor

from capture_validation.analysis import analyse
from capture_validation.curves import POINTS, GrowingCurve
from capture_validation.picture import clock, draw, nice, tick
from capture_validation.profile import profile
from capture_validation.report import CheckResult, Curve, MediaFacts, Rejection, Report, Span, Spectrogram
from capture_validation.sheet import DARK, LIGHT, SCALE, WIDTH, fitted, font, scripts, width_of, wrapped
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


def test_dark_paper_says_the_same_on_another_ground():
    with media("speech_jfk_16k.wav").open("rb") as file:
        made = analyse(file, profile("speech"))
    light, dark = opened(draw(made)), opened(draw(made, dark=True))

    assert light.size == dark.size
    assert [ImageColor.getrgb(theme.paper) for theme in (LIGHT, DARK)] == [
        one.getpixel((2, 2)) for one in (light, dark)
    ]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_every_word_can_be_read_on_its_paper(theme):
    """Contrast of at least 4.5 for words and verdicts (WCAG 2.2, 1.4.3)."""
    for colour in (theme.ink, theme.soft, *theme.marks.values()):
        assert contrast(colour, theme.paper) >= 4.5


def luminance(colour: str) -> float:
    parts = np.array(ImageColor.getrgb(colour)) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def test_pitches_are_drawn_under_the_level_where_there_are_any():
    """Loud in the second half only: that half of the strip is coloured and the first is not."""
    silent, loud = bytes(48), bytes([255] * 48)
    without = report(10.0)
    strip = Spectrogram(0.1, 48, 8000.0, silent * 50 + loud * 50)

    plain, drawn = opened(draw(without)), opened(draw(msgspec.structs.replace(without, spectrogram=strip)))

    assert plain.height < drawn.height
    row = np.asarray(drawn)[-60 - 64]
    dark = np.flatnonzero((row == ImageColor.getrgb(LIGHT.pitches[-1])).all(axis=1)) / (WIDTH * SCALE)
    assert (0.54, 0.96) == (pytest.approx(dark.min(), abs=0.02), pytest.approx(dark.max(), abs=0.01))


@pytest.mark.parametrize("duration_s", [0.02, 1.0, 61.0, 3600.0])
def test_a_failing_span_is_marked_where_it_lies(duration_s):
    """The last third is marked; its colour appears on the right and not on the left."""
    clean = opened(draw(report(duration_s, finding())))
    marked = opened(draw(report(duration_s, finding(Span(duration_s * 2 / 3, duration_s)))))

    changed = np.argwhere(np.asarray(clean) != np.asarray(marked))[:, 1] / (WIDTH * SCALE)

    assert 0.65 < changed.min() < 0.75
    assert changed.max() > 0.94


def test_a_finding_on_a_picture_is_marked_in_the_curve_that_shows_it():
    """Shake beside the motion, blur beside the sharpness, darkness beside the brightness: each a chart further down."""
    curves = tuple(Curve(name, "%", 0.1, (50.0,) * 100) for name in ("motion", "sharpness", "brightness"))

    def marked_at(name: str) -> int:
        found = CheckResult(name, 1, "failed", "required", "too-low", "%", 3.0, spans=(Span(2.0, 4.0),))
        pixels = np.array(opened(draw(Report("0", "video", 1, MediaFacts("mov", "", 1, 10.0), None, (found,), curves))))
        red = (pixels == ImageColor.getrgb(LIGHT.marks["failed"])).all(axis=2)[150:].any(axis=1)
        return 150 + int(np.flatnonzero(red)[0])

    shake, blur, dark = map(marked_at, ("video.shake", "video.sharpness", "video.too_dark"))

    assert blur - shake == dark - blur > 200


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

    letters = set("".join(path.read_text("utf-8") for path in Path(texts.__file__).parent.glob("*.json"))) - set(" \n")
    written = {(letter, script) for letter in letters for _, script in scripts(letter)}

    assert {"Latin", "Devanagari"} == {script for _, script in written}
    unknown = {script: bytes(font(12, script).getmask("\uffff")) for _, script in written}
    assert set() == {letter for letter, script in written if bytes(font(12, script).getmask(letter)) == unknown[script]}


def test_a_sentence_of_two_scripts_is_written_in_two_fonts():
    """Their widths add up, and every stretch keeps its own font."""
    assert [("आवाज़", "Devanagari"), (" 4 kHz", "Latin"), ("।", "Devanagari")] == list(scripts("आवाज़ 4 kHz।"))
    assert width_of("आवाज़ 4 kHz।", 12) == pytest.approx(sum(width_of(part, 12) for part in ("आवाज़", " 4 kHz", "।")))


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
