"""Papers: the same bytes each time, every letter of our languages, and nothing from the machine they are set on."""

import re
import zlib
from datetime import UTC, datetime

import pytest

from api.typesetting import TEMPLATES, fonts, pdf

AT = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
PANGRAMS = {
    "en": "The quick brown fox jumps over the lazy dog – £5, €3.",
    "de": "Zwölf Boxkämpfer jagen Viktor quer über den großen Sylter Deich „2“",
    "es": "El pingüino Wenceslao hizo kilómetros bajo exhaustiva lluvia: ¿y qué? ¡Ñandú!",
    "fr": "Dès Noël où un zéphyr haï me vêt de glaçons würmiens « 12 € », œuvre",
    "pt": "À noite, vovô Kowalsky vê o ímã cair no pé do pinguim; ação",
    "hi": "ऋषियों को सताने वाले दुष्ट राक्षसों के राजा रावण का सर्वनाश — ₹ १२",
    "sw": "Ng'ombe wako wapi? Usizime taa.",
    "id": "Hafiz mengendarai bajaj payah-payah ke warnet-x.",
}


@pytest.fixture
def line(tmp_path, monkeypatch):
    """A template of one line, beside the shared layout."""
    (tmp_path / "paper.typ").write_bytes((TEMPLATES / "paper.typ").read_bytes())
    (tmp_path / "line.typ").write_text('#import "paper.typ": *\n#show: paper\n= #facts.title\n')
    monkeypatch.setattr("api.typesetting.TEMPLATES", tmp_path)
    return lambda title, locale="en": pdf("line", {"title": title, "locale": locale}, AT)


def test_the_same_facts_give_the_same_bytes(line):
    """A hash over a paper can be checked by setting it again."""
    assert line("Receipt") == line("Receipt")
    assert line("Receipt") != line("Receipts")


@pytest.mark.parametrize("locale", PANGRAMS)
def test_every_letter_of_a_language_is_in_our_fonts(line, locale):
    """A missing letter would be a box, and PDF/A refuses boxes: the archive's mark shows that there is none."""
    assert archived(line(PANGRAMS[locale], locale))


def test_a_name_in_other_letters_is_set_all_the_same(line):
    """Whoever has a name that our fonts lack gets a receipt too, though not an archival one."""
    made = line("李小龙")

    assert made.startswith(b"%PDF-")
    assert not archived(made)


def test_only_fonts_that_come_along_are_used():
    assert {"Noto Sans", "Noto Sans Devanagari"} == set(fonts().families())


def archived(made: bytes) -> bool:
    """Whether a PDF declares itself PDF/A in its metadata."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL)
    return any(b"pdfaid:part" in part for part in [made, *(inflated(stream) for stream in streams)])


def inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""
