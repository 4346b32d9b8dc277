"""Why a recording stands where it stands: said for every code, in every language, and asked for over HTTP."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.reasons import reason, reasons
from capture_validation.texts import LOCALES
from tests.api.taking import claim, send, speech

ROOT = Path(__file__).parent.parent.parent
#: Written by the code that moves recordings: `because="…"`, its default, and the end of a Decision.
GIVEN = re.compile(r'because(?:: str)? ?= ?"([a-z-]+)"|Decision\("[a-z_]+", "([a-z-]+)"\)')


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_says_every_reason(locale: str) -> None:
    """No code is missing, none is left over, and no sentence is empty or without its end."""
    assert list(reasons("en")) == list(reasons(locale))
    assert all(sentence.endswith((".", "।")) for sentence in reasons(locale).values())


def test_no_two_languages_say_the_same() -> None:
    """A sentence that was forgotten in English would be the same."""
    for code in reasons("en"):
        assert len(LOCALES) == len({reasons(locale)[code] for locale in LOCALES}), code


def test_every_reason_that_the_code_gives_can_be_said() -> None:
    """A new code without a sentence would be shown to a contributor as it is."""
    modules = [path.read_text() for folder in ("api", "storage") for path in (ROOT / folder).glob("*.py")]
    given = {code for text in modules for match in GIVEN.findall(text) for code in match if code}

    assert {"passed", "all-bytes", "bytes-lost", "our-fault", "consent-withdrawn"} <= given
    assert set() == given - set(reasons("en"))


@pytest.mark.parametrize("because", [None, "The dog next door is not part of the sentence."])
def test_words_of_a_person_stay_as_they_are(because: str | None) -> None:
    assert because == reason(because, "de")


async def test_the_reason_is_told_in_the_readers_language(
    contributor: httpx.AsyncClient, campaign: dict[str, Any]
) -> None:
    """And the answer says which language that is."""
    data = speech()
    claimed = (await claim(contributor, campaign, data)).json()
    await send(contributor, claimed["upload"]["url"], data[:1000])

    answer = await contributor.get(f"/v1/recordings/{claimed['id']}", headers={"Accept-Language": "pt-BR, de;q=0.5"})

    assert "pt" == answer.headers["content-language"]
    assert "Accept-Language" in answer.headers["vary"]
    assert reasons("pt")["first-bytes"] == answer.json()["reason"]
