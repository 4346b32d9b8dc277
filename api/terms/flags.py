"""Practice flags: what in a sheet is against the contributor, found in its JSON and never authored.

Each trait is a question about one member. It is asked of any document in a sheet's layout, also of one that the schema
refuses, so that an offer from elsewhere can be encoded and held beside ours. `market_worst.json` is such an encoding:
composed, for each member the harshest practice that is reported of contributor platforms; no single one need have them
all. A member that is absent grants nothing, except where its absence is the harm (no end, no withdrawal, no royalty).

Severity: 1 worth knowing, 2 serious, 3 very serious (cannot be undone, or takes earned money or a right of law).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from api.terms import vocabulary as v
from api.terms.words import seconds, words

Severity = Literal[1, 2, 3]
DAY_S = 86_400


class Flag(Struct, frozen=True):
    """One trait that a document has, where it has it, and what that means for the contributor."""

    code: Annotated[str, Meta(examples=["unpaid_derivatives"])]
    severity: Severity
    at: Annotated[str, Meta(examples=["/derivatives"])]
    sentence: Annotated[str, Meta(examples=["Something may be made of it that does not pay you again."])]


class Trait(Struct, frozen=True):
    """A way in which terms can be against a contributor: `expressed` is asked of the member at `at`."""

    code: str
    severity: Severity
    at: str
    expressed: Callable[[Any], bool]


def flags(document: Any, locale: str = "en") -> list[Flag]:
    """Find every trait of a document, the most serious first."""
    sentences = words(locale).flags
    found = [trait for trait in TRAITS if trait.expressed(member(document, trait.at))]
    return [
        Flag(trait.code, trait.severity, trait.at, sentences[trait.code])
        for trait in sorted(found, key=lambda trait: -trait.severity)
    ]


@cache
def market_worst() -> Any:
    """Give the composed worst case, to hold a sheet against; it names nobody and is nobody's."""
    return msgspec.json.decode(files(__package__).joinpath("market_worst.json").read_bytes())


def member(document: Any, pointer: str) -> Any:
    """Give the member at a pointer, or None; `/uses` and `/derivatives` are lists, and are given whole."""
    for part in pointer.split("/")[1:]:
        document = document.get(part) if isinstance(document, dict) else None
    return document


def equals(*values: object) -> Callable[[Any], bool]:
    """Expressed when the member is one of these; true and 1 are not the same."""
    return lambda found: any(found == value and type(found) is type(value) for value in values)


def differs(value: object) -> Callable[[Any], bool]:
    """Expressed when the member is stated and is not this."""
    return lambda found: found is not None and found != value


def longer(days: float) -> Callable[[Any], bool]:
    """Expressed when a duration is longer than so many days; also when it is words, such as "as long as needed"."""
    return lambda found: found is not None and _seconds(found) > days * DAY_S


def shorter(days: float) -> Callable[[Any], bool]:
    """Expressed when a duration is shorter than so many days."""
    return lambda found: found is not None and _seconds(found) < days * DAY_S


def more(limit: int) -> Callable[[Any], bool]:
    """Expressed when a number is greater."""
    return lambda found: isinstance(found, int) and found > limit


def endless(found: Any) -> bool:
    """A grant ends when a duration of at most ten years is stated."""
    return _seconds(found) > 10 * 366 * DAY_S


def offers(*codes: str, stance: Sequence[str] = ("core", "optional")) -> Callable[[Any], bool]:
    """Expressed when one of these uses is offered."""
    return lambda uses: any(use.get("code") in codes and use.get("stance") in stance for use in _entries(uses))


def sensitive_in_core(uses: Any) -> bool:
    """Whether a use that touches who somebody is cannot be refused by itself."""
    return any(
        use.get("stance") == "core" and (use.get("sensitive") is True or use.get("code") in v.SENSITIVE)
        for use in _entries(uses)
    )


def derives(*kinds: str) -> Callable[[Any], bool]:
    """Expressed when one of these may be made of a recording."""
    return lambda made: any(one.get("kind") in kinds and one.get("allowed") is True for one in _entries(made))


