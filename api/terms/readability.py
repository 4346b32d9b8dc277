"""How hard a text is to read, by the published formula of its language.

A card that needs a degree to read does not inform anybody. Five of our languages have a formula that was fitted to
readers. For Hindi, Swahili and Indonesian there is none, so only lengths are told and nothing is called a grade.

Syllables come from hyphenation patterns (pyphen), which leave together many that are spoken apart ("o-ver"), so a word
has at least as many as it has groups of vowels. Lists of uses on a card count as one long sentence each. Both make a
card look harder than it is rather than easier.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Annotated, Literal

import pyphen
from msgspec import Meta, Struct


class Reading(Struct, frozen=True):
    """How hard a card is to read.

    `scale` says what `score` is: a school `grade` (less is easier), an `ease` from 0 to 100 (more is easier), or `none`
    where the language has no fitted formula. `plain` is null there; else it says whether the card meets our limit.
    """

    formula: Annotated[str, Meta(examples=["Flesch-Kincaid grade level (Kincaid et al., 1975)"])] | None
    scale: Literal["grade", "ease", "none"]
    score: float | None
    limit: float | None
    plain: bool | None
    words_per_sentence: float
    long_words: Annotated[float, Meta(ge=0, le=1, description="Share of words with more than six letters.")]


class Counts(Struct, frozen=True):
    """What the formulas are made of; means are per word or per sentence, shares are 0…1."""

    words_per_sentence: float
    syllables_per_word: float
    long_words: float
    three_syllables: float
    one_syllable: float


class Formula(Struct, frozen=True):
    """A published formula; `limit` is the most for a grade and the least for an ease."""

    name: str
    scale: Literal["grade", "ease"]
    limit: float
    score: Callable[[Counts], float]


FORMULAS = {
    "en": Formula(
        "Flesch-Kincaid grade level (Kincaid et al., 1975)",
        "grade",
        8.0,
        lambda c: 0.39 * c.words_per_sentence + 11.8 * c.syllables_per_word - 15.59,
    ),
    "de": Formula(
        "Erste Wiener Sachtextformel (Bamberger and Vanecek, 1984)",
        "grade",
        8.0,
        lambda c: (
            19.35 * c.three_syllables
            + 0.1672 * c.words_per_sentence
            + 12.97 * c.long_words
            - 3.27 * c.one_syllable
            - 0.875
        ),
    ),
    # 60 is "normal", read by ages 13 to 14; the mean length of sentences as in the correction of Law (2011).
    "es": Formula(
        "Fernández Huerta reading ease (1959)",
        "ease",
        60.0,
        lambda c: 206.84 - 60 * c.syllables_per_word - 1.02 * c.words_per_sentence,
    ),
    "fr": Formula(
        "Kandel-Moles reading ease (1958)",
        "ease",
        60.0,
        lambda c: 207 - 1.015 * c.words_per_sentence - 73.6 * c.syllables_per_word,
    ),
    # 50 is the lower end of what eight years of school read (Martins et al., table 3).
    "pt": Formula(
        "Martins reading ease (Martins et al., 1996)",
        "ease",
        50.0,
        lambda c: 248.835 - 1.015 * c.words_per_sentence - 84.6 * c.syllables_per_word,
    ),
}


def reading(text: str, locale: str) -> Reading:
    """Measure a text of whole sentences; an empty one is as easy as can be."""
    counts = counted(text, locale)
    lengths = (round(counts.words_per_sentence, 1), round(counts.long_words, 3))
    formula = FORMULAS.get(locale)
    if formula is None:
        return Reading(None, "none", None, None, None, *lengths)
    score = round(formula.score(counts), 1)
    plain = score <= formula.limit if formula.scale == "grade" else score >= formula.limit
    return Reading(formula.name, formula.scale, score, formula.limit, plain, *lengths)


def counted(text: str, locale: str) -> Counts:
    """Count sentences, words, letters and syllables; numbers are read aloud too, so they are words of one syllable."""
    sentences = [part for part in re.split(r"[.!?।]+(?=\s|$)", text) if re.search(r"\w", part)]
    found = [word for sentence in sentences for word in re.findall(r"[^\W_][\w'’\u0900-\u097f]*", sentence)]
    if not found:
        return Counts(0, 1, 0, 0, 1)
    syllables = [syllables_of(word, locale) for word in found]
    return Counts(
        words_per_sentence=len(found) / len(sentences),
        syllables_per_word=sum(syllables) / len(found),
        long_words=sum(letters(word) > 6 for word in found) / len(found),
        three_syllables=sum(number >= 3 for number in syllables) / len(found),
        one_syllable=sum(number == 1 for number in syllables) / len(found),
    )


def letters(word: str) -> int:
    """Count letters; in Hindi a vowel sign is read by itself and counts, while an accent is part of its letter."""
    return sum(unicodedata.category(sign)[0] in "LM" for sign in unicodedata.normalize("NFC", word))


def syllables_of(word: str, locale: str) -> int:
    """Count the syllables of a word where its language has patterns, else one for every word."""
    patterns = hyphenation(locale)
    return 1 if patterns is None else max(len(patterns.positions(word.lower())) + 1, vowel_groups(word, locale))


def vowel_groups(word: str, locale: str) -> int:
    """Count groups of vowels; in English and French an "e" at the end is not spoken."""
    bare = "".join(letter for letter in unicodedata.normalize("NFD", word.lower()) if letter.isalpha())
    groups = len(re.findall("[aeiouy]+", bare))
    ending = {"en": "[^aeiouyl]e$", "fr": "[^aeiouy]es?$"}.get(locale)
    return groups - 1 if ending and groups > 1 and re.search(ending, bare) else groups


@cache
def hyphenation(locale: str) -> pyphen.Pyphen | None:
    """Give the patterns of a language that has a formula."""
    return pyphen.Pyphen(lang=locale) if locale in FORMULAS else None
