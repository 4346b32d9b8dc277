"""Term sheets over HTTP: every form of the same words, for ever the same, in the reader's language."""

import hashlib
import json
from base64 import b64encode
from pathlib import Path
from typing import Any

import httpx
import pytest
import rfc8785
from litestar import Litestar

from api.cli import main
from api.publishing import announce, publish, shipped
from api.signing import SignatureWrong, verified
from api.terms.words import LOCALES
from storage import renderings, term_sheets
from storage.database import Pool, transaction
from storage.errors import TermSheetInvalid, TermSheetPublished
from tests.api.taking import agree, claim, speech

VOICE = "/v1/term-sheets/voice-standard/versions/3"
QUESTIONS = ["give", "uses", "never", "who", "how_long", "pay", "stop", "promise"]


async def test_a_term_sheet_leads_to_its_newest_version(client: httpx.AsyncClient):
    answer = await client.get("/v1/term-sheets/voice-standard")

    assert (307, "/v1/term-sheets/voice-standard/versions/3") == (answer.status_code, answer.headers["location"])


async def test_the_bytes_of_a_term_sheet_are_what_its_hash_is_taken_over(client: httpx.AsyncClient):
    """Whoever keeps the answer can prove years later which words were agreed to."""
    for entry in (await client.get("/v1/term-sheets")).json()["data"]:
        answer = await client.get(entry["url"])
        assert entry["sha256"] == hashlib.sha256(answer.content).hexdigest()
        assert answer.content == rfc8785.dumps(json.loads(answer.content))
        assert "immutable" in answer.headers["cache-control"]


async def test_published_words_never_change(database: Pool, client: httpx.AsyncClient):
    """Not by publishing again, and not by a statement in SQL."""
    document = (await client.get("/v1/term-sheets/voice-standard/versions/1")).json()
    async with transaction(database) as connection:
        await term_sheets.publish(connection, document)
    with pytest.raises(TermSheetPublished):
        async with transaction(database) as connection:
            await term_sheets.publish(connection, {**document, "title": "Other words"})
    with pytest.raises(Exception, match="append-only"):
        async with transaction(database) as connection:
            await connection.execute("UPDATE term_sheets SET document = '{}' WHERE id = 'voice-standard'")


async def test_a_sheet_with_a_fault_is_not_published(database: Pool):
    """Not even its row is written."""
    document = {**shipped()[0], "version": 9}
    del document["withdrawal"]

    with pytest.raises(TermSheetInvalid, match="/withdrawal is missing"):
        async with transaction(database) as connection:
            await publish(connection, document)


async def test_offers_are_found_by_media_and_territory(client: httpx.AsyncClient):
    """With what an hour earns and how many flags there are."""
    found = (await client.get("/v1/term-sheets", params={"media": "audio", "territory": "DE"})).json()["data"]

    offers = {entry["id"]: entry for entry in found}
    assert {"voice-standard", "ambient-sound"} <= offers.keys()
    assert "street-scene" not in offers
    voice = offers["voice-standard"]
    assert (3, 1, "€12.00", "accepted_duration") == (
        voice["version"], voice["flags"], voice["rate"]["hourly"]["display"], voice["rate"]["basis"],
    )  # fmt: skip


@pytest.mark.parametrize("question", ["media=smell", "territory=Germany", "territory=de"])
async def test_a_wrong_question_is_told(client: httpx.AsyncClient, question: str):
    assert 400 == (await client.get(f"/v1/term-sheets?{question}")).status_code


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_card_answers_eight_questions_in_the_reader_s_language(client: httpx.AsyncClient, locale: str):
    """In a fixed order; a translation that nobody reviewed says that it does not bind."""
    answer = await client.get(f"{VOICE}/card", headers={"Accept-Language": f"{locale}-XX, xx;q=0.4"})
    card = answer.json()

    assert QUESTIONS == [told["question"] for told in card["answers"]]
    assert (locale, locale, "Accept-Language") == (
        card["locale"], answer.headers["content-language"], answer.headers["vary"],
    )  # fmt: skip
    assert (locale == "en") == card["binding"]
    assert (await client.get("/v1/term-sheets")).json()["data"][-1]["sha256"] == card["sha256"]