def unpaid(made: Any) -> bool:
    """Whether something may be made of a recording that does not pay again."""
    return any(one.get("allowed") is True and not (one.get("pays") and one.get("share_bps")) for one in _entries(made))


def templates(biometrics: Any) -> bool:
    """Whether a template of a voice or a face may be derived or sold."""
    told = biometrics if isinstance(biometrics, dict) else {}
    return any(told.get(name, "never") != "never" for name in ("templates_derived", "templates_sold"))


def lingering(withdrawal: Any) -> bool:
    """Whether copies may outlive a withdrawal by more than 30 days, or 90 in backups that nobody reads."""
    told = withdrawal if isinstance(withdrawal, dict) else {}
    live = ("buyers_delete_within", "delete_at_platform_within")
    return any(longer(30)(told.get(name)) for name in live) or longer(90)(told.get("backups_within"))


def costly(withdrawal: Any) -> bool:
    """Whether stopping costs money, time, or what was earned."""
    told = withdrawal if isinstance(withdrawal, dict) else {}
    costs = {"cost_micros": more(0), "notice": longer(0), "earned_money": differs("kept")}
    return any(expressed(told.get(name)) for name, expressed in costs.items())


def without(name: str) -> Callable[[Any], bool]:
    """Expressed when no entry of a list pays anything under this name."""
    return lambda entries: not any(bool(entry.get(name)) for entry in _entries(entries))


def passed_on_without_care(passing: Any) -> bool:
    """Whether it may be passed on without a name, or without the limits it was given with."""
    if not isinstance(passing, dict) or passing.get("allowed") is not True:
        return False
    return not {"named", "same_or_narrower", "withdrawal_passes_down"} <= set(passing.get("conditions") or ())


