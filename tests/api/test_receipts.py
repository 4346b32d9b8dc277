"""Receipts of consent: complete by the standard's field list, signed, and the same in every form."""

import copy
import json
import warnings
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from jsonschema import Draft202012Validator
from litestar import Litestar

from api.commands.verify import checked
from api.receipts import issue_missing, paper
from api.signing import parse_jwks
from api.terms.words import LOCALES, language, time, words
from api.typesetting import set_paper
from storage.database import Pool, run, transaction
from tests.api.taking import agree, claim, speech
from tests.api.test_typesetting import archived

Client = httpx.AsyncClient
DATA = Path(__file__).parent.parent / "data"
SCHEMA = Draft202012Validator(json.loads((DATA / "consent_receipt.schema.json").read_text()))


@pytest.fixture
async def consent(contributor: Client, campaign: dict[str, Any]) -> dict[str, Any]:
    """A consent as its owner reads it."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]
    return dict((await agree(contributor, campaign, recording)).json())


@pytest.fixture
async def receipt(contributor: Client, consent: dict[str, Any]) -> dict[str, Any]:
    """Its receipt, as JSON-LD."""
    answer = await contributor.get(consent["receipt"])
    assert (200, "application/ld+json") == (answer.status_code, answer.headers["content-type"])
    return dict(answer.json())


def conforms(receipt: dict[str, Any]) -> bool:
    """Whether the graph that the receipt describes has the standard's shape."""
    with warnings.catch_warnings():
        # rdflib warns of its own parts.
        warnings.simplefilter("ignore")
        from pyshacl import validate
        from rdflib import Graph

        graph = Graph().parse(data=json.dumps(receipt), format="json-ld")
        shapes = Graph().parse(DATA / "consent_receipt.shapes.ttl")
        return bool(validate(graph, shacl_graph=shapes)[0])


def test_the_schema_is_one():
    """A schema with a mistake would let everything pass."""
    Draft202012Validator.check_schema(SCHEMA.schema)


async def test_a_receipt_has_every_field_of_the_standard(receipt: dict[str, Any], consent: dict[str, Any]):
    """As a document and as a graph; with the hashes of the sheet and of the card that was read."""
    record = receipt["dpv:hasRecordOfActivity"]

    assert [] == [error.message for error in SCHEMA.iter_errors(receipt)]
    assert conforms(receipt)
    assert consent["sha256"] == record["dpv:hasNotice"]["terms:termSheetSha256"]
    assert consent["card_sha256"] == record["dpv:hasNotice"]["terms:cardSha256"]
    assert set(consent["decisions"]) == {
        process["dpv:hasPurpose"]["@id"].removeprefix("terms:") for process in record["dpv:hasProcess"]
    }


@pytest.mark.parametrize(
    "field",
    ["dpv:hasDataSubject", "dpv:hasNotice", "dpv:hasProcess", "dpv:hasConsentControl", "dpv:isIndicatedAtTime"],
)
async def test_a_receipt_without_a_field_is_noticed(receipt: dict[str, Any], field: str):
    """Both checks can fail."""
    harmed = copy.deepcopy(receipt)
    del harmed["dpv:hasRecordOfActivity"][field]

    assert not SCHEMA.is_valid(harmed)
    assert not conforms(harmed)


async def test_the_signed_form_holds_the_same_words(
    contributor: Client, client: Client, consent: dict[str, Any], receipt: dict[str, Any]
):
    """And is checked offline."""
    signed = (await contributor.get(consent["receipt"], headers={"Accept": "application/jose"})).text
    keys = parse_jwks((await client.get("/.well-known/jwks.json")).json())

    found = checked(signed, keys)

    assert ("consent-receipt+jws", receipt) == (found.typ, json.loads(found.payload))


async def test_a_receipt_is_had_as_a_paper(contributor: Client, consent: dict[str, Any]):
    """The same facts give the same bytes, so it can be kept for ever."""
    papers = [await contributor.get(consent["receipt"], headers={"Accept": "application/pdf"}) for _ in range(2)]

    assert papers[0].content.startswith(b"%PDF-")
    assert papers[0].content == papers[1].content
    assert "application/pdf" == papers[0].headers["content-type"]


@pytest.mark.parametrize("locale", LOCALES)
async def test_the_paper_is_in_the_language_of_the_consent(receipt: dict[str, Any], locale: str):
    """Every word of it, set without a missing letter; what nobody has reviewed says so."""
    spoken = words(locale)
    receipt["dct:language"] = locale
    facts = paper(receipt, "ab" * 32)
    made = await set_paper("receipt", facts, datetime(2026, 11, 29, tzinfo=UTC))

    assert archived(made)
    assert (spoken.receipt["title"], spoken.reviewed) == (facts["title"], facts["reviewed"])
    assert time("P5Y", locale) == facts["term"]
    assert locale != facts["language"]
    assert {True} == {use["name"] == spoken.names["uses"][use["code"]] for use in facts["uses"]}