@pytest.mark.parametrize(
    ("path", "accept", "media_type"),
    [
        ("", "*/*", "application/json"),
        ("", "application/ld+json", "application/ld+json"),
        ("", "text/html, application/rsl+xml;q=0.9, */*;q=0.1", "application/rsl+xml"),
        ("", "image/png", "application/json"),
        ("/card", "application/json", "application/json"),
        ("/legal-text", "*/*", "text/markdown"),
        ("/legal-text", "application/pdf", "application/pdf"),
    ],
)
async def test_every_form_is_asked_for_by_accept(client: httpx.AsyncClient, path: str, accept: str, media_type: str):
    """It may be kept for ever, and who has it already is sent nothing."""
    answer = await client.get(VOICE + path, headers={"Accept": accept})
    again = await client.get(VOICE + path, headers={"Accept": accept, "If-None-Match": answer.headers["etag"]})

    assert (200, media_type) == (answer.status_code, answer.headers["content-type"].partition(";")[0])
    assert "immutable" in answer.headers["cache-control"]
    assert (304, b"", answer.headers["vary"]) == (again.status_code, again.content, again.headers["vary"])


async def test_the_forms_are_what_they_are_called(client: httpx.AsyncClient):
    odrl = (await client.get(VOICE, headers={"Accept": "application/ld+json"})).json()
    rsl = (await client.get(VOICE, headers={"Accept": "application/rsl+xml"})).text
    text = (await client.get(f"{VOICE}/legal-text")).text
    paper = (await client.get(f"{VOICE}/legal-text", headers={"Accept": "application/pdf"})).content

    assert ("http://www.w3.org/ns/odrl.jsonld", "Offer") == (odrl["@context"][0], odrl["@type"])
    assert '<rsl xmlns="https://rslstandard.org/rsl">' in rsl
    assert text.startswith("# Read speech for speech recognition\n")
    assert paper.startswith(b"%PDF-")


async def test_every_form_is_signed_and_has_its_digest(client: httpx.AsyncClient, app: Litestar):
    """The list, the headers and the bytes agree, and a changed byte is caught."""
    jwks = await app.state.signing.published()
    entries = (await client.get(f"{VOICE}/renderings")).json()["data"]

    assert 4 + len(LOCALES) == len(entries)
    for entry in entries:
        wish = {"Accept": entry["media_type"], "Accept-Language": entry["locale"]}
        answer = await client.get(entry["url"], headers=wish)
        digest = hashlib.sha256(answer.content)
        assert entry["sha256"] == digest.hexdigest()
        assert f"sha-256=:{b64encode(digest.digest()).decode()}:" == answer.headers["repr-digest"]
        for jws in (entry["jws"], answer.headers["x-jws-signature"]):
            assert "terms+jws" == verified(jws, jwks, answer.content).typ
            with pytest.raises(SignatureWrong):
                verified(jws, jwks, answer.content + b" ")


async def test_what_was_shown_stays_what_was_shown(client: httpx.AsyncClient, database: Pool):
    """A later release may word a card better; whoever agreed to this one finds it again."""
    before = (await client.get(f"{VOICE}/card")).content
    async with transaction(database) as connection:
        other = renderings.rendering("card", "en", b"{}", reviewed=True)
        kept = await renderings.pin(connection, "voice-standard", 3, other)

    assert before == kept.body
    assert before == (await client.get(f"{VOICE}/card")).content
    with pytest.raises(Exception, match="append-only"):
        async with transaction(database) as connection:
            await connection.execute("UPDATE term_sheet_renderings SET body = ''")


async def test_versions_are_compared_in_the_reader_s_language(client: httpx.AsyncClient):
    url = "/v1/term-sheets/voice-standard/diff"
    forth = (await client.get(url, params={"from": 1, "to": 2})).json()
    back = (await client.get(url, params={"from": 2, "to": 1}, headers={"Accept-Language": "de"})).json()

    assert (forth["better"], forth["worse"]) == (back["worse"], back["better"])
    assert forth["needs_new_consent"]
    assert "Das ist schlechter für dich." in back["changes"][0]["sentence"]
    assert {"at", "from", "to", "for_you", "sentence"} == forth["changes"][0].keys()
    same = (await client.get(url, params={"from": 2, "to": 2})).json()
    assert ([], False) == (same["changes"], same["needs_new_consent"])


async def test_flags_stand_beside_the_worst_case_when_asked(client: httpx.AsyncClient):
    alone = (await client.get(f"{VOICE}/practice-flags")).json()
    beside = (await client.get(f"{VOICE}/practice-flags", params={"compare": "market-worst"})).json()

    assert ["unpaid_derivatives"] == [flag["code"] for flag in alone["flags"]]
    assert "compared" not in alone
    assert alone["flags"] == beside["flags"]
    assert "irrevocable" in [flag["code"] for flag in beside["compared"]]
    assert 400 == (await client.get(f"{VOICE}/practice-flags?compare=us")).status_code


