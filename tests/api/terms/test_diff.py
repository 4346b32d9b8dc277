"""Comparing versions: nothing is left out, and what is better one way is worse the other way."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from api.terms.diff import RULES, Change, Leaf, diff, leaves
from api.terms.sheet import Part, TermSheet
from api.terms.words import LOCALES, words
from tests.api.terms.sheets import any_sheet, document, put, read

OPPOSITE = {"better": "worse", "worse": "better", "neutral": "neutral"}


def compared(pointer: str, value: Any) -> list[Change]:
    """What changes when one member does."""
    return diff(read(document()), read(put(document(), pointer, value)))


@settings(max_examples=40, deadline=None)
@given(any_sheet())
def test_a_sheet_does_not_differ_from_itself(sheet: TermSheet):
    assert [] == diff(sheet, sheet)


@settings(max_examples=50, deadline=None)
@given(any_sheet(), any_sheet())
def test_swapping_two_versions_turns_better_into_worse(one: TermSheet, other: TermSheet):
    forth = {change.at: change for change in diff(one, other)}
    back = {change.at: change for change in diff(other, one)}

    assert forth.keys() == back.keys()
    for at, change in forth.items():
        assert OPPOSITE[change.for_you] == back[at].for_you, at
        assert (change.before, change.now) == (back[at].now, back[at].before)


@settings(max_examples=40, deadline=None)
@given(any_sheet(), any_sheet())
def test_every_leaf_that_both_have_and_that_differs_is_told(one: TermSheet, other: TermSheet):
    """Also the limits of a use, where both offer the use."""
    first, second = leaves(one), leaves(other)
    differing = {at for at in first.keys() & second.keys() if first[at].value != second[at].value}

    assert differing <= {change.at for change in diff(one, other)}


def test_every_member_of_the_schema_has_a_rule():
    """A member that is added to the schema must be judged before a version that changes it can be compared."""
    kinds = set(leaf_kinds(TermSheet)) - {"id", "version", "schema", "supersedes"}
    # A rate is compared for an hour, and by currency; so is the threshold.
    kinds -= {"price.rates.event", "price.rates.currency", "price.rates.per", "payout.threshold.currency"}
    kinds -= {"uses.code", "derivatives.kind", "price.bonuses.code", "price.royalties.event", "price.fees.code"}

    assert kinds == RULES.keys()


def leaf_kinds(part: type[Any], before: str = "") -> list[str]:
    """The path of every smallest member of a struct."""
    found: list[str] = []
    for field in msgspec.structs.fields(part):
        inner = [kind for kind in kinds_in(field.type) if issubclass(kind, Part)]
        for kind in inner:
            found += leaf_kinds(kind, f"{before}{field.encode_name}.")
        if not inner:
            found.append(before + field.encode_name)
    return found


def kinds_in(annotation: Any) -> list[type[Any]]:
    """The classes that an annotation names anywhere inside."""
    inner = [kind for argument in getattr(annotation, "__args__", ()) for kind in kinds_in(argument)]
    return inner + ([annotation] if isinstance(annotation, type) and not inner else [])


@pytest.mark.parametrize(
    ("pointer", "value", "at", "verdict"),
    [
        ("/payout/threshold/micros", 3_000_000, "/payout/threshold/EUR/micros", "better"),
        ("/price/rates/0/micros", 10_000_000, "/price/rates/accepted_duration/EUR/micros", "worse"),
        ("/price/rates/0/basis", "accepted_duration", "/price/rates/accepted_duration/EUR/basis", "better"),
        ("/uses/3/stance", "core", "/uses/tts_training/stance", "worse"),
        ("/uses/3/stance", "prohibited", "/uses/tts_training/stance", "better"),
        ("/uses/5", ..., "/uses/voice_cloning/stance", None),
        ("/withdrawal/buyers_delete_within", "P60D", "/withdrawal/buyers_delete_within", "worse"),
        ("/withdrawal/reason_needed", True, "/withdrawal/reason_needed", "worse"),
        ("/withdrawal/scope", ["account"], "/withdrawal/scope/recording", "worse"),
        ("/withdrawal/cannot_undo", [], "/withdrawal/cannot_undo/models_already_trained", "better"),
        ("/media/metadata", ["language", "device_model", "sample_rate", "gender"], "/media/metadata/gender", "worse"),
        ("/media/location", "exact", "/media/location", "worse"),
        ("/parties/buyers/excluded_sectors", ["surveillance", "military"],
         "/parties/buyers/excluded_sectors/political_persuasion", "worse"),
        ("/parties/buyers/disclosure", "secret", "/parties/buyers/disclosure", "worse"),
        ("/parties/licensee/name", "Somebody else", "/parties/licensee/name", "neutral"),
        ("/term/duration", "P4Y", "/term/duration", "better"),
        ("/term/duration", "P60M", "/term/duration", "neutral"),
        ("/territory/include", ["DE"], "/territory/include", "better"),
        ("/territory/exclude", ["US"], "/territory/exclude/US", "better"),
        ("/sublicensing/max_tiers", 2, "/sublicensing/max_tiers", "worse"),
        ("/sublicensing/conditions", ["named"], "/sublicensing/conditions/same_or_narrower", "worse"),
        ("/exclusivity/kind", "sole", "/exclusivity/kind", "worse"),
        ("/exclusivity/premium_bps", 5, "/exclusivity/premium_bps", "better"),
        ("/derivatives", [{"kind": "model", "allowed": True}], "/derivatives/model/allowed", "worse"),
        ("/price/royalties", [], "/price/royalties/dataset_sale/share_bps", "worse"),
        ("/price/fees/0/bps", 1000, "/price/fees/platform/bps", "worse"),
        ("/payout/expiry", "P2Y", "/payout/expiry", "worse"),
        ("/payout/hold", "P6D", "/payout/hold", "better"),
        ("/duties/indemnity", "any_claim", "/duties/indemnity", "worse"),
        ("/duties/contributor", ["own_recording"], "/duties/contributor/everyone_heard_agreed", "better"),
        ("/changes/notice", "P60D", "/changes/notice", "better"),
        ("/law/governing", "FR", "/law/governing", "neutral"),
        ("/disputes/arbitration", "mandatory", "/disputes/arbitration", "worse"),
        ("/retention/consent_record", "P3Y", "/retention/consent_record", "neutral"),
    ],
    ids=str,
)  # fmt: skip
def test_a_change_is_judged_for_the_contributor(pointer: str, value: Any, at: str, verdict: str | None):
    """A use that is no longer listed stays prohibited, so taking it off the list changes nothing."""
    found = {change.at: change.for_you for change in compared(pointer, value)}

    assert verdict == found.get(at)


def test_pay_in_another_currency_is_one_thing_lost_and_another_gained():
    """Nobody can say which is more."""
    found = compared("/price/rates/0/currency", "USD")

    assert [("worse", 12_000_000, 0), ("better", 0, 12_000_000)] == [
        (change.for_you, change.before, change.now) for change in found
    ]


def test_pay_per_minute_is_compared_with_pay_per_hour():
    rate = {
        "event": "accepted_duration",
        "currency": "EUR",
        "micros": 200_000,
        "per": "PT1M",
        "basis": "accepted_speech",
    }

    assert [] == compared("/price/rates/0", rate)


def test_places_that_neither_hold_the_other_are_neither_better_nor_worse():
    one, other = (read(put(document(), "/territory/include", codes)) for codes in (["DE"], ["FR"]))

    assert ["neutral"] == [change.for_you for change in diff(one, other)]


def test_a_change_is_a_sentence_with_both_values():
    change = compared("/withdrawal/buyers_delete_within", "P60D")[0]

    assert "How soon buyers must delete it. Before: 30 days. Now: 60 days. This is worse for you." == change.sentence
    assert {"at", "from", "to", "for_you", "sentence"} == msgspec.to_builtins(change).keys()


@pytest.mark.parametrize("locale", LOCALES)
@settings(max_examples=8, deadline=None)
@given(any_sheet(), any_sheet())
def test_every_change_can_be_said_in_every_language(locale: str, one: TermSheet, other: TermSheet):
    for change in diff(one, other, locale):
        assert change.sentence.endswith(getattr(words(locale).diff, change.for_you))
        assert "{" not in change.sentence


def test_the_worse_stands_first():
    changed = put(put(document(), "/payout/hold", "P1D"), "/media/location", "exact")

    assert ["worse", "better"] == [change.for_you for change in diff(read(document()), read(changed))]


def test_a_leaf_knows_what_it_is_about():
    found = leaves(read(document()))["/uses/tts_training/separate_consent"]

    assert Leaf("uses.separate_consent", (("uses", "tts_training"),), True) == found
