"""The plain-language card of a term sheet: eight questions, always in the same order, answered from its JSON alone.

A contributor reads this and not the legal text, so this binds: where the two differ, what is better for the contributor
counts. Each sentence points to the member of the sheet that it was made from. The order of questions and the icons are
fixed (`docs/terms.md`), so that two offers can be compared at a glance.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from api.terms import words as w
from api.terms.readability import Reading, reading
from api.terms.sheet import TermSheet

Question = Literal["give", "uses", "never", "who", "how_long", "pay", "stop", "promise"]
Icon = Literal[
    "sound", "picture", "sound-and-picture",
    "offer", "offer-with-choices",
    "no-copy-of-you", "copy-of-you-possible",
    "buyers-named", "buyers-unnamed",
    "ends", "ends-exclusive",
    "paid-again", "paid-once",
    "stop-freely", "stop-with-reason",
    "limited-duty", "unlimited-duty",
]  # fmt: skip


class Sentence(Struct, frozen=True):
    """One sentence of an answer, and the member of the sheet it was made from (RFC 6901)."""

    text: Annotated[str, Meta(examples=["It ends 5 years after we accept it."])]
    at: Annotated[str, Meta(examples=["/term/duration"])]


class Answer(Struct, frozen=True):
    """One of the eight questions with its answer; `icon` tells the answer without words."""

    question: Question
    title: Annotated[str, Meta(examples=["How long, and where?"])]
    icon: Icon
    sentences: list[Sentence]


class Check(Struct, frozen=True):
    """A question about the card; `right` is the place of the right choice. A wrong answer blocks nobody."""

    question: Annotated[str, Meta(examples=["What happens when the time on the card is over?"])]
    choices: Annotated[list[str], Meta(examples=[["It goes on by itself.", "It ends, unless you agree again."]])]
    right: Annotated[int, Meta(ge=0, le=2)]


class Card(Struct, frozen=True):
    """A card in one language; `sha256` is the sheet's. A card that is not `binding` only helps to read."""

    term_sheet: Annotated[str, Meta(examples=["voice-standard"])]
    version: int
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", examples=["3f1b8c0de2a94e57" * 4])]
    title: Annotated[str, Meta(examples=["Read speech for speech recognition"])]
    locale: Annotated[str, Meta(examples=["en"])]
    binding: bool
    notice: Annotated[str, Meta(examples=["This card binds us."])]
    answers: list[Answer]
    reading: Reading
    understanding: list[Check]


class Speaker:
    """Says sentences in one language."""

    def __init__(self, locale: str) -> None:
        """Choose a language out of LOCALES."""
        self.locale = locale
        self.words = w.words(locale)

    def say(self, key: str, at: str, /, **facts: str) -> Sentence:
        """Say the sentence of a key about the member at a pointer."""
        return Sentence(w.filled(self.words.sentences[key], facts), at)

    def names(self, kind: str, codes: Sequence[str], style: Literal["standard", "or"] = "standard") -> str:
        """Name codes in a row, joined by "and" or by "or"."""
        return w.listed([self.words.names[kind][code] for code in codes], self.locale, style)

    def time(self, duration: str) -> str:
        """Write a duration."""
        return w.time(duration, self.locale)


def card(sheet: TermSheet, sha256: str, locale: str) -> Card:
    """Make the card of a sheet in a language of LOCALES; `sha256` is the hex hash of the sheet's canonical form."""
    speaker = Speaker(locale)
    spoken = speaker.words
    answers = [
        Answer(question, spoken.questions[question], icon(sheet), list(said(sheet, speaker)))
        for question, icon, said in QUESTIONS
    ]
    return Card(
        term_sheet=sheet.id,
        version=sheet.version,
        sha256=sha256,
        title=sheet.title,
        locale=locale,
        binding=spoken.reviewed,
        notice=spoken.notices["binds" if spoken.reviewed else "unreviewed"],
        answers=answers,
        reading=reading(text_of(answers), locale),
        understanding=[check(spoken, code, right) for code, right in (("use", 1), ("stop", 0), ("end", 2))],
    )


def text_of(answers: Sequence[Answer]) -> str:
    """Give what is read of a card, without its titles."""
    return " ".join(sentence.text for answer in answers for sentence in answer.sentences)


