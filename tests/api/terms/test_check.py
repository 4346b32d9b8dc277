"""What a term sheet may say: every fault at once, and no spelling for what cannot be repaired."""

from typing import Any

import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from api.publishing import shipped
from api.terms.check import faults, read, schema
from api.terms.flags import market_worst
from api.terms.sheet import TermSheet
from storage.errors import TermSheetInvalid
from tests.api.terms.sheets import any_sheet, document, put


@pytest.mark.parametrize("sheet", shipped(), ids=lambda sheet: f"{sheet['id']}-{sheet['version']}")
def test_every_sheet_that_ships_is_one(sheet: dict[str, Any]):
    assert [] == faults(sheet)
    assert isinstance(read(sheet), TermSheet)


def test_voice_ambient_sound_and_video_ship():
    assert {"voice-standard", "ambient-sound", "street-scene"} == {sheet["id"] for sheet in shipped()}


def test_the_published_schema_is_valid_json_schema():
    """It is what validation runs on, so a form built from it accepts what we accept."""
    Draft202012Validator.check_schema(schema())
    assert "https://json-schema.org/draft/2020-12/schema" == schema()["$schema"]


@pytest.mark.parametrize(
    ("pointer", "value"),
    [
        ("/withdrawal/allowed", False),
        ("/withdrawal", ...),
        ("/withdrawal/cost_micros", 1),
        ("/withdrawal/notice", "P14D"),
        ("/withdrawal/earned_money", "returned"),
        ("/term/duration", ...),
        ("/term/duration", "perpetual"),
        ("/term/duration", "P99Y"),
        ("/term/duration", "P11Y"),
        ("/term/duration", "P121M"),
        ("/term/renewal", "automatic"),
        ("/term/renewal", ...),
        ("/unlisted_uses", "allowed"),
        ("/unlisted_uses", ...),
        ("/uses/0/code", "anything"),
        ("/uses", []),
        ("/changes/one_sided", True),
        ("/changes/old_recordings_keep", "newest_version"),
        ("/price/later_cuts_apply_to_accepted", True),
        ("/biometrics/templates_derived", "allowed"),
        ("/biometrics/templates_sold", "allowed"),
        ("/law/consumer_law_kept", False),
        ("/people/min_age", 17),
        ("/people/minors", "accepted"),
        ("/media/contacts", "read"),
        ("/irrevocable", True),
        ("/term/survives", True),
    ],
)
def test_what_cannot_be_repaired_cannot_be_said(pointer: str, value: Any):
    """A grant ends, can be withdrawn, never renews itself, covers what it names; no new member smuggles more in."""
    assert [pointer] == [fault.pointer for fault in faults(put(document(), pointer, value))]


def test_every_fault_is_told_at_once():
    """Whoever writes a sheet corrects it once."""
    changed = put(put(put(document(), "/term/duration", "P99Y"), "/price/rates/0/micros", -1), "/law", ...)

    with pytest.raises(TermSheetInvalid) as refused:
        read(changed)

    told = {fault.pointer: fault.detail for fault in refused.value.facts["errors"]}
    assert {"/law", "/price/rates/0/micros", "/term/duration"} == told.keys()
    assert ("is missing.", "must be at least 0.") == (told["/law"], told["/price/rates/0/micros"])


def test_a_fault_in_a_part_that_may_be_left_out_is_told_where_it_is():
    assert ["/biometrics/gdpr_art9/condition"] == [
        fault.pointer for fault in faults(put(document(), "/biometrics/gdpr_art9/condition", "6(1)(b)"))
    ]


@pytest.mark.parametrize("document", [None, [], "sheet", 3, {}, market_worst()], ids=str)
def test_what_is_no_sheet_at_all_has_faults(document: Any):
    assert [] != faults(document)


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"/uses/5": {"code": "asr_training", "stance": "prohibited"}}, "/uses"),
        ({"/uses/3/separate_consent": False}, "/uses/3/separate_consent"),
        ({"/uses/4/stance": "core"}, "/uses/4/stance"),
        ({"/uses/4/sensitive": False}, "/uses/4/sensitive"),
        ({"/biometrics/gdpr_art9": ...}, "/biometrics/gdpr_art9/uses"),
        ({"/exclusivity/kind": "exclusive"}, "/exclusivity/premium_bps"),
        ({"/exclusivity/premium_bps": 1}, "/exclusivity/premium_bps"),
        ({"/sublicensing/max_tiers": 0}, "/sublicensing/max_tiers"),
        ({"/retention/recording": "P6Y"}, "/retention/recording"),
        ({"/territory/include": ["worldwide", "DE"]}, "/territory"),
        ({"/payout/threshold/currency": "USD"}, "/payout/threshold/currency"),
        ({"/supersedes": 1}, "/supersedes"),
        ({"/identity/likeness": "with_separate_consent"}, "/identity/likeness"),
    ],
    ids=str,
)
def test_members_must_fit_each_other(changes: dict[str, Any], pointer: str):
    changed = document()
    for at, value in changes.items():
        put(changed, at, value)

    assert pointer in [fault.pointer for fault in faults(changed)]


def test_identification_is_never_offered_in_illinois():
    """740 ILCS 14/15(c) knows no consent; anywhere else it takes a consent of its own."""
    offered = {"code": "speaker_recognition", "stance": "optional", "separate_consent": True, "sensitive": True}
    changed = put(document(), "/uses/6", offered)
    changed["biometrics"]["gdpr_art9"]["uses"].append("speaker_recognition")

    assert ["/uses/6/stance"] == [fault.pointer for fault in faults(changed)]
    assert [] == faults(put(changed, "/territory/exclude", ["US-IL"]))


@settings(max_examples=40, deadline=None)
@given(any_sheet())
def test_the_schema_and_the_structs_agree(sheet: TermSheet):
    """What the schema lets through can always be read; the rules only ever add faults."""
    assert sheet.term.renewal == "only_with_new_consent"
