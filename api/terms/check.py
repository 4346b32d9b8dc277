"""Whether a document is a term sheet: the published JSON Schema, and rules between members that a schema cannot say.

An operator who writes a sheet sees every fault at once, each with a pointer to its member.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import msgspec
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from msgspec import Struct

from api.terms.sheet import SCHEMA, TermSheet
from api.terms.vocabulary import IDENTIFYING, LIKENESS, SENSITIVE
from api.terms.words import seconds
from storage.errors import TermSheetInvalid

#: How each rule of JSON Schema that our schema uses is said.
MUST = {
    "const": "be",
    "enum": "be one of",
    "maximum": "be at most",
    "maxLength": "have a length of at most",
    "minItems": "have a number of entries of at least",
    "minLength": "have a length of at least",
    "minimum": "be at least",
    "pattern": "have the form",
    "type": "be of type",
}


class Fault(Struct, frozen=True):
    """What is wrong at which member (RFC 6901)."""

    pointer: str
    detail: str


@cache
def schema() -> dict[str, Any]:
    """Give the JSON Schema (2020-12) of a term sheet: it is made from the structs, and is what validation runs on."""
    made = msgspec.json.schema(TermSheet)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "$id": SCHEMA, "title": "Term sheet", **made}


@cache
def validator() -> Draft202012Validator:
    """Make the validator, once: it resolves the schema's references."""
    return Draft202012Validator(schema())


def read(document: Any) -> TermSheet:
    """Read a document as a term sheet. Raises TermSheetInvalid, which lists every fault."""
    found = faults(document)
    if found:
        raise TermSheetInvalid(
            f"The term sheet has {len(found)} faults: {found[0].pointer} {found[0].detail}", errors=found
        )
    return msgspec.convert(document, TermSheet)


def faults(document: Any) -> list[Fault]:
    """List everything that keeps a document from being a term sheet, in the order of its members."""
    errors = sorted(validator().iter_errors(document), key=lambda error: error.json_path)
    found = [fault for error in errors for fault in _faults(error)]
    if found:
        return list(dict.fromkeys(found))
    sheet = msgspec.convert(document, TermSheet)
    return [fault for rule in RULES for fault in rule(sheet)]


def _faults(error: ValidationError) -> Iterator[Fault]:
    """Rewrite one error of the validator; its own messages repeat the whole value, which may be the whole sheet."""
    at = "".join(f"/{part}" for part in error.absolute_path)
    if error.validator == "anyOf":
        # A part that may be left out: what is wrong is in the branch that is not null.
        nested = [inner for inner in error.context or () if inner.validator != "type"]
        yield from (fault for inner in nested for fault in _faults(inner))
        if not nested:
            yield Fault(at, "has the wrong type.")
    elif error.validator == "required":
        yield from (
            Fault(f"{at}/{name}", "is missing.") for name in error.validator_value if name not in error.instance
        )
    elif error.validator == "additionalProperties":
        known = error.schema.get("properties", {})
        yield from (
            Fault(f"{at}/{name}", "is not a member of a term sheet.") for name in error.instance if name not in known
        )
    else:
        yield Fault(at, _detail(str(error.validator), error.validator_value))


def _detail(validator: str, expected: Any) -> str:
    choices = expected if validator == "enum" else [expected]
    said = ", ".join(choice if isinstance(choice, str) else json.dumps(choice) for choice in choices)
    rule = "const" if len(choices) == 1 and validator == "enum" else validator
    return f"must {MUST.get(rule, 'meet ' + rule)} {said}."


def each_once(sheet: TermSheet) -> Iterator[Fault]:
    """Nothing may be said twice: the second could contradict the first."""
    keys: dict[str, list[str]] = {
        "/uses": [use.code for use in sheet.uses],
        "/derivatives": [made.kind for made in sheet.derivatives],
        "/price/rates": [f"{rate.event} in {rate.currency}" for rate in sheet.price.rates],
        "/price/bonuses": [bonus.code for bonus in sheet.price.bonuses],
        "/price/royalties": [royalty.event for royalty in sheet.price.royalties],
        "/price/fees": [fee.code for fee in sheet.price.fees],
    }
    for pointer, names in keys.items():
        for name, times in Counter(names).items():
            if times > 1:
                yield Fault(pointer, f"says {name} {times} times.")


