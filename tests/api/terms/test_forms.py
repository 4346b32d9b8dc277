"""Legal text, ODRL and RSL: the same sheet for lawyers, for buyers' software and for crawlers."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from api.media_types import wanted
from api.publishing import shipped
from api.terms import legal, odrl, rsl
from api.terms.diff import diff
from api.terms.sheet import TermSheet
from tests.api.terms.sheets import any_sheet, document, put, read

SHA256 = "ab" * 32
SHEETS = pytest.mark.parametrize("sheet", shipped(), ids=lambda sheet: f"{sheet['id']}-{sheet['version']}")


@settings(max_examples=60, deadline=None)
@given(any_sheet(), any_sheet())
def test_what_differs_for_a_contributor_differs_in_the_legal_text(one: TermSheet, other: TermSheet):
    """No member of a sheet is left out of the text that a court reads."""
    if any("worldwide" in sheet.territory.include[1:] + sheet.territory.include[:-1] for sheet in (one, other)):
        # A country beside the whole world adds nothing, and is refused at publication.
        return
    texts = [legal.legal_text(sheet, SHA256).replace(f"version {sheet.version}", "") for sheet in (one, other)]

    assert not diff(one, other) or texts[0] != texts[1]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/withdrawal/backups_within", "P36D"),
        ("/retention/consent_record", "P9Y"),
        ("/media/metadata", ["language"]),
        ("/uses/4/note", "Other words."),
        ("/uses/5/sensitive", True),
        ("/people/claims", "https://elsewhere.example"),
        ("/payout/methods", ["payout_file"]),
        ("/payout/threshold", {"currency": "EUR", "micros": 5_000_001}),
        ("/price/rates/0/micros", 12_000_001),
        ("/price/royalties/0/pool", "by_accepted_duration"),
        ("/parties/licensee/data_protection_officer", "mailto:other@example.org"),
    ],
)
def test_small_print_is_in_the_legal_text(pointer: str, value: Any):
    before, after = (legal.legal_text(read(sheet), SHA256) for sheet in (document(), put(document(), pointer, value)))

    assert before != after


@SHEETS
def test_every_paragraph_points_into_the_sheet(sheet: dict[str, Any]):
    built = msgspec.to_builtins(read(sheet))
    for clause in legal.clauses(read(sheet), SHA256):
        for paragraph in clause.paragraphs:
            place: Any = built
            for part in [part for part in paragraph.at.split("/")[1:] if part]:
                place = place[int(part)] if isinstance(place, list) else place[part]


@SHEETS
def test_a_policy_permits_what_is_offered_and_prohibits_the_rest(sheet: dict[str, Any]):
    """Each permission ends, is paid for, and asks for deletion after a withdrawal (ODRL 2.2, section 2.6)."""
    policy = odrl.policy(read(sheet), SHA256)
    uses = [rule for rule in policy["permission"] if rule["action"] != "grantUse"]

    assert {odrl.action(use) for use in read(sheet).uses if use.stance != "prohibited"} == {
        rule["action"] for rule in uses
    }
    assert "terms:unlistedUse" in [rule["action"] for rule in policy["prohibition"]]
    for rule in uses:
        assert "elapsedTime" in [limit["leftOperand"] for limit in rule["constraint"]]
        assert "delete" in [duty["action"] for duty in rule["duty"]]
    assert {"@context", "@type", "uid", "profile", "assigner", "target"} <= policy.keys()
    assert policy == json.loads(json.dumps(policy))


def test_a_choice_is_permitted_only_with_its_own_consent():
    policy = odrl.policy(read(document()), SHA256)
    chosen = next(rule for rule in policy["permission"] if rule["action"] == "terms:emotion_recognition")
    operands = [limit["leftOperand"] for limit in chosen["constraint"]]

    assert {"terms:consent", "terms:legalBasis"} <= set(operands)


def test_pay_is_an_exact_decimal():
    rate = odrl.compensate(read(document()))["action"][0]["refinement"][0]

    assert {"@value": "12", "@type": "xsd:decimal"} == rate["rightOperand"]


@SHEETS
def test_rsl_never_grants_more_than_the_sheet(sheet: dict[str, Any]):
    """It prohibits every use without a licence, and permits none by token."""
    body = rsl.rsl(read(sheet))

    assert body.startswith(b"<?xml")
    assert b'<prohibits type="usage">all</prohibits>' in body
    assert b'<permits type="usage">' not in body


def test_rsl_names_the_countries():
    body = rsl.rsl(read(put(document(), "/territory", {"include": ["DE", "AT"], "exclude": ["US"]})))

    assert b'<permits type="geo">DE AT</permits>' in body
    assert b'<prohibits type="geo">US</prohibits>' in body


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        (None, "a/b"),
        ("", "a/b"),
        ("c/d", "c/d"),
        ("C/D; q=0.5", "c/d"),
        ("a/*;q=0.1, c/d;q=0.2", "c/d"),
        ("*/*, a/b;q=0", "c/d"),
        ("a/b;q=nonsense, c/d;q=0.1", "c/d"),
        ("x/y", "a/b"),
        ("c/d;q=0", "a/b"),
        (", ;;, */*;q=1.0", "a/b"),
    ],
)
def test_the_form_that_is_preferred_is_given(accept: str | None, kind: str):
    assert kind == wanted(accept, ("a/b", "c/d"))
