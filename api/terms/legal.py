"""The legal text of a term sheet, in English: every member of its JSON as a clause, and nothing that is not in it.

Lawyers and courts read this form, contributors the card. Both are made of the same JSON, and clause 17 says that where
they differ the reading better for the contributor wins. Each paragraph names the member it was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from msgspec import Struct

from api.terms import words as w
from api.terms.sheet import TermSheet, Use

LOCALE = "en"


class Paragraph(Struct, frozen=True):
    """One paragraph, and the member of the sheet it was made from (RFC 6901)."""

    text: str
    at: str


class Clause(Struct, frozen=True):
    """One numbered clause."""

    title: str
    paragraphs: list[Paragraph]


def legal_text(sheet: TermSheet, sha256: str) -> str:
    """Write the legal text as Markdown (CommonMark); `sha256` is the hex hash of the sheet's canonical form."""
    lines = [f"# {sheet.title}", "", f"Term sheet `{sheet.id}`, version {sheet.version}, SHA-256 `{sha256}`.", ""]
    for number, clause in enumerate(clauses(sheet, sha256), 1):
        lines += [f"## {number}. {clause.title}", ""]
        for place, paragraph in enumerate(clause.paragraphs, 1):
            lines += [f"{number}.{place} {paragraph.text} <!-- {paragraph.at} -->", ""]
    return "\n".join(lines)


def facts(sheet: TermSheet, sha256: str) -> dict[str, Any]:
    """Give what the template of the legal text as PDF needs."""
    found = [
        {"title": clause.title, "paragraphs": [paragraph.text.replace("`", "") for paragraph in clause.paragraphs]}
        for clause in clauses(sheet, sha256)
    ]
    names = {"id": sheet.id, "version": sheet.version, "sha256": sha256}
    return {"locale": LOCALE, "title": sheet.title, "author": sheet.parties.licensee.name, "clauses": found, **names}


def clauses(sheet: TermSheet, sha256: str) -> list[Clause]:
    """Write every clause, in their order."""
    found = [Clause(title, list(written(sheet))) for title, written in CLAUSES]
    return [*found, Clause("Reading this text", list(reading_rules(sheet, sha256)))]


def parties(sheet: TermSheet) -> Iterator[Paragraph]:
    """Between whom."""
    licensee = sheet.parties.licensee
    yield Paragraph(
        f"This licence is granted by the person who made the recording (“you”) to {licensee.name}, "
        f"{_place(licensee.country)} (“we”). We are the controller of your personal data.",
        "/parties/licensee",
    )
    yield Paragraph(
        f"You reach us at {_bare(licensee.contact)}, and our data protection officer at "
        f"{_bare(licensee.data_protection_officer)}.",
        "/parties/licensee/contact",
    )


def subject(sheet: TermSheet) -> Iterator[Paragraph]:
    """What is licensed."""
    media = sheet.media
    yield Paragraph(
        f"The licence is for recordings of {_names('kinds', media.kinds)} that you submitted under this sheet and we "
        f"accepted. Buyers receive: {_names('delivered', media.delivered)}.",
        "/media/delivered",
    )
    if "video" in media.kinds or media.sound == "removed":
        yield Paragraph(_said(f"media.sound.{media.sound}"), "/media/sound")
    facts_told = _names("metadata", media.metadata) if media.metadata else "none"
    yield Paragraph(f"Metadata passed to buyers: {facts_told}.", "/media/metadata")
    yield Paragraph(_said(f"media.location.{media.location}"), "/media/location")
    yield Paragraph("Your address book and other contacts are never read.", "/media/contacts")


def permitted(sheet: TermSheet) -> Iterator[Paragraph]:
    """Which uses are granted."""
    for place, use in enumerate(sheet.uses):
        if use.stance == "core":
            yield Paragraph(f"You permit {_use(use)}.{_limits(use)}", f"/uses/{place}")
        if use.stance == "optional":
            asked = "on a screen of its own" if use.separate_consent else "by name"
            special = " It touches who you are and needs your explicit consent." if use.sensitive else ""
            yield Paragraph(
                f"Only if you say yes {asked}, you permit {_use(use)}.{special}{_limits(use)}", f"/uses/{place}"
            )
    article = sheet.biometrics.gdpr_art9
    if article:
        yield Paragraph(
            f"The basis for {_names('uses', article.uses)} is your explicit consent under Art. {article.condition} "
            "GDPR, asked for on a separate screen.",
            "/biometrics/gdpr_art9",
        )


