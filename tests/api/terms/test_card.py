"""The card: eight questions in a fixed order, plain to read, made of the sheet's JSON alone."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from api.publishing import shipped
from api.terms.card import QUESTIONS, Card, card, text_of
from api.terms.check import faults
from api.terms.diff import RULES
from api.terms.readability import Reading, reading, syllables_of
from api.terms.sheet import TermSheet
from api.terms.words import LOCALES
from tests.api.terms.sheets import any_sheet, document, put, read

SHA256 = "ab" * 32
SHEETS = pytest.mark.parametrize("sheet", shipped(), ids=lambda sheet: f"{sheet['id']}-{sheet['version']}")


def english(changed: dict[str, Any]) -> str:
    """All sentences of the English card of a document."""
    return text_of(card(read(changed), SHA256, "en").answers)


@SHEETS
@pytest.mark.parametrize("locale", LOCALES)
def test_a_card_that_ships_is_plain(sheet: dict[str, Any], locale: str):
    """Measured by the formula of its language; where there is none, no grade is claimed and sentences stay short."""
    told = card(read(sheet), SHA256, locale)

    assert told.reading.plain is not False
    assert (told.reading.formula is None) == (locale in {"hi", "sw", "id"})
    assert told.reading.words_per_sentence < 12
    assert [code for code, _, _ in QUESTIONS] == [answer.question for answer in told.answers]
    assert all(answer.sentences for answer in told.answers)


@SHEETS
def test_the_same_sheet_gives_the_same_bytes(sheet: dict[str, Any]):
    """A consent names their hash."""
    cards = [msgspec.json.encode(card(read(sheet), SHA256, "en")) for _ in range(2)]

    assert cards[0] == cards[1]
    assert cards[0] == msgspec.json.encode(msgspec.json.decode(cards[0], type=Card))


@pytest.mark.parametrize("locale", LOCALES)
@settings(max_examples=15, deadline=None)
@given(any_sheet())
def test_every_sheet_has_a_card_in_every_language(locale: str, sheet: TermSheet):
    if faults(msgspec.to_builtins(sheet)):
        return
    for answer in card(sheet, SHA256, locale).answers:
        for sentence in answer.sentences:
            assert "{" not in sentence.text
            assert sentence.at.startswith("/")


@pytest.mark.parametrize(
    ("pointer", "value", "told"),
    [
        ("/term/duration", "P2Y", "It ends 2 years after we accept it."),
        ("/media/location", "exact", "Buyers learn the exact place where you recorded."),
        ("/media/metadata", [], "No facts about you or your phone go with it."),
        ("/territory", {"include": ["DE", "FR"], "exclude": ["US-IL"]}, "It counts in: Germany and France."),
        ("/price/royalties", [], "You are paid once, and not for later sales."),
        ("/price/fees/0/bps", 1250, "We take a fee of 12.5%."),
        ("/payout/expiry", "P2Y", "Your pay is lost if you do not take it within 2 years."),
        ("/sublicensing", {"allowed": False}, "Buyers may not pass it on."),
        ("/withdrawal/reason_needed", True, "but you must give a reason."),
        ("/disputes/class_waiver", True, "You may not join others in one case."),
        ("/withdrawal/backups_within", "P60D", "It is out of our backups within 60 days."),
        ("/retention/consent_record", "P3Y", "We keep the proof that you agreed for 3 years."),
        ("/exclusivity", {"kind": "sole", "premium_bps": 2500}, "For that, your pay is 25% higher."),
        ("/price/rates/0/micros", 12_000_400, "You get €12.0004 for each hour of speech that we accept."),
        ("/price/rates/0/per", "PT1M", "You get €720.00 for each hour of speech that we accept."),
    ],
    ids=str,
)
def test_what_the_sheet_says_the_card_says(pointer: str, value: Any, told: str):
    assert told not in english(document())
    assert told in english(put(document(), pointer, value))


#: What the card leaves to the legal text: what the schema fixes to one value, how amounts are rounded, what Illinois
#: and article 9 ask for by name, and what is shown where it is used (ways to be paid, where others can complain).
LEFT_OUT = {
    "title", "parties.licensor", "media.kinds", "term.starts", "withdrawal.allowed", "withdrawal.cost_micros",
    "withdrawal.notice", "withdrawal.undoes", "biometrics.templates_sold", "biometrics.gdpr_art9.condition",
    "biometrics.gdpr_art9.uses", "biometrics.gdpr_art9.separate_screen", "biometrics.bipa.written_release",
    "biometrics.bipa.purpose_stated", "biometrics.bipa.period", "biometrics.bipa.retention_schedule",
    "retention.recording", "price.rounding.accrual", "price.rounding.split", "price.rounding.payout",
    "price.later_cuts_apply_to_accepted", "payout.methods", "people.minors", "people.claims", "changes.one_sided",
    "law.consumer_law_kept",
}  # fmt: skip


def test_every_member_of_a_sheet_is_on_its_card_or_left_out_on_purpose():
    """That something stays in backups, or that a proof is kept for years, must not be found in small print only."""
    changed = put(document("street-scene", 2), "/exclusivity", {"kind": "sole", "premium_bps": 5})
    put(put(changed, "/territory", {"include": ["DE"], "exclude": ["FR"]}), "/sublicensing", {"allowed": False})
    put(changed, "/price/bonuses", [{"code": "quality", "max_bps": 5, "basis": "published_score"}])
    sentences = [
        sentence
        for sheet in [*shipped(), changed]
        for answer in card(read(sheet), SHA256, "en").answers
        for sentence in answer.sentences
    ]
    said = {".".join(part for part in one.at.split("/")[1:] if not part.isdigit()) for one in sentences}

    assert LEFT_OUT == {kind for kind in RULES if not any(f"{kind}.".startswith(f"{at}.") for at in said)}


@pytest.mark.parametrize(
    ("pointer", "value", "question", "icon"),
    [
        ("/media/kinds", ["video"], "give", "sound-and-picture"),
        ("/media", {**document()["media"], "kinds": ["video"], "sound": "removed"}, "give", "picture"),
        ("/parties/buyers/disclosure", "secret", "who", "buyers-unnamed"),
        ("/exclusivity", {"kind": "sole", "premium_bps": 5}, "how_long", "ends-exclusive"),
        ("/price/royalties", [], "pay", "paid-once"),
        ("/withdrawal/reason_needed", True, "stop", "stop-with-reason"),
        ("/duties/liability_cap", "unlimited", "promise", "unlimited-duty"),
        ("/identity/likeness", "with_separate_consent", "never", "copy-of-you-possible"),
    ],
    ids=str,
)
def test_an_icon_tells_the_answer(pointer: str, value: Any, question: str, icon: str):
    def icons(changed: dict[str, Any]) -> dict[str, str]:
        return {answer.question: answer.icon for answer in card(read(changed), SHA256, "en").answers}

    assert icon != icons(document())[question]  # type: ignore[index]
    assert icon == icons(put(document(), pointer, value))[question]  # type: ignore[index]


@pytest.mark.parametrize("locale", LOCALES)
def test_three_questions_check_what_was_understood(locale: str):
    """The right answer is not always at the same place."""
    asked = card(read(document()), SHA256, locale).understanding

    assert [1, 0, 2] == [question.right for question in asked]
    assert [3, 3, 3] == [len(set(question.choices)) for question in asked]


def test_a_name_taken_off_is_not_called_more_than_it_is():
    """A voice tells who somebody is; a picture without faces and sound does not."""
    spoken, silent = (
        english(document(name, version)) for name, version in (("voice-standard", 2), ("street-scene", 2))
    )

    assert "someone may know that it is you" in spoken
    assert "someone may know that it is you" not in silent


def test_a_translation_that_nobody_reviewed_does_not_bind():
    told = {locale: card(read(document()), SHA256, locale) for locale in LOCALES}

    assert ["en"] == [locale for locale, found in told.items() if found.binding]
    assert "Diese Übersetzung hat noch kein Mensch geprüft" in told["de"].notice


@pytest.mark.parametrize(
    ("locale", "easy", "hard"),
    [
        (
            "en",
            "The cat sat on the mat.",
            "Irrevocable sublicensable authorisations notwithstanding discretionary duty.",
        ),
        ("de", "Der Hund ist da.", "Unwiderrufliche Unterlizenzvereinbarungen verpflichten Vertragspartner."),
        (
            "es",
            "El pan es de Ana.",
            "Autorizaciones irrevocables obligan solidariamente correspondientes licenciatarios.",
        ),
        ("fr", "Le chat est là.", "Autorisations irrévocables obligent solidairement concessionnaires correspondants."),
        ("pt", "O pão é da Ana.", "Autorizações irrevogáveis obrigam solidariamente correspondentes licenciados."),
    ],
)
def test_a_formula_tells_plain_words_from_lawyers(locale: str, easy: str, hard: str):
    assert reading(easy, locale).plain
    assert reading(hard, locale).plain is False


def test_flesch_kincaid_is_the_published_formula():
    """Two sentences, seven words, ten syllables: 0.39 × 3.5 + 11.8 × 10 / 7 − 15.59."""
    found = reading("The recording ends today. You keep it.", "en")

    assert [1, 3, 1, 2] == [syllables_of(word, "en") for word in ("The", "recording", "ends", "today")]
    assert round(0.39 * 3.5 + 11.8 * 10 / 7 - 15.59, 1) == found.score


def test_an_empty_text_is_measured():
    assert isinstance(reading("", "en"), Reading)
    assert isinstance(reading("…", "hi"), Reading)


def test_signs_of_hindi_are_counted_and_accents_are_not():
    """A vowel sign has to be read; "é" is one letter however it is stored."""
    assert 1 == reading("रिकॉर्डिंग।", "hi").long_words
    assert 0 == reading("E\u0301te\u0301s.", "fr").long_words