def choices_are_asked_for(sheet: TermSheet) -> Iterator[Fault]:
    """A choice is a choice only when it is asked by itself, and a core is what there is to agree on."""
    if not any(use.stance == "core" for use in sheet.uses):
        yield Fault("/uses", "must have at least one use whose stance is core.")
    for place, use in enumerate(sheet.uses):
        if use.stance == "optional" and not use.separate_consent:
            yield Fault(f"/uses/{place}/separate_consent", "must be true for an optional use.")
        if use.code in SENSITIVE and use.stance == "core":
            yield Fault(f"/uses/{place}/stance", f"must not be core: {use.code} touches who somebody is.")
        if use.code in SENSITIVE and use.stance == "optional" and not use.sensitive:
            yield Fault(f"/uses/{place}/sensitive", f"must be true: {use.code} touches who somebody is.")


def sensitive_uses_are_explicit(sheet: TermSheet) -> Iterator[Fault]:
    """GDPR Art. 9(2)(a): explicit consent, named in the sheet for exactly the uses that need it."""
    offered = {use.code for use in sheet.uses if use.sensitive and use.stance != "prohibited"}
    named = set(sheet.biometrics.gdpr_art9.uses) if sheet.biometrics.gdpr_art9 else set()
    if offered != named:
        missing = ", ".join(sorted(offered ^ named))
        yield Fault("/biometrics/gdpr_art9/uses", f"must name exactly the sensitive uses that are offered: {missing}.")


def illinois_is_left_out_of_identification(sheet: TermSheet) -> Iterator[Fault]:
    """740 ILCS 14/15(c): nobody may profit from a biometric identifier there, whatever was consented to."""
    for place, use in enumerate(sheet.uses):
        if use.code in IDENTIFYING and use.stance != "prohibited" and "US-IL" not in sheet.territory.exclude:
            yield Fault(f"/uses/{place}/stance", f"may be offered only where /territory/exclude has US-IL: {use.code}.")


def likeness_is_said_once(sheet: TermSheet) -> Iterator[Fault]:
    """What /identity/likeness says and which uses are offered must be the same."""
    offered = any(use.code in LIKENESS and use.stance != "prohibited" for use in sheet.uses)
    if offered != (sheet.identity.likeness == "with_separate_consent"):
        yield Fault(
            "/identity/likeness", "must be with_separate_consent exactly when copying a voice or face is offered."
        )


def freedom_is_paid_for(sheet: TermSheet) -> Iterator[Fault]:
    """Giving up other buyers raises the pay."""
    if (sheet.exclusivity.kind == "non_exclusive") != (sheet.exclusivity.premium_bps == 0):
        yield Fault("/exclusivity/premium_bps", "must be more than 0 exactly when the kind is not non_exclusive.")


def passing_on_is_bounded(sheet: TermSheet) -> Iterator[Fault]:
    """Either it may be passed on a stated number of times, or not at all."""
    if sheet.sublicensing.allowed != (sheet.sublicensing.max_tiers > 0):
        yield Fault("/sublicensing/max_tiers", "must be more than 0 exactly when passing on is allowed.")


def nothing_outlives_its_grant(sheet: TermSheet) -> Iterator[Fault]:
    """Keeping a recording longer than it may be used would be a grant without an end."""
    if seconds(sheet.retention.recording) > seconds(sheet.term.duration):
        yield Fault("/retention/recording", "must not be longer than /term/duration.")


def the_world_is_said_alone(sheet: TermSheet) -> Iterator[Fault]:
    """`worldwide` beside a country is either a mistake or a trap."""
    if "worldwide" in sheet.territory.exclude or (
        "worldwide" in sheet.territory.include and sheet.territory.include[1:]
    ):
        yield Fault("/territory", "may have worldwide only in include, and then alone.")


def payouts_are_in_an_earned_currency(sheet: TermSheet) -> Iterator[Fault]:
    """A threshold in another currency could never be reached."""
    if sheet.payout.threshold.currency not in {rate.currency for rate in sheet.price.rates}:
        yield Fault("/payout/threshold/currency", "must be a currency of /price/rates.")


def versions_follow(sheet: TermSheet) -> Iterator[Fault]:
    """A version can supersede only an older one."""
    if sheet.supersedes is not None and sheet.supersedes >= sheet.version:
        yield Fault("/supersedes", "must be less than /version.")


RULES: tuple[Callable[[TermSheet], Iterator[Fault]], ...] = (
    each_once,
    choices_are_asked_for,
    sensitive_uses_are_explicit,
    illinois_is_left_out_of_identification,
    likeness_is_said_once,
    freedom_is_paid_for,
    passing_on_is_bounded,
    nothing_outlives_its_grant,
    the_world_is_said_alone,
    payouts_are_in_an_earned_currency,
    versions_follow,
)
