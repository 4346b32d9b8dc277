"""What a new version of a term sheet changes, and for each change whether it is better or worse for the contributor.

A sheet is taken apart into its smallest members ("leaves"), lists by what their entries are about and not by position.
Every kind of leaf has a rule that says in which direction it helps a contributor; a member of the schema without a rule
fails a test. Comparing two versions the other way round turns every "better" into "worse".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from api.terms import words as w
from api.terms.sheet import TermSheet

ForYou = Literal["better", "worse", "neutral"]
#: Which member of a list's entries says what the entry is about.
KEYS = {
    "uses": "code",
    "derivatives": "kind",
    "price.rates": "event",
    "price.bonuses": "code",
    "price.royalties": "event",
    "price.fees": "code",
    "payout.threshold": "currency",
}
#: Where the codes of a list have names that a person reads.
NAMED = {
    "uses": "uses",
    "derivatives": "derivatives",
    "uses.conditions": "conditions",
    "media.kinds": "kinds",
    "media.delivered": "delivered",
    "media.metadata": "metadata",
    "parties.buyers.excluded_sectors": "sectors",
    "withdrawal.scope": "scope",
    "withdrawal.undoes": "undone",
    "biometrics.gdpr_art9.uses": "uses",
    "payout.methods": "methods",
}
#: Lists whose members are sentences of a card.
SAID = frozenset({"sublicensing.conditions", "withdrawal.cannot_undo", "duties.contributor"})
#: What names a version and is no term: a new version always differs in these.
NAMES = frozenset({"id", "version", "schema", "supersedes"})


class Change(Struct, frozen=True, rename={"before": "from", "now": "to"}):
    """One difference; `from` and `to` are null where the member is absent."""

    at: Annotated[str, Meta(examples=["/withdrawal/buyers_delete_within"])]
    before: Annotated[Any, Meta(examples=["P60D"])]
    now: Annotated[Any, Meta(examples=["P30D"])]
    for_you: ForYou
    sentence: Annotated[str, Meta(examples=["How soon buyers must delete it. Before: 60 days. Now: 30 days."])]


class Leaf(Struct, frozen=True):
    """A smallest member: its kind without positions and codes, list and code of what it is about, and its value."""

    kind: str
    about: tuple[tuple[str, str], ...]
    value: Any


class Rule(Struct, frozen=True):
    """How a kind of leaf is judged and shown.

    `gain` is positive where the second value is better for a contributor than the first, and negative where it is
    worse; without it a change is neutral. `absent` is what a missing leaf counts as; a leaf with `both` is compared
    only where both versions have it, because a leaf beside it tells that it came or went.
    """

    gain: Callable[[Any, Any], float] | None
    shown: Literal["time", "percent", "money", "count", "value", "member", "sentence", "places", "text"]
    absent: Any = None
    both: bool = False


def diff(old: TermSheet, new: TermSheet, locale: str = "en") -> list[Change]:
    """List what differs, what is worse for the contributor first."""
    before, now = leaves(old), leaves(new)
    stated = [at for at in sorted(before | now) if hangs_on(at, before) and hangs_on(at, now)]
    found = [change for at in stated if (change := changed(at, before.get(at), now.get(at), locale))]
    return sorted(found, key=lambda change: ("worse", "neutral", "better").index(change.for_you))


def hangs_on(at: str, version: dict[str, Leaf]) -> bool:
    """Whether a version grants what a limit would limit: a limit of nothing protects nobody."""
    first, second, *rest = [*at.split("/")[1:], ""]
    if first == "uses" and rest[:1] == ["conditions"]:
        return f"/uses/{second}/separate_consent" in version
    return (first, second) != ("sublicensing", "conditions") or version["/sublicensing/allowed"].value is True


def told(leaf: Leaf, rule: Rule, before: Any, now: Any, verdict: ForYou, locale: str) -> str:
    """Say a change as sentences: what it is about, how it was, how it is, and what that means."""
    spoken = w.words(locale).diff
    names = [name for group, code in leaf.about if (name := named(group, code, locale))]
    head = [] if rule.shown == "sentence" else [": ".join([spoken.labels[leaf.kind], *names]) + "."]
    values = [shown(leaf, rule, value, locale) for value in (before, now)]
    both = [w.filled(spoken.before, {"from": values[0]}), w.filled(spoken.now, {"to": values[1]})]
    return " ".join([*head, *both, getattr(spoken, verdict)])


def named(group: str, code: str, locale: str) -> str | None:
    """Name an entry of a list; None for one that its amount names already (a currency) or that stands alone."""
    spoken = w.words(locale)
    if group in NAMED:
        return spoken.names[NAMED[group]][code]
    if group in SAID:
        return _bare(spoken.sentences[f"{group}.{code}"])
    return w.place(code, locale) if group == "territory.exclude" else spoken.diff.values.get(code)


def shown(leaf: Leaf, rule: Rule, value: Any, locale: str) -> str:
    """Write a value as its reader would."""
    spoken = w.words(locale).diff
    if value is None:
        return spoken.none
    match rule.shown:
        case "time":
            return spoken.values[value] if value == "never" else w.time(value, locale)
        case "percent":
            return w.percent(value, locale)
        case "money":
            return w.amount(leaf.about[-1][1].rpartition("/")[2], value, locale)
        case _:
            return words_for(leaf.kind, rule, value, locale)


def words_for(kind: str, rule: Rule, value: Any, locale: str) -> str:
    """Write a value that is a word, a code or a yes."""
    spoken = w.words(locale)
    match rule.shown:
        case "member":
            return spoken.diff.yes if value else spoken.diff.no
        case "sentence":
            return f"“{_bare(spoken.sentences[f'{kind}.{str(value).lower() if isinstance(value, bool) else value}'])}”"
        case "value":
            return spoken.diff.values[value]
        case "places":
            codes = [value] if isinstance(value, str) else value
            return w.listed([spoken.diff.values.get(code) or w.place(code, locale) for code in codes], locale)
        case _:
            return _bare(str(value))


def changed(at: str, first: Leaf | None, second: Leaf | None, locale: str) -> Change | None:
    """Compare one leaf; None where nothing changed for the contributor there."""
    leaf = first or second
    assert leaf is not None  # noqa: S101 - a pointer of neither version is not compared.
    rule = RULES[leaf.kind]
    if rule.both and (first is None or second is None):
        return None
    before, now = (rule.absent if found is None else found.value for found in (first, second))
    if before == now:
        return None
    verdict = judged(rule, before, now)
    return Change(at, before, now, verdict, told(leaf, rule, before, now, verdict, locale))


def judged(rule: Rule, before: Any, now: Any) -> ForYou:
    """Say for whom a change is good."""
    if rule.gain is None or before is None or now is None:
        return "neutral"
    gain = rule.gain(before, now)
    return "better" if gain > 0 else "worse" if gain < 0 else "neutral"


def leaves(sheet: TermSheet) -> dict[str, Leaf]:
    """Take a sheet apart: pointer to leaf, with the defaults of what it leaves out."""
    parts = {name: part for name, part in msgspec.to_builtins(sheet).items() if name not in NAMES}
    # What hangs on a use or a derivative that is not offered says nothing.
    parts["uses"] = [_offered(use) for use in parts["uses"]]
    parts["derivatives"] = [_allowed(made) for made in parts["derivatives"]]
    # A rate is one number, and amounts of two currencies are two things.
    parts["price"]["rates"] = [_hourly(rate) for rate in parts["price"]["rates"]]
    parts["payout"]["threshold"] = [parts["payout"]["threshold"]]
    return dict(_leaves(parts, "", "", ()))


def _offered(use: dict[str, Any]) -> dict[str, Any]:
    return {"code": use["code"], "stance": "prohibited"} if use["stance"] == "prohibited" else use


def _allowed(made: dict[str, Any]) -> dict[str, Any]:
    return made if made["allowed"] else {"kind": made["kind"], "allowed": False}


def _hourly(rate: dict[str, Any]) -> dict[str, Any]:
    micros = rate["micros"] * (60 if rate["per"] == "PT1M" else 1)
    return {"event": f"{rate['event']}/{rate['currency']}", "micros": micros, "basis": rate["basis"]}


def _leaves(value: Any, at: str, kind: str, about: tuple[tuple[str, str], ...]) -> Iterator[tuple[str, Leaf]]:
    if isinstance(value, dict):
        for name, part in value.items():
            yield from _leaves(part, f"{at}/{name}", f"{kind}.{name}".lstrip("."), about)
    elif kind in KEYS:
        for entry in value:
            code = entry[KEYS[kind]]
            parts = {name: part for name, part in entry.items() if name != KEYS[kind]}
            yield from _leaves(parts, f"{at}/{code}", kind, (*about, (kind, code)))
    elif isinstance(value, list) and kind != "territory.include":
        yield from ((f"{at}/{code}", Leaf(kind, (*about, (kind, code)), True)) for code in value)
    elif value is not None:
        yield at, Leaf(kind, about, tuple(value) if isinstance(value, list) else value)


def _bare(sentence: str) -> str:
    return sentence.rstrip(".।")


def less(worth: Callable[[Any], float]) -> Callable[[Any, Any], float]:
    """Better where there is less of it."""
    return lambda before, now: worth(before) - worth(now)


def more(worth: Callable[[Any], float]) -> Callable[[Any, Any], float]:
    """Better where there is more of it."""
    return lambda before, now: worth(now) - worth(before)


def best(*values: Any) -> Callable[[Any, Any], float]:
    """Better the earlier it stands among these values."""
    return lambda before, now: values.index(before) - values.index(now)


def narrower(before: tuple[str, ...], now: tuple[str, ...]) -> float:
    """Better where a licence counts in fewer places; neither where some came and others went."""
    return _within(now, before) - _within(before, now)


def _within(some: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return "worldwide" in others or ("worldwide" not in some and set(some) <= set(others))


def _lasting(duration: str) -> float:
    return float("inf") if duration == "never" else w.seconds(duration)


SHORTER = Rule(less(w.seconds), "time")
LONGER = Rule(more(w.seconds), "time")
PROTECTS = Rule(more(int), "member", absent=False)
EXPOSES = Rule(less(int), "member", absent=False)
TEXT = Rule(None, "text")
#: What the schema fixes to one value; a part that may be left out comes and goes with its other members.
FIXED = Rule(None, "text", both=True)
YES = Rule(best(True, False), "sentence")
NO = Rule(best(False, True), "sentence")

RULES: dict[str, Rule] = {
    "title": TEXT,
    "parties.licensor": FIXED,
    "parties.licensee.name": TEXT,
    "parties.licensee.country": Rule(None, "places"),
    "parties.licensee.contact": TEXT,
    "parties.licensee.data_protection_officer": TEXT,
    "parties.licensee.controller": FIXED,
    "parties.buyers.disclosure": Rule(best("named_at_sale", "named_on_request", "sector_only", "secret"), "sentence"),
    "parties.buyers.disclosure_within": SHORTER,
    "parties.buyers.excluded_sectors": PROTECTS,
    "media.kinds": EXPOSES,
    "media.delivered": EXPOSES,
    "media.metadata": EXPOSES,
    "media.location": Rule(best("never", "country_only", "region", "exact"), "sentence"),
    "media.contacts": FIXED,
    "media.sound": Rule(best("removed", "kept"), "sentence"),
    # A use that is not listed is prohibited.
    "uses.stance": Rule(best("prohibited", "optional", "core"), "value", absent="prohibited"),
    "uses.separate_consent": Rule(more(int), "member", both=True),
    "uses.sensitive": Rule(more(int), "member", both=True),
    "uses.conditions": PROTECTS,
    "uses.note": TEXT,
    "unlisted_uses": FIXED,
    "exclusivity.kind": Rule(best("non_exclusive", "sole", "exclusive"), "sentence"),
    "exclusivity.premium_bps": Rule(more(int), "percent"),
    "term.duration": SHORTER,
    "term.starts": FIXED,
    "term.renewal": FIXED,
    "territory.include": Rule(narrower, "places"),
    "territory.exclude": PROTECTS,
    "sublicensing.allowed": NO,
    "sublicensing.max_tiers": Rule(less(int), "count"),
    "sublicensing.conditions": PROTECTS,
    "derivatives.allowed": Rule(less(int), "member", absent=False),
    "derivatives.pays": Rule(more(int), "member", both=True),
    "derivatives.share_bps": Rule(more(int), "percent", both=True),
    "derivatives.note": TEXT,
    "withdrawal.allowed": FIXED,
    "withdrawal.scope": PROTECTS,
    "withdrawal.reason_needed": NO,
    "withdrawal.cost_micros": FIXED,
    "withdrawal.notice": FIXED,
    "withdrawal.stop_sales_within": SHORTER,
    "withdrawal.notify_buyers_within": SHORTER,
    "withdrawal.buyers_delete_within": SHORTER,
    "withdrawal.delete_at_platform_within": SHORTER,
    "withdrawal.backups_within": SHORTER,
    "withdrawal.undoes": PROTECTS,
    "withdrawal.cannot_undo": EXPOSES,
    "withdrawal.earned_money": FIXED,
    "biometrics.templates_derived": FIXED,
    "biometrics.templates_sold": FIXED,
    "biometrics.gdpr_art9.condition": FIXED,
    "biometrics.gdpr_art9.uses": PROTECTS,
    "biometrics.gdpr_art9.separate_screen": FIXED,
    "biometrics.bipa.written_release": FIXED,
    "biometrics.bipa.purpose_stated": FIXED,
    "biometrics.bipa.period": SHORTER,
    "biometrics.bipa.retention_schedule": TEXT,
    "identity.name_to_buyers": NO,
    "identity.likeness": Rule(best("prohibited", "with_separate_consent"), "sentence"),
    "identity.attribution": Rule(best("opt_in", "never", "always"), "sentence"),
    "identity.moral_rights_waived": NO,
    "retention.recording": SHORTER,
    "retention.after_end": SHORTER,
    # Proof of a consent protects both sides; how long it is kept is no gain for one of them.
    "retention.consent_record": Rule(None, "time"),
    "retention.pseudonymised_before_delivery": YES,
    "price.rates.micros": Rule(more(int), "money", absent=0),
    "price.rates.basis": Rule(best("accepted_duration", "accepted_speech"), "value", both=True),
    "price.bonuses.max_bps": Rule(more(int), "percent", absent=0),
    "price.bonuses.basis": Rule(best("published_score", "discretion"), "value", both=True),
    "price.royalties.share_bps": Rule(more(int), "percent", absent=0),
    "price.royalties.pool": Rule(None, "value", both=True),
    "price.fees.bps": Rule(less(int), "percent", absent=0),
    "price.fees.note": TEXT,
    "price.rounding.accrual": FIXED,
    "price.rounding.split": FIXED,
    "price.rounding.payout": FIXED,
    "price.later_cuts_apply_to_accepted": FIXED,
    "payout.hold": SHORTER,
    # In another currency, neither can be said to be more.
    "payout.threshold.micros": Rule(less(int), "money"),
    "payout.schedule": Rule(best("on_request", "monthly", "quarterly"), "sentence"),
    "payout.fee_paid_by": Rule(best("platform", "contributor"), "sentence"),
    "payout.expiry": Rule(more(_lasting), "time"),
    "payout.on_account_close": Rule(best("paid_in_full", "forfeited_below_threshold"), "sentence"),
    "payout.methods": PROTECTS,
    "duties.contributor": EXPOSES,
    "duties.liability_cap": Rule(best("amount_earned", "law_only", "unlimited"), "sentence"),
    "duties.indemnity": Rule(best("none", "own_fault", "any_claim"), "sentence"),
    # Who is too young cannot have agreed to the version before, so nobody gains or loses.
    "people.min_age": Rule(None, "count"),
    "people.minors": FIXED,
    "people.bystanders": Rule(
        lambda before, now: (before == "contributor_answers") - (now == "contributor_answers"), "sentence"
    ),
    "people.claims": TEXT,
    "changes.one_sided": FIXED,
    "changes.notice": LONGER,
    "changes.old_recordings_keep": FIXED,
    "law.governing": Rule(None, "places"),
    "law.consumer_law_kept": FIXED,
    "law.venue": Rule(best("contributor_home", "licensee_home"), "sentence"),
    "disputes.answer_within": SHORTER,
    "disputes.arbitration": Rule(best("none", "optional", "mandatory"), "sentence"),
    "disputes.class_waiver": NO,
}
