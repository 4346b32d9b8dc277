"""Practice flags: a flag appears exactly when its trait is in the sheet."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings

from api.publishing import shipped
from api.terms.check import faults
from api.terms.flags import TRAITS, flags, market_worst, member
from api.terms.sheet import TermSheet
from api.terms.words import LOCALES, words
from tests.api.terms.sheets import any_sheet, document, put

DATA = Path(__file__).parents[2] / "data"
#: Each trait, written into a sheet that has none; the pointer may lie below the one the flag names.
HARMS: dict[str, tuple[str, Any]] = {
    "irrevocable": ("/withdrawal/allowed", False),
    "perpetual": ("/term/duration", "P11Y"),
    "auto_renewal": ("/term/renewal", "automatic"),
    "unlisted_uses": ("/unlisted_uses", "allowed"),
    "sensitive_in_core": ("/uses/4/stance", "core"),
    "likeness_copied": ("/identity/likeness", "with_separate_consent"),
    "identification": ("/uses/6/stance", "optional"),
    "biometric_templates": ("/biometrics/templates_sold", "allowed"),
    "unlimited_derivatives": ("/derivatives", [{"kind": "any", "allowed": True, "pays": True, "share_bps": 1}]),
    "unilateral_change": ("/changes/one_sided", True),
    "retroactive_change": ("/changes/old_recordings_keep", "newest_version"),
    "pay_cut_backwards": ("/price/later_cuts_apply_to_accepted", True),
    "earnings_expire": ("/payout/expiry", "P2Y"),
    "forfeited_at_close": ("/payout/on_account_close", "forfeited_below_threshold"),
    "consumer_law_waived": ("/law/consumer_law_kept", False),
    "contacts": ("/media/contacts", "read"),
    "minors": ("/people/minors", "accepted"),
    "withdrawal_costs": ("/withdrawal/cost_micros", 1),
    "unlimited_liability": ("/duties/liability_cap", "law_only"),
    "indemnity": ("/duties/indemnity", "own_fault"),
    "arbitration": ("/disputes/arbitration", "mandatory"),
    "class_waiver": ("/disputes/class_waiver", True),
    "foreign_court": ("/law/venue", "licensee_home"),
    "exclusive": ("/exclusivity/kind", "sole"),
    "public_release": ("/uses/7/stance", "core"),
    "police_use": ("/uses/8", {"code": "law_enforcement", "stance": "core"}),
    "advertising": ("/uses/8/stance", "core"),
    "synthetic_voice": (
        "/derivatives",
        [{"kind": "synthetic_voice", "allowed": True, "pays": True, "share_bps": 1}],
    ),
    "sublicence_chain": ("/sublicensing/max_tiers", 2),
    "sublicence_without_limit": ("/sublicensing/max_tiers", None),
    "sublicence_unnamed": ("/sublicensing/conditions", ["same_or_narrower", "withdrawal_passes_down"]),
    "secret_buyers": ("/parties/buyers/disclosure", "named_on_request"),
    "late_disclosure": ("/parties/buyers/disclosure_within", "P8D"),
    "surveillance_buyers": ("/parties/buyers/excluded_sectors", ["surveillance"]),
    "personal_metadata": ("/media/metadata", ["language", "gender"]),
    "location": ("/media/location", "region"),
    "name_to_buyers": ("/identity/name_to_buyers", True),
    "named_always": ("/identity/attribution", "always"),
    "not_pseudonymised": ("/retention/pseudonymised_before_delivery", False),
    "moral_rights_waived": ("/identity/moral_rights_waived", True),
    "slow_withdrawal": ("/withdrawal/delete_at_platform_within", "P31D"),
    "coarse_withdrawal": ("/withdrawal/scope", ["account"]),
    "kept_after_end": ("/retention/after_end", "P91D"),
    "no_pay": ("/price/rates/0/micros", 0),
    "high_fee": ("/price/fees/0/bps", 2001),
    "bystanders_on_you": ("/people/bystanders", "contributor_answers"),
    "unpaid_derivatives": ("/derivatives", [{"kind": "model", "allowed": True, "pays": False}]),
    "no_royalty": ("/price/royalties", []),
    "bonus_at_discretion": ("/price/bonuses", [{"code": "quality", "max_bps": 100, "basis": "discretion"}]),
    "slow_stop": ("/withdrawal/stop_sales_within", "PT61M"),
    "late_notice_to_buyers": ("/withdrawal/notify_buyers_within", "P2D"),
    "withdrawal_needs_reason": ("/withdrawal/reason_needed", True),
    "short_notice": ("/changes/notice", "P29D"),
    "high_threshold": ("/payout/threshold/micros", 20_000_001),
    "long_hold": ("/payout/hold", "P31D"),
    "slow_schedule": ("/payout/schedule", "monthly"),
    "payout_fee": ("/payout/fee_paid_by", "contributor"),
    "slow_answer": ("/disputes/answer_within", "P31D"),
}


def codes(sheet: Any) -> set[str]:
    return {flag.code for flag in flags(sheet)}


def test_every_trait_has_a_case():
    assert HARMS.keys() == {trait.code for trait in TRAITS}


@pytest.mark.parametrize("code", HARMS)
def test_a_flag_appears_when_its_trait_does_and_alone(code: str):
    """In a sheet without any flag, one changed member raises one flag, which names that member or the part it is in."""
    assert set() == codes(document())
    pointer, value = HARMS[code]

    found = flags(put(document(), pointer, value))

    assert [code] == [flag.code for flag in found]
    assert pointer.startswith(found[0].at)


@settings(max_examples=40, deadline=None)
@given(any_sheet())
def test_a_flag_appears_if_and_only_if_its_trait_is_expressed(sheet: TermSheet):
    """In any sheet that the schema allows, and each flag once."""
    built = msgspec.to_builtins(sheet)
    found = [flag.code for flag in flags(built)]

    assert len(found) == len(set(found))
    assert set(found) == {trait.code for trait in TRAITS if trait.expressed(member(built, trait.at))}
    # Ten traits, spelled out a second time, so that the table is not compared with itself alone.
    assert ("exclusive" in found) == (sheet.exclusivity.kind != "non_exclusive")
    assert ("arbitration" in found) == (sheet.disputes.arbitration == "mandatory")
    assert ("class_waiver" in found) == sheet.disputes.class_waiver
    assert ("name_to_buyers" in found) == sheet.identity.name_to_buyers
    assert ("earnings_expire" in found) == (sheet.payout.expiry != "never")
    assert ("high_fee" in found) == (sum(fee.bps for fee in sheet.price.fees) > 2000)
    assert ("no_royalty" in found) == (not any(royalty.share_bps for royalty in sheet.price.royalties))
    assert ("location" in found) == (sheet.media.location in {"region", "exact"})
    assert ("payout_fee" in found) == (sheet.payout.fee_paid_by == "contributor")
    assert ("withdrawal_needs_reason" in found) == sheet.withdrawal.reason_needed


@settings(max_examples=40, deadline=None)
@given(any_sheet())
def test_no_sheet_has_a_trait_that_the_schema_cannot_express(sheet: TermSheet):
    """Whatever is random in a sheet, it ends, can be withdrawn and renews nothing by itself."""
    never = {
        "irrevocable", "perpetual", "auto_renewal", "unlisted_uses", "biometric_templates", "unlimited_derivatives",
        "sublicence_without_limit", "unilateral_change", "retroactive_change", "pay_cut_backwards",
        "consumer_law_waived", "contacts", "minors", "withdrawal_costs",
    }  # fmt: skip

    assert set() == codes(msgspec.to_builtins(sheet)) & never


@pytest.mark.parametrize("sheet", shipped(), ids=lambda sheet: f"{sheet['id']}-{sheet['version']}")
def test_the_sheets_that_ship_have_one_flag_at_most(sheet: dict[str, Any]):
    """That a model is paid for once, through the licence, is said and not hidden."""
    assert codes(sheet) <= {"unpaid_derivatives"}


def test_the_worst_case_has_every_trait_but_the_milder_of_two():
    """Passed on without a limit is more than passed on twice; it is no sheet, and the schema says where."""
    assert {trait.code for trait in TRAITS} - {"sublicence_chain"} == codes(market_worst())
    assert {"/withdrawal/allowed", "/term/duration", "/term/renewal", "/unlisted_uses"} <= {
        fault.pointer for fault in faults(market_worst())
    }


@pytest.mark.parametrize(("name", "count"), [("stock", 16), ("gig", 18)])
def test_two_kinds_of_offers_on_the_market_have_many(name: str, count: int):
    """Encoded with what offers of their kind state and no more; ours, in the same layout, have one."""
    found = [flag.code for flag in flags(msgspec.json.decode((DATA / f"market_{name}.json").read_bytes()))]

    assert count == len(found)
    assert {"irrevocable", "perpetual", "unlisted_uses", "unilateral_change", "sublicence_without_limit"} <= set(found)


def test_the_most_serious_stands_first():
    severities = [flag.severity for flag in flags(market_worst())]

    assert sorted(severities, reverse=True) == severities
    assert {1, 2, 3} == set(severities)


@pytest.mark.parametrize("junk", [None, [], 3, "sheet", {"uses": 3}, {"uses": [None]}, {"price": []}], ids=str)
def test_any_document_can_be_asked(junk: Any):
    """An offer from elsewhere may lack whole parts: what has no end and no way out is flagged, nothing fails."""
    assert {"irrevocable", "perpetual"} <= codes(junk)


@pytest.mark.parametrize("locale", LOCALES)
def test_every_flag_has_a_sentence_in_every_language(locale: str):
    assert {trait.code for trait in TRAITS} == words(locale).flags.keys()