@pytest.mark.parametrize("path", ["", "/card", "/legal-text", "/practice-flags", "/renderings"])
@pytest.mark.parametrize(
    "sheet", ["nothing/versions/1", "voice-standard/versions/99", "voice-standard/versions/" + "9" * 20]
)
async def test_what_was_never_published_is_not_found(client: httpx.AsyncClient, sheet: str, path: str):
    answer = await client.get(f"/v1/term-sheets/{sheet}{path}")

    assert (404, "/problems/term-sheet-missing") == (answer.status_code, answer.json()["type"])


async def test_a_sheet_older_than_the_schema_is_listed_and_read_and_has_no_card(
    client: httpx.AsyncClient, database: Pool
):
    """A data directory from before keeps its sheets; nothing about them fails, though they are not as described now."""
    client.event_hooks = {}
    old: dict[str, Any] = {"id": "old-sheet", "version": 1, "title": "Old", "uses": []}
    async with transaction(database) as connection:
        assert await term_sheets.publish(connection, old)

    entry = next(row for row in (await client.get("/v1/term-sheets")).json()["data"] if row["id"] == "old-sheet")
    assert (None, None, []) == (entry["rate"], entry["flags"], entry["media"])
    assert old == (await client.get(entry["url"])).json()
    answer = await client.get(f"{entry['url']}/card")
    assert (404, "/problems/rendering-missing") == (answer.status_code, answer.json()["type"])


async def test_the_schema_can_be_read(client: httpx.AsyncClient):
    schema = (await client.get("/v1/schemas/term-sheet/1")).json()

    assert "/v1/schemas/term-sheet/1" == schema["$id"]


async def test_who_agreed_to_an_older_version_is_told_of_a_newer_one_once(
    contributor: httpx.AsyncClient, other: httpx.AsyncClient, campaign: dict[str, Any], database: Pool
):
    """Whoever never agreed hears nothing, and an announcement that is repeated tells nobody again."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]
    assert 200 == (await agree(contributor, campaign, recording)).status_code

    assert await announce(database, "voice-standard", 4) >= 1
    assert 0 == await announce(database, "voice-standard", 4)

    told = [event for event in await events_of(contributor) if event["kind"] == "term_sheet.published"]
    assert [{"term_sheet": "voice-standard", "version": 4}] == [event["data"] for event in told]
    assert [] == [event for event in await events_of(other) if event["kind"] == "term_sheet.published"]


async def events_of(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    return (await client.get("/v1/events")).json()["data"]


@pytest.mark.parametrize("accept", ["application/json", "application/pdf"])
async def test_a_form_that_was_kept_is_checked_offline(
    client: httpx.AsyncClient, tmp_path: Path, accept: str, capsys: pytest.CaptureFixture[str]
):
    """With the file, its signature and the public keys, and without us; every changed byte is caught."""
    path = "/card" if accept == "application/json" else "/legal-text"
    answer = await client.get(VOICE + path, headers={"Accept": accept})
    (tmp_path / "jwks.json").write_bytes((await client.get("/.well-known/jwks.json")).content)
    kept = tmp_path / "kept"
    words = [
        "verify",
        str(kept),
        "--keys",
        str(tmp_path / "jwks.json"),
        "--signature",
        answer.headers["x-jws-signature"],
    ]

    kept.write_bytes(answer.content)
    assert 0 == main(words)
    for place in range(0, len(answer.content), len(answer.content) // 40):
        changed = bytearray(answer.content)
        changed[place] ^= 1
        kept.write_bytes(changed)
        assert 1 == main(words), place
    assert "NOT genuine" in capsys.readouterr().out


@pytest.mark.parametrize("sheet", shipped(), ids=lambda sheet: f"{sheet['id']}-{sheet['version']}")
async def test_what_a_sheet_points_to_is_there(client: httpx.AsyncClient, sheet: dict[str, Any]):
    """A contract that leads to an empty page promises nothing."""
    schedule = sheet["biometrics"].get("bipa", {}).get("retention_schedule", "/v1/policies/biometric-retention")
    answer = await client.get(schedule)
    claims = await client.options(sheet["people"].get("claims", "/v1/third-party-claims"))

    assert (200, "740 ILCS 14/15(a)") == (answer.status_code, "740 ILCS 14/15(a)" if "15(a)" in answer.text else "")
    assert 404 != claims.status_code