def prohibited(sheet: TermSheet) -> Iterator[Paragraph]:
    """Which uses are excluded."""
    for place, use in enumerate(sheet.uses):
        if use.stance == "prohibited":
            special = " It touches who you are." if use.sensitive else ""
            yield Paragraph(f"Prohibited: {_use(use)}.{special}{_limits(use)}", f"/uses/{place}")
    yield Paragraph("Every use that this sheet does not list is prohibited.", "/unlisted_uses")


def extent(sheet: TermSheet) -> Iterator[Paragraph]:
    """How exclusive, how long, where."""
    premium = sheet.exclusivity.premium_bps
    extra = f" For this you are paid {_percent(premium)} more." if premium else ""
    yield Paragraph(_said(f"exclusivity.kind.{sheet.exclusivity.kind}") + extra, "/exclusivity")
    yield Paragraph(
        f"The licence begins when we accept a recording and ends {_time(sheet.term.duration)} later. It is never "
        "renewed without a new consent of yours.",
        "/term",
    )
    included = "all countries" if "worldwide" in sheet.territory.include else _places(sheet.territory.include)
    excluded = f", except {_places(sheet.territory.exclude)}" if sheet.territory.exclude else ""
    yield Paragraph(f"It covers {included}{excluded}.", "/territory")


def onward(sheet: TermSheet) -> Iterator[Paragraph]:
    """What a buyer may pass on, and what may be made."""
    passing = sheet.sublicensing
    conditions = " ".join(_said(f"sublicensing.conditions.{condition}") for condition in passing.conditions)
    allowed = "may sublicense" if passing.allowed else "may not sublicense"
    yield Paragraph(
        f"A buyer {allowed}; tiers of sublicences at most: {passing.max_tiers}. {conditions}".strip(), "/sublicensing"
    )
    for place, made in enumerate(sheet.derivatives):
        kind = f"{w.words(LOCALE).names['derivatives'][made.kind]} (`{made.kind}`)"
        pays = f"and {_percent(made.share_bps)} of its sales is shared" if made.pays else "without further pay"
        told = f"It may be made into {kind}, {pays}." if made.allowed else f"It may not be made into {kind}."
        yield Paragraph(f"{told} {made.note}" if made.note else told, f"/derivatives/{place}")
    yield Paragraph("Nothing else may be made of it beyond the permitted uses.", "/derivatives")


def buyers(sheet: TermSheet) -> Iterator[Paragraph]:
    """Who may buy."""
    rules = sheet.parties.buyers
    yield Paragraph(
        f"{_said(f'parties.buyers.disclosure.{rules.disclosure}')} Where you are told, it is within "
        f"{_time(rules.disclosure_within)} of the sale.",
        "/parties/buyers/disclosure",
    )
    excluded = _names("sectors", rules.excluded_sectors) if rules.excluded_sectors else "nobody beyond what law forbids"
    yield Paragraph(f"Excluded from buying: {excluded}.", "/parties/buyers/excluded_sectors")


def price(sheet: TermSheet) -> Iterator[Paragraph]:
    """What is paid."""
    for place, rate in enumerate(sheet.price.rates):
        per = "hour" if rate.per == "PT1H" else "minute"
        basis = "speech, pauses left out," if rate.basis == "accepted_speech" else "recording"
        paid = w.amount(rate.currency, rate.micros, LOCALE)
        yield Paragraph(f"We pay {paid} for each {per} of {basis} that we accept.", f"/price/rates/{place}")
    for place, bonus in enumerate(sheet.price.bonuses):
        yield Paragraph(
            w.filled(_said(f"price.bonuses.{bonus.basis}"), {"percent": _percent(bonus.max_bps)}),
            f"/price/bonuses/{place}",
        )
    for place, royalty in enumerate(sheet.price.royalties):
        split = "accepted speech" if royalty.pool == "by_accepted_speech" else "accepted duration"
        share = w.filled(_said(f"price.royalties.{royalty.event}"), {"percent": _percent(royalty.share_bps)})
        yield Paragraph(f"{share} It is split among them by {split}.", f"/price/royalties/{place}")
    for place, fee in enumerate(sheet.price.fees):
        note = f" {fee.note}" if fee.note else ""
        yield Paragraph(f"The {fee.code} fee is {_percent(fee.bps)}.{note}", f"/price/fees/{place}")
    yield Paragraph(
        "Amounts accrue exactly, rounded half to even at a millionth of the currency's unit; shares are split by "
        "largest remainder; a payout is rounded down to what a bank can move, and the rest stays yours.",
        "/price/rounding",
    )
    yield Paragraph("No later cut touches what was accepted before it.", "/price/later_cuts_apply_to_accepted")