def passed_on(tiers: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """Expressed when it may be passed on so often."""
    return lambda passing: (
        isinstance(passing, dict) and passing.get("allowed") is True and tiers(passing.get("max_tiers"))
    )


def personal(metadata: Any) -> bool:
    """Whether anything but the recording itself is described; what we do not know is taken to be about the person."""
    return any(code not in v.TECHNICAL_METADATA for code in (metadata if isinstance(metadata, list) else ()))


def lacks(*codes: str) -> Callable[[Any], bool]:
    """Expressed when a list that protects lacks one of these; also when there is no list."""
    return lambda found: not set(codes) <= set(found if isinstance(found, list) else ())


def discretionary(bonuses: Any) -> bool:
    """Whether a bonus follows no published rule."""
    return any(bonus.get("basis") != "published_score" for bonus in _entries(bonuses))


def high_fee(fees: Any) -> bool:
    """Whether all fees together take more than a fifth."""
    taken: list[int] = [fee["bps"] for fee in _entries(fees) if isinstance(fee.get("bps"), int)]
    return sum(taken) > 2000


def _entries(found: Any) -> Iterator[dict[str, Any]]:
    yield from (entry for entry in (found if isinstance(found, list) else ()) if isinstance(entry, dict))


def _seconds(found: Any) -> float:
    try:
        return seconds(found)
    except (TypeError, ValueError):
        return float("inf")


TRAITS = (
    Trait("irrevocable", 3, "/withdrawal/allowed", lambda found: found is not True),
    Trait("perpetual", 3, "/term/duration", endless),
    Trait("auto_renewal", 3, "/term/renewal", differs("only_with_new_consent")),
    Trait("unlisted_uses", 3, "/unlisted_uses", differs("prohibited")),
    Trait("sensitive_in_core", 3, "/uses", sensitive_in_core),
    Trait("likeness_copied", 3, "/identity/likeness", differs("prohibited")),
    Trait("identification", 3, "/uses", offers(*sorted(v.IDENTIFYING - v.LIKENESS))),
    Trait("biometric_templates", 3, "/biometrics", templates),
    Trait("unlimited_derivatives", 3, "/derivatives", derives("any")),
    Trait("sublicence_without_limit", 3, "/sublicensing", passed_on(lambda tiers: not isinstance(tiers, int))),
    Trait("unilateral_change", 3, "/changes/one_sided", differs(False)),
    Trait("retroactive_change", 3, "/changes/old_recordings_keep", differs("their_version")),
    Trait("pay_cut_backwards", 3, "/price/later_cuts_apply_to_accepted", differs(False)),
    Trait("earnings_expire", 3, "/payout/expiry", differs("never")),
    Trait("forfeited_at_close", 3, "/payout/on_account_close", differs("paid_in_full")),
    Trait("consumer_law_waived", 3, "/law/consumer_law_kept", equals(False)),
    Trait("contacts", 3, "/media/contacts", differs("never")),
    Trait("minors", 3, "/people/minors", differs("not_accepted")),
    Trait("withdrawal_costs", 3, "/withdrawal", costly),
    Trait("unlimited_liability", 2, "/duties/liability_cap", differs("amount_earned")),
    Trait("indemnity", 2, "/duties/indemnity", differs("none")),
    Trait("arbitration", 2, "/disputes/arbitration", equals("mandatory")),
    Trait("class_waiver", 2, "/disputes/class_waiver", equals(True)),
    Trait("foreign_court", 2, "/law/venue", differs("contributor_home")),
    Trait("exclusive", 2, "/exclusivity/kind", differs("non_exclusive")),
    Trait("public_release", 2, "/uses", offers("public_release")),
    Trait("police_use", 2, "/uses", offers("law_enforcement", "speech_surveillance")),
    Trait("synthetic_voice", 2, "/derivatives", derives("synthetic_voice", "synthetic_recording")),
    Trait("sublicence_chain", 2, "/sublicensing", passed_on(more(1))),
    Trait("sublicence_unnamed", 2, "/sublicensing", passed_on_without_care),
    Trait("secret_buyers", 2, "/parties/buyers/disclosure", differs("named_at_sale")),
    Trait("surveillance_buyers", 2, "/parties/buyers/excluded_sectors", lacks("surveillance", "military")),
    Trait("personal_metadata", 2, "/media/metadata", personal),
    Trait("location", 2, "/media/location", lambda found: differs("never")(found) and found != "country_only"),
    Trait("name_to_buyers", 2, "/identity/name_to_buyers", equals(True)),
    Trait("not_pseudonymised", 2, "/retention/pseudonymised_before_delivery", equals(False)),
    Trait("moral_rights_waived", 2, "/identity/moral_rights_waived", equals(True)),
    Trait("slow_withdrawal", 2, "/withdrawal", lingering),
    Trait("kept_after_end", 2, "/retention/after_end", longer(90)),
    Trait("coarse_withdrawal", 2, "/withdrawal/scope", lacks("recording", "use")),
    Trait("no_pay", 2, "/price/rates", without("micros")),
    Trait("high_fee", 2, "/price/fees", high_fee),
    Trait("bystanders_on_you", 2, "/people/bystanders", equals("contributor_answers")),
    Trait("advertising", 1, "/uses", offers("advertising")),
    Trait("late_disclosure", 1, "/parties/buyers/disclosure_within", longer(7)),
    Trait("named_always", 1, "/identity/attribution", equals("always")),
    Trait("unpaid_derivatives", 1, "/derivatives", unpaid),
    Trait("no_royalty", 1, "/price/royalties", without("share_bps")),
    Trait("bonus_at_discretion", 1, "/price/bonuses", discretionary),
    Trait("slow_stop", 1, "/withdrawal/stop_sales_within", longer(1 / 24)),
    Trait("late_notice_to_buyers", 1, "/withdrawal/notify_buyers_within", longer(1)),
    Trait("withdrawal_needs_reason", 1, "/withdrawal/reason_needed", equals(True)),
    Trait("short_notice", 1, "/changes/notice", shorter(30)),
    Trait("high_threshold", 1, "/payout/threshold/micros", more(20_000_000)),
    Trait("long_hold", 1, "/payout/hold", longer(30)),
    Trait("slow_schedule", 1, "/payout/schedule", differs("on_request")),
    Trait("payout_fee", 1, "/payout/fee_paid_by", differs("platform")),
    Trait("slow_answer", 1, "/disputes/answer_within", longer(30)),
)
