"""Words: complete in every language, and never at a loss."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import capture_validation
from capture_validation import checks
from capture_validation.report import CheckResult, Limit, Rejection
from capture_validation.texts import LOCALES, filled, language, negotiate, sentence, told, told_rejection, words

PACKAGE = Path(capture_validation.__file__).parent
TRANSLATED = [locale for locale in LOCALES if locale != "en"]


def placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def refusals() -> set[str]:
    """Every code that any `Unreadable("code")` or `Rejection("code")` in the library names."""
    codes = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in {"Unreadable", "Rejection"} and node.args:
                strings = [part for part in ast.walk(node.args[0]) if isinstance(part, ast.Constant)]
                codes |= {part.value for part in strings if isinstance(part.value, str)}
    return codes


@pytest.mark.parametrize("locale", TRANSLATED)
@pytest.mark.parametrize("name", list(checks.published()))
def test_a_check_speaks_every_language_with_the_same_facts(name, locale):
    assert name in language(locale).checks
    english, translated = words(name), words(name, locale)

    assert english.sentences.keys() == translated.sentences.keys()
    for code, text in english.sentences.items():
        assert placeholders(text) == placeholders(translated.sentences[code]), code
    assert translated.title
    assert translated.fix


@pytest.mark.parametrize("locale", TRANSLATED)
def test_what_all_checks_share_is_said_in_every_language(locale):
    english, translated = language("en"), language(locale)

    for part in ("general", "outcomes", "statuses", "picture", "units"):
        assert getattr(english, part).keys() == getattr(translated, part).keys(), part
    for code, text in english.general.items():
        assert placeholders(text) == placeholders(translated.general[code])


@pytest.mark.parametrize("locale", TRANSLATED)
def test_no_language_speaks_of_a_check_that_is_gone(locale):
    assert set() == language(locale).checks.keys() - checks.published().keys()


@pytest.mark.parametrize("locale", LOCALES)
def test_every_refusal_has_a_sentence_in_every_language(locale):
    spoken = language(locale).rejections

    assert len(refusals()) > 10
    assert set() == refusals() - spoken.keys()
    assert language("en").rejections.keys() == spoken.keys()
    for code, english in language("en").rejections.items():
        assert placeholders(english.sentence) == placeholders(spoken[code].sentence)


def test_numbers_are_written_as_the_reader_writes_them():
    result = CheckResult("audio.loudness", 1, "hint", "required", "too-low", "LUFS", -45.25, Limit(minimum=-40))

    assert "-45.2 LUFS" in told(result, "en").sentence
    assert "-45,2 LUFS" in told(result, "de").sentence


def test_a_value_never_reads_like_the_limit_it_misses():
    result = CheckResult("audio.loudness", 1, "hint", "required", "too-low", "LUFS", -40.004, Limit(minimum=-40))

    assert "-40.004" in told(result).sentence


def test_what_passed_needs_no_advice():
    result = CheckResult("audio.loudness", 1, "passed", "required", "passed", "LUFS", -20.0)

    assert "" == told(result).fix


def test_a_check_that_no_longer_exists_keeps_its_name():
    result = CheckResult("audio.beauty", 1, "failed", "required", "too-low", "points", 3.0, Limit(minimum=5))

    assert ("audio.beauty", "audio.beauty is 3 points; it should be at least 5 points.") == (
        told(result).title,
        told(result).sentence,
    )


def test_a_refusal_names_what_was_too_much():
    refusal = Rejection("over-limit", {"what": "duration_s", "value": 4000.0, "limit": 3600.0})

    assert "4,000 seconds" in told_rejection(refusal).sentence
    assert "4.000 Sekunden" in told_rejection(refusal, "de").sentence
    assert told_rejection(Rejection("over-limit", {"what": "unheard-of"})).sentence


@given(st.text(max_size=60))
def test_any_template_can_be_filled(template):
    assert isinstance(filled(template, {}), str)


@pytest.mark.parametrize("name", list(checks.published()))
@pytest.mark.parametrize("locale", LOCALES)
def test_no_sentence_of_any_check_leaves_a_gap(name, locale):
    limit = Limit(minimum=1.0, maximum=2.0, reject_minimum=0.5, reject_maximum=3.0)
    for code in {*words(name, locale).sentences, "passed", "not-applicable", "too-high", "too-low"}:
        text = sentence(name, code, {}, 4.0, limit, "s", locale)
        assert text
        assert "{" not in text


@pytest.mark.parametrize(("template", "filled_in"), [
    ("Saturé : {value} {unit} ; {maximum} au plus.", "Saturé : 17,7 % ; 0,05 au plus."),
    ("Trop long : {value} {nothing} ; {maximum} au plus.", "Trop long : 17,7 ; 0,05 au plus."),
    ("Too long: {value} {nothing}; {maximum} {nothing}.", "Too long: 17,7; 0,05."),
    ("{nothing} is {value} , {nothing} or so.", "is 17,7, or so."),
])  # fmt: skip
def test_a_space_before_a_semicolon_is_french(template, filled_in):
    """What is left out takes its own space along, and no other."""
    assert filled_in == filled(template, {"value": "17,7", "unit": "%", "maximum": "0,05"})


@pytest.mark.parametrize(("header", "locale"), [
    (None, "en"),
    ("", "en"),
    ("de", "de"),
    ("de-AT,de;q=0.9,en;q=0.8", "de"),
    ("nl,fr;q=0.5,es;q=0.7", "es"),
    ("pt-BR", "pt"),
    ("xx, *;q=0.1", "en"),
    ("de;q=0, fr;q=0.1", "fr"),
    ("de;q=nonsense, es", "es"),
    (",;,q=;;", "en"),
])  # fmt: skip
def test_the_preferred_language_is_found(header, locale):
    assert locale == negotiate(header)


@given(st.text(max_size=200))
def test_any_header_gives_a_language(header):
    assert negotiate(header) in LOCALES