def payout(sheet: TermSheet) -> Iterator[Paragraph]:
    """When and how money arrives."""
    terms = sheet.payout
    least = w.amount(terms.threshold.currency, terms.threshold.micros, LOCALE)
    yield Paragraph(f"What you earned can be paid out after {_time(terms.hold)}, from {least} on.", "/payout/hold")
    yield Paragraph(
        f"{_said(f'payout.schedule.{terms.schedule}')} Ways: {_names('methods', terms.methods)}.", "/payout/methods"
    )
    yield Paragraph(_said(f"payout.fee_paid_by.{terms.fee_paid_by}"), "/payout/fee_paid_by")
    if terms.expiry == "never":
        yield Paragraph(_said("payout.expiry.never"), "/payout/expiry")
    else:
        yield Paragraph(w.filled(_said("payout.expiry"), {"time": _time(terms.expiry)}), "/payout/expiry")
    yield Paragraph(_said(f"payout.on_account_close.{terms.on_account_close}"), "/payout/on_account_close")


def withdrawal(sheet: TermSheet) -> Iterator[Paragraph]:
    """How the licence is ended early."""
    terms = sheet.withdrawal
    reason = "stating a reason" if terms.reason_needed else "without a reason"
    yield Paragraph(
        f"You may withdraw at any time, {reason}, without notice and free of charge, for "
        f"{_names('scope', terms.scope, 'or')}.",
        "/withdrawal/scope",
    )
    yield Paragraph(
        f"New sales stop within {_time(terms.stop_sales_within)}. Buyers are told within "
        f"{_time(terms.notify_buyers_within)} and must delete their copies within "
        f"{_time(terms.buyers_delete_within)}. We delete ours within {_time(terms.delete_at_platform_within)}, "
        f"and from backups within {_time(terms.backups_within)}.",
        "/withdrawal",
    )
    undone = _names("undone", terms.undoes) if terms.undoes else "nothing"
    yield Paragraph(f"Withdrawal ends: {undone}.", "/withdrawal/undoes")
    lasting = " ".join(_said(f"withdrawal.cannot_undo.{limit}") for limit in terms.cannot_undo)
    yield Paragraph(lasting or "There is nothing that withdrawal cannot undo.", "/withdrawal/cannot_undo")
    yield Paragraph("Money earned before a withdrawal is kept.", "/withdrawal/earned_money")


def identity(sheet: TermSheet) -> Iterator[Paragraph]:
    """Name, likeness, templates."""
    told = sheet.identity
    yield Paragraph(_said(f"identity.name_to_buyers.{_bool(told.name_to_buyers)}"), "/identity/name_to_buyers")
    yield Paragraph(_said(f"identity.likeness.{told.likeness}"), "/identity/likeness")
    yield Paragraph(_said(f"identity.attribution.{told.attribution}"), "/identity/attribution")
    yield Paragraph(
        _said(f"identity.moral_rights_waived.{_bool(told.moral_rights_waived)}"), "/identity/moral_rights_waived"
    )
    yield Paragraph(
        "Templates of a voice or a face are never derived and never sold, by us or by a buyer.",
        "/biometrics/templates_derived",
    )
    bipa = sheet.biometrics.bipa
    if bipa:
        yield Paragraph(
            "For residents of Illinois (740 ILCS 14/15) a written release is required before any biometric purpose, "
            f"which is stated there; storage for it ends after {_time(bipa.period)} at the latest. The schedule is "
            f"published at {bipa.retention_schedule}.",
            "/biometrics/bipa",
        )


def retention(sheet: TermSheet) -> Iterator[Paragraph]:
    """How long what is kept."""
    kept = sheet.retention
    yield Paragraph(
        f"We keep a recording for {_time(kept.recording)} and delete it within {_time(kept.after_end)} of the end. The "
        f"record of your consent is kept for {_time(kept.consent_record)}.",
        "/retention",
    )
    pseudonymised = f"retention.pseudonymised_before_delivery.{_bool(kept.pseudonymised_before_delivery)}"
    yield Paragraph(_said(pseudonymised), "/retention/pseudonymised_before_delivery")