def check(spoken: w.Words, code: str, right: int) -> Check:
    """Put the right answer of a question at its place among the wrong ones."""
    asked = spoken.understanding[code]
    choices = list(asked.wrong)
    choices.insert(right, asked.right)
    return Check(asked.question, choices, right)


def give(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """What is given away, and what goes with it."""
    media = sheet.media
    yield speaker.say("media.delivered", "/media/delivered", list=speaker.names("delivered", media.delivered))
    if media.metadata:
        yield speaker.say("media.metadata", "/media/metadata", list=speaker.names("metadata", media.metadata))
    else:
        yield speaker.say("media.metadata.none", "/media/metadata")
    yield speaker.say(f"media.location.{media.location}", "/media/location")
    yield speaker.say("media.contacts.never", "/media/contacts")
    if "video" in media.kinds:
        yield speaker.say(f"media.sound.{media.sound}", "/media/sound")
    pseudonymised = _said(sheet.retention.pseudonymised_before_delivery)
    pointer = "/retention/pseudonymised_before_delivery"
    yield speaker.say(f"retention.pseudonymised_before_delivery.{pseudonymised}", pointer)
    yield speaker.say(f"identity.name_to_buyers.{_said(sheet.identity.name_to_buyers)}", "/identity/name_to_buyers")
    if "audio" in media.kinds or media.sound == "kept":
        # Taking a name off does not take the voice off, and to keep quiet about that would be half a truth.
        yield speaker.say("identity.recognisable", "/media/delivered")
    yield speaker.say(f"identity.attribution.{sheet.identity.attribution}", "/identity/attribution")


def uses(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """What it may be used for, and what of that is a choice."""
    core, optional = _codes(sheet, "core"), _codes(sheet, "optional")
    yield speaker.say("uses.core", "/uses", list=speaker.names("uses", core))
    if optional:
        yield speaker.say("uses.optional", "/uses", list=speaker.names("uses", optional))
        yield speaker.say("uses.optional.off", "/uses")
    for place, use in enumerate(sheet.uses):
        for condition in use.conditions if use.stance != "prohibited" else ():
            facts = {
                "use": speaker.words.names["uses"][use.code],
                "condition": speaker.words.names["conditions"][condition],
            }
            yield speaker.say("uses.condition", f"/uses/{place}/conditions", **facts)
    yield from derivatives(sheet, speaker)


def derivatives(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """What may be made from it."""
    allowed = [made for made in sheet.derivatives if made.allowed]
    for pays in (True, False):
        kinds = [made.kind for made in allowed if made.pays is pays]
        if kinds:
            yield speaker.say(
                f"derivatives.pays.{_said(pays)}", "/derivatives", list=speaker.names("derivatives", kinds)
            )
    if not allowed:
        yield speaker.say("derivatives.none", "/derivatives")


def never(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """What nobody may ever do with it."""
    prohibited = _codes(sheet, "prohibited")
    if prohibited:
        yield speaker.say("uses.prohibited", "/uses", list=speaker.names("uses", prohibited))
    yield speaker.say("unlisted_uses.prohibited", "/unlisted_uses")
    yield speaker.say("biometrics.templates_derived.never", "/biometrics/templates_derived")
    yield speaker.say(f"identity.likeness.{sheet.identity.likeness}", "/identity/likeness")


def who(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """Who gets it, and who learns of whom."""
    licensee, buyers = sheet.parties.licensee, sheet.parties.buyers
    country = w.place(licensee.country, speaker.locale)
    yield speaker.say("parties.licensee", "/parties/licensee", name=licensee.name, place=country)
    yield speaker.say(f"parties.buyers.disclosure.{buyers.disclosure}", "/parties/buyers/disclosure")
    if buyers.disclosure in {"named_at_sale", "named_on_request"}:
        within = speaker.time(buyers.disclosure_within)
        yield speaker.say("parties.buyers.disclosure_within", "/parties/buyers/disclosure_within", time=within)
    if buyers.excluded_sectors:
        excluded = speaker.names("sectors", buyers.excluded_sectors)
        yield speaker.say("parties.buyers.excluded_sectors", "/parties/buyers/excluded_sectors", list=excluded)
    passing = sheet.sublicensing
    if passing.allowed:
        yield speaker.say(f"sublicensing.max_tiers.{passing.max_tiers}", "/sublicensing/max_tiers")
        for condition in passing.conditions:
            yield speaker.say(f"sublicensing.conditions.{condition}", "/sublicensing/conditions")
    else:
        yield speaker.say("sublicensing.allowed.false", "/sublicensing/allowed")
    yield speaker.say(f"people.bystanders.{sheet.people.bystanders}", "/people/bystanders")


def how_long(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """When it ends and where it counts."""
    yield speaker.say("term.duration", "/term/duration", time=speaker.time(sheet.term.duration))
    yield speaker.say("term.renewal.only_with_new_consent", "/term/renewal")
    kept = sheet.retention
    yield speaker.say("retention.after_end", "/retention/after_end", time=speaker.time(kept.after_end))
    yield speaker.say("retention.consent_record", "/retention/consent_record", time=speaker.time(kept.consent_record))
    yield speaker.say(f"exclusivity.kind.{sheet.exclusivity.kind}", "/exclusivity/kind")
    if sheet.exclusivity.premium_bps:
        more = w.percent(sheet.exclusivity.premium_bps, speaker.locale)
        yield speaker.say("exclusivity.premium_bps", "/exclusivity/premium_bps", percent=more)
    yield from where(sheet, speaker)


def where(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """In which countries it counts."""
    included, excluded = sheet.territory.include, sheet.territory.exclude
    if "worldwide" in included:
        yield speaker.say("territory.worldwide", "/territory/include")
    else:
        yield speaker.say("territory.include", "/territory/include", list=_places(included, speaker))
    if excluded:
        yield speaker.say("territory.exclude", "/territory/exclude", list=_places(excluded, speaker))


def pay(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """What is earned, what is taken off, and how it arrives."""
    for place, rate in enumerate(sheet.price.rates):
        hourly = w.amount(rate.currency, rate.micros * (60 if rate.per == "PT1M" else 1), speaker.locale)
        yield speaker.say(f"price.rate.{rate.basis}", f"/price/rates/{place}", money=hourly)
    for place, bonus in enumerate(sheet.price.bonuses):
        most = w.percent(bonus.max_bps, speaker.locale)
        yield speaker.say(f"price.bonuses.{bonus.basis}", f"/price/bonuses/{place}", percent=most)
    for place, royalty in enumerate(sheet.price.royalties):
        share = w.percent(royalty.share_bps, speaker.locale)
        yield speaker.say(f"price.royalties.{royalty.event}", f"/price/royalties/{place}", percent=share)
    if not sheet.price.royalties:
        yield speaker.say("price.royalties.none", "/price/royalties")
    yield from fees(sheet, speaker)
    yield from paid_out(sheet, speaker)


def paid_out(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """When and how what was earned arrives."""
    payout = sheet.payout
    yield speaker.say("payout.hold", "/payout/hold", time=speaker.time(payout.hold))
    least = w.amount(payout.threshold.currency, payout.threshold.micros, speaker.locale)
    yield speaker.say("payout.threshold", "/payout/threshold", money=least)
    yield speaker.say(f"payout.schedule.{payout.schedule}", "/payout/schedule")
    yield speaker.say(f"payout.fee_paid_by.{payout.fee_paid_by}", "/payout/fee_paid_by")
    if payout.expiry == "never":
        yield speaker.say("payout.expiry.never", "/payout/expiry")
    else:
        yield speaker.say("payout.expiry", "/payout/expiry", time=speaker.time(payout.expiry))
    yield speaker.say(f"payout.on_account_close.{payout.on_account_close}", "/payout/on_account_close")


def fees(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """What is taken off."""
    taken = [(place, fee) for place, fee in enumerate(sheet.price.fees) if fee.bps]
    for place, fee in taken:
        yield speaker.say("price.fees", f"/price/fees/{place}/bps", percent=w.percent(fee.bps, speaker.locale))
    if not taken:
        yield speaker.say("price.fees.none", "/price/fees")


#: What a withdrawal sets going, in the order in which it happens.
CLOCKS = (
    "stop_sales_within",
    "notify_buyers_within",
    "buyers_delete_within",
    "delete_at_platform_within",
    "backups_within",
)


def stop(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """How to stop, how fast that works, and what it cannot undo."""
    terms = sheet.withdrawal
    yield speaker.say(f"withdrawal.reason_needed.{_said(terms.reason_needed)}", "/withdrawal/reason_needed")
    yield speaker.say("withdrawal.scope", "/withdrawal/scope", list=speaker.names("scope", terms.scope, "or"))
    for name in CLOCKS:
        yield speaker.say(f"withdrawal.{name}", f"/withdrawal/{name}", time=speaker.time(getattr(terms, name)))
    for limit in terms.cannot_undo:
        yield speaker.say(f"withdrawal.cannot_undo.{limit}", "/withdrawal/cannot_undo")
    yield speaker.say("withdrawal.earned_money.kept", "/withdrawal/earned_money")


def promise(sheet: TermSheet, speaker: Speaker) -> Iterator[Sentence]:
    """What a contributor vouches for, and what happens in a dispute."""
    yield speaker.say("people.min_age", "/people/min_age", count=w.count(sheet.people.min_age, speaker.locale))
    for duty in sheet.duties.contributor:
        yield speaker.say(f"duties.contributor.{duty}", "/duties/contributor")
    yield speaker.say(f"duties.liability_cap.{sheet.duties.liability_cap}", "/duties/liability_cap")
    yield speaker.say(f"duties.indemnity.{sheet.duties.indemnity}", "/duties/indemnity")
    waived = _said(sheet.identity.moral_rights_waived)
    yield speaker.say(f"identity.moral_rights_waived.{waived}", "/identity/moral_rights_waived")
    yield speaker.say("changes.old_recordings_keep.their_version", "/changes/old_recordings_keep")
    yield speaker.say("changes.notice", "/changes/notice", time=speaker.time(sheet.changes.notice))
    yield speaker.say(
        "disputes.answer_within", "/disputes/answer_within", time=speaker.time(sheet.disputes.answer_within)
    )
    yield speaker.say(f"law.venue.{sheet.law.venue}", "/law/venue")
    yield speaker.say("law.governing", "/law/governing", place=w.place(sheet.law.governing, speaker.locale))
    yield speaker.say(f"disputes.arbitration.{sheet.disputes.arbitration}", "/disputes/arbitration")
    yield speaker.say(f"disputes.class_waiver.{_said(sheet.disputes.class_waiver)}", "/disputes/class_waiver")


def _media_icon(sheet: TermSheet) -> Icon:
    kinds = set(sheet.media.kinds)
    if "video" not in kinds:
        return "sound"
    return "sound-and-picture" if "audio" in kinds or sheet.media.sound == "kept" else "picture"


#: The eight questions in their order: how each answer shows as an icon, and what it says.
QUESTIONS: Sequence[
    tuple[Question, Callable[[TermSheet], Icon], Callable[[TermSheet, Speaker], Iterator[Sentence]]]
] = (
    ("give", _media_icon, give),
    ("uses", lambda sheet: "offer-with-choices" if _codes(sheet, "optional") else "offer", uses),
    (
        "never",
        lambda sheet: "no-copy-of-you" if sheet.identity.likeness == "prohibited" else "copy-of-you-possible",
        never,
    ),
    (
        "who",
        lambda sheet: "buyers-named" if sheet.parties.buyers.disclosure == "named_at_sale" else "buyers-unnamed",
        who,
    ),
    ("how_long", lambda sheet: "ends" if sheet.exclusivity.kind == "non_exclusive" else "ends-exclusive", how_long),
    ("pay", lambda sheet: "paid-again" if sheet.price.royalties else "paid-once", pay),
    ("stop", lambda sheet: "stop-with-reason" if sheet.withdrawal.reason_needed else "stop-freely", stop),
    (
        "promise",
        lambda sheet: "unlimited-duty" if sheet.duties.liability_cap == "unlimited" else "limited-duty",
        promise,
    ),
)


def _codes(sheet: TermSheet, stance: str) -> list[str]:
    return [use.code for use in sheet.uses if use.stance == stance]


def _places(codes: Sequence[str], speaker: Speaker) -> str:
    return w.listed([w.place(code, speaker.locale) for code in codes], speaker.locale)


def _said(value: bool) -> str:
    return "true" if value else "false"