@pytest.mark.parametrize(
    ("code", "told"), [("de-CH", "German (Switzerland)"), ("hi", "Hindi"), ("xx-Zz-nonsense", "xx-Zz-nonsense")]
)
def test_a_language_is_named_where_it_has_a_name(code: str, told: str):
    assert told == language(code, "en")


async def test_a_receipt_is_nobody_else_s(other: Client, consent: dict[str, Any]):
    """404 in every form."""
    forms = ("application/ld+json", "application/jose", "application/pdf")

    assert {404} == {(await other.get(consent["receipt"], headers={"Accept": form})).status_code for form in forms}


async def test_another_card_than_the_one_of_the_sheet_is_refused(contributor: Client, campaign: dict[str, Any]):
    """Whoever read something else must read again."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]
    terms = {"term_sheet": campaign["term_sheet"]["id"], "version": campaign["term_sheet"]["version"]}
    terms |= {"sha256": campaign["term_sheet"]["sha256"], "locale": "en", "decisions": {}, "card_sha256": "0" * 64}

    answer = await contributor.put(f"/v1/recordings/{recording}/consents", json=terms)

    assert (409, "/problems/terms-changed") == (answer.status_code, answer.json()["type"])


async def test_the_card_in_another_language_is_another_text(
    contributor: Client, campaign: dict[str, Any], sign_in: Callable[[], Awaitable[Client]]
):
    """The receipt proves in which words somebody was asked."""
    hashes = set()
    for locale in ("en", "de-AT", "es"):
        recording = (await claim(contributor, campaign, speech())).json()["id"]
        sheet = (await contributor.get(campaign["term_sheet"]["url"])).json()
        terms = {"term_sheet": campaign["term_sheet"]["id"], "version": campaign["term_sheet"]["version"]}
        terms |= {"sha256": campaign["term_sheet"]["sha256"], "locale": locale}
        terms |= {"decisions": {use["code"]: "given" for use in sheet["uses"] if use["stance"] != "prohibited"}}
        hashes.add((await contributor.put(f"/v1/recordings/{recording}/consents", json=terms)).json()["card_sha256"])

    assert 3 == len(hashes - {None})


async def test_a_recording_is_not_accepted_without_a_receipt(
    app: Litestar, contributor: Client, campaign: dict[str, Any], database: Pool
):
    """A consent from before there were receipts gets one first; the worker gives it."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]
    accept = "UPDATE recordings SET state = 'accepted' WHERE id = %(id)s"
    async with transaction(database) as connection:
        for state in ("uploading", "validating"):
            await run(connection, f"UPDATE recordings SET state = '{state}' WHERE id = %(id)s", id=recording)
        await run(
            connection,
            """
            INSERT INTO consents (recording_id, account_id, term_sheet_id, term_sheet_version, term_sheet_sha256,
                                  locale, decisions)
            SELECT r.id, r.account_id, s.id, s.version, s.sha256, 'en', '{"asr_training": "given"}'
            FROM recordings r JOIN campaigns c ON c.id = r.campaign_id
                JOIN term_sheets s ON s.id = c.term_sheet_id AND s.version = c.term_sheet_version
            WHERE r.id = %(id)s
            """,
            id=recording,
        )

    with pytest.raises(psycopg.errors.CheckViolation, match="receipt"):
        async with transaction(database) as connection:
            await run(connection, accept, id=recording)
    issued = await issue_missing(database, await app.state.signing.signer(), "https://example.org")
    async with transaction(database) as connection:
        await run(connection, accept, id=recording)

    assert issued >= 1
    assert "accepted" == (await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]["state"]


async def test_consents_are_listed_use_by_use(contributor: Client, campaign: dict[str, Any], consent: dict[str, Any]):
    """And filtered by how they stand."""
    listed = (await contributor.get("/v1/consents")).json()["data"]
    one = (await contributor.get("/v1/consents", params={"use": "asr_training", "status": "given"})).json()["data"]
    none = (await contributor.get("/v1/consents", params={"status": "withdrawn"})).json()["data"]

    assert [consent["recording"]] == [standing["recording"] for standing in listed]
    assert consent["decisions"] == {use["use"]: use["status"] for use in listed[0]["uses"]}
    assert ["asr_training"] == [use["use"] for use in one[0]["uses"]]
    assert [] == none