def duties(sheet: TermSheet) -> Iterator[Paragraph]:
    """What a contributor vouches for."""
    for duty in sheet.duties.contributor:
        yield Paragraph(_said(f"duties.contributor.{duty}"), "/duties/contributor")
    yield Paragraph(_said(f"duties.liability_cap.{sheet.duties.liability_cap}"), "/duties/liability_cap")
    yield Paragraph(_said(f"duties.indemnity.{sheet.duties.indemnity}"), "/duties/indemnity")


def people(sheet: TermSheet) -> Iterator[Paragraph]:
    """Minors and bystanders."""
    yield Paragraph(
        f"You are at least {sheet.people.min_age} years old. A licence of a minor is void.", "/people/min_age"
    )
    yield Paragraph(
        f"{_said(f'people.bystanders.{sheet.people.bystanders}')} Anybody who is heard or seen can object, without an "
        f"account, at {sheet.people.claims}.",
        "/people/bystanders",
    )


def changes(sheet: TermSheet) -> Iterator[Paragraph]:
    """How terms change."""
    yield Paragraph(
        "Neither side changes these terms alone. A recording keeps the version it was given under; a new version, "
        f"announced {_time(sheet.changes.notice)} ahead, counts for recordings that you give under it.",
        "/changes",
    )


def disputes(sheet: TermSheet) -> Iterator[Paragraph]:
    """Whose law, and how a dispute is settled."""
    yield Paragraph(
        f"The law of {_place(sheet.law.governing)} governs. Mandatory rights of consumers stay as the law of your "
        "home gives them.",
        "/law/governing",
    )
    yield Paragraph(_said(f"law.venue.{sheet.law.venue}"), "/law/venue")
    yield Paragraph(f"We answer a complaint within {_time(sheet.disputes.answer_within)}.", "/disputes/answer_within")
    yield Paragraph(_said(f"disputes.arbitration.{sheet.disputes.arbitration}"), "/disputes/arbitration")
    yield Paragraph(_said(f"disputes.class_waiver.{_bool(sheet.disputes.class_waiver)}"), "/disputes/class_waiver")


def reading_rules(sheet: TermSheet, sha256: str) -> Iterator[Paragraph]:
    """Which form wins."""
    yield Paragraph(
        "This text and the plain-language card are made from the same term sheet. Both bind us. Where they differ, the "
        "reading that is better for you wins. English is the authoritative language; a translation binds only where "
        "its card says so.",
        "/",
    )
    older = f" It supersedes version {sheet.supersedes}." if sheet.supersedes else ""
    yield Paragraph(
        f"The term sheet is {sheet.id}, version {sheet.version}; the SHA-256 of its canonical form (RFC 8785) is "
        f"{sha256}.{older}",
        "/version",
    )


CLAUSES: tuple[tuple[str, Callable[[TermSheet], Iterator[Paragraph]]], ...] = (
    ("Parties", parties),
    ("What is licensed", subject),
    ("Permitted uses", permitted),
    ("Prohibited uses", prohibited),
    ("Extent", extent),
    ("Passing on and making new things", onward),
    ("Buyers", buyers),
    ("Price", price),
    ("Payout", payout),
    ("Withdrawal", withdrawal),
    ("Identity and biometrics", identity),
    ("Storage", retention),
    ("What you vouch for", duties),
    ("Other people", people),
    ("Changes", changes),
    ("Law and disputes", disputes),
)


def _use(use: Use) -> str:
    return f"{w.words(LOCALE).names['uses'][use.code]} (`{use.code}`)"


def _limits(use: Use) -> str:
    conditions = [w.words(LOCALE).names["conditions"][condition] for condition in use.conditions]
    limits = f" Limits: {'; '.join(conditions)}." if conditions else ""
    return limits + (f" {use.note}" if use.note else "")


def _said(key: str) -> str:
    return w.words(LOCALE).sentences[key]


def _names(kind: str, codes: list[Any], style: Any = "standard") -> str:
    return w.listed([w.words(LOCALE).names[kind][code] for code in codes], LOCALE, style)


def _time(duration: str) -> str:
    return w.time(duration, LOCALE)


def _percent(bps: int) -> str:
    return w.percent(bps, LOCALE)


def _bare(address: str) -> str:
    return address.removeprefix("mailto:")


def _place(code: str) -> str:
    return w.place(code, LOCALE)


def _places(codes: list[str]) -> str:
    return w.listed([_place(code) for code in codes], LOCALE)


def _bool(value: bool) -> str:
    return "true" if value else "false"
