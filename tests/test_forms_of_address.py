"""One voice: a contributor is addressed in one way, on the card, in the report, and when money is explained."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CATALOGUES = (
    "capture_validation/texts",
    "api/reasons",
    "api/payout_failures",
    "api/explanation_texts",
    "api/terms/texts",
)
#: What the other form of address looks like: German Sie, Spanish usted, French vous, Hindi तुम, Portuguese tu.
OTHER = {
    "de": r"\bIhnen\b|\b\w+en Sie\b|\bSie haben\b",
    "es": r"\b[Uu]sted\b|\b(Envíe|Elija|Grabe|Borre|Pida|Espere|Ha enviado)\b",
    "fr": r"\b([Vv]ous|[Vv]otre|[Vv]os)\b|\b\w+ez-(le|la|les|vous)\b",
    "hi": r"तुम",
    "pt": r"\b([Tt]uas?|[Tt]eus?|[Cc]ontigo)\b",
}


@pytest.mark.parametrize("folder", CATALOGUES)
@pytest.mark.parametrize("locale", OTHER)
def test_a_language_keeps_one_form_of_address(locale: str, folder: str):
    said = sentences(json.loads((ROOT / folder / f"{locale}.json").read_text(encoding="utf-8")))

    assert [] == [sentence for sentence in said if re.search(OTHER[locale], sentence)]


def sentences(node: object) -> list[str]:
    """Every text of a catalogue."""
    if isinstance(node, str):
        return [node]
    parts = node.values() if isinstance(node, dict) else node if isinstance(node, list) else []
    return [text for part in parts for text in sentences(part)]
