"""A term sheet: everything that a contributor and a licensee agree on, as one JSON document.

Every other form of the terms (card, legal text, ODRL, RSL) is generated from this one. What harms a contributor beyond
repair has no spelling here: a grant always ends and never renews itself, can always be withdrawn, covers only the uses
it lists, keeps its terms for recordings that were given under it, and derives no template of a voice or a face. What
remains harmful but lawful can be said, is flagged (`flags.py`), and is named in every comparison (`diff.py`).

Durations are ISO 8601 with a single unit; shares are basis points (1/10,000); money is micros of ISO 4217.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from api.terms import vocabulary as v

#: The schema's own address, relative to the service; the number rises when an old sheet would no longer fit.
SCHEMA: Literal["/v1/schemas/term-sheet/1"] = "/v1/schemas/term-sheet/1"
DURATION = r"^P(?:[0-9]{1,4}D|[0-9]{1,3}M|[0-9]{1,2}Y)\Z|^PT[0-9]{1,4}[HM]\Z"
#: A grant of more than ten years is a grant for ever by another name.
TERM = r"^P(?:[1-9]|10)Y\Z|^P(?:[1-9][0-9]?|1[01][0-9]|120)M\Z|^P[1-9][0-9]{0,2}D\Z"

Duration: TypeAlias = Annotated[str, Meta(pattern=DURATION, examples=["P30D"])]
Term: TypeAlias = Annotated[str, Meta(pattern=TERM, examples=["P5Y"])]
Bps: TypeAlias = Annotated[int, Meta(ge=0, le=10_000, description="Hundredths of a percent.", examples=[5000])]
Micros: TypeAlias = Annotated[int, Meta(ge=0, le=10**15, description="Millionths of the currency's unit.")]
Currency: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", description="ISO 4217.", examples=["EUR"])]
Country: TypeAlias = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z", description="ISO 3166-1.", examples=["DE"])]
Territory: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?:worldwide|[A-Z]{2}(?:-[A-Z0-9]{1,3})?)\Z", description="ISO 3166-1 or -2.", examples=["DE"])
]
Address: TypeAlias = Annotated[
    str, Meta(pattern=r"^(?:mailto:|https://).+\Z", max_length=300, examples=["mailto:terms@example.org"])
]
Note: TypeAlias = Annotated[
    str, Meta(min_length=1, max_length=300, examples=["Teaching machines to write down what people say."])
]


class Part(Struct, frozen=True, forbid_unknown_fields=True):
    """A part of a sheet; a member that is not in the schema is refused, because nothing would generate words for it."""


class Licensee(Part, frozen=True):
    """Who receives the licence, and answers for the data (GDPR Art. 13(1))."""

    name: Annotated[str, Meta(min_length=1, max_length=200, examples=["Example Data Cooperative eG"])]
    country: Country
    contact: Address
    data_protection_officer: Address
    controller: Literal[True]


class Buyers(Part, frozen=True):
    """Who may buy, and how soon a contributor learns the name (GDPR Art. 15(1)(c): named recipients)."""

    disclosure: v.Disclosure
    disclosure_within: Duration = "P1D"
    excluded_sectors: list[v.Sector] = []


class Parties(Part, frozen=True):
    """Between whom it is agreed."""

    licensor: Literal["contributor"]
    licensee: Licensee
    buyers: Buyers


class Media(Part, frozen=True):
    """What is given away, and what goes with it."""

    kinds: Annotated[list[v.MediaKind], Meta(min_length=1)]
    delivered: Annotated[list[v.Delivered], Meta(min_length=1)]
    metadata: list[v.Metadata]
    location: v.Location
    contacts: Literal["never"]
    sound: v.Sound = "kept"


class Use(Part, frozen=True):
    """One thing a buyer might do: `core` is the offer itself, `optional` is off until chosen, `prohibited` never is.

    A use with `separate_consent` is asked on a screen of its own; a `sensitive` one touches who somebody is.
    """

    code: v.Use
    stance: v.Stance
    separate_consent: bool = False
    sensitive: bool = False
    conditions: list[v.Condition] = []
    note: Note | None = None


class Exclusivity(Part, frozen=True):
    """Whether the contributor may give the recording to others too; less freedom has to raise the pay."""

    kind: v.Exclusivity
    premium_bps: Bps = 0


class TermOfGrant(Part, frozen=True):
    """How long: there is always an end, and going on takes a new yes."""

    duration: Term
    starts: Literal["acceptance"]
    renewal: Literal["only_with_new_consent"]


class Where(Part, frozen=True):
    """In which countries it counts."""

    include: Annotated[list[Territory], Meta(min_length=1, examples=[["worldwide"]])]
    exclude: Annotated[list[Territory], Meta(examples=[["US-IL"]])] = []


class Sublicensing(Part, frozen=True):
    """Whether a buyer may pass it on, how many times, and under what."""

    allowed: bool
    max_tiers: Annotated[int, Meta(ge=0, le=3, examples=[1])] = 0
    conditions: list[v.SublicenceCondition] = []


class Derivative(Part, frozen=True):
    """What may be made from it, and whether the contributor earns on that; what is not listed is not allowed."""

    kind: v.DerivativeKind
    allowed: bool
    pays: bool = False
    share_bps: Bps = 0
    note: Note | None = None


class Withdrawal(Part, frozen=True):
    """How to stop. As easy as agreeing (GDPR Art. 7(3)): always possible, free, and money earned is kept."""

    allowed: Literal[True]
    scope: Annotated[list[v.WithdrawalScope], Meta(min_length=1)]
    reason_needed: bool
    cost_micros: Literal[0]
    notice: Literal["P0D"]
    stop_sales_within: Duration
    notify_buyers_within: Duration
    buyers_delete_within: Duration
    delete_at_platform_within: Duration
    backups_within: Duration
    undoes: list[v.Undone]
    cannot_undo: list[v.NotUndone]
    earned_money: Literal["kept"]


class GdprArticle9(Part, frozen=True):
    """Uses that need explicit consent (GDPR Art. 9(2)(a)), each on a screen of its own."""

    condition: Literal["9(2)(a)"]
    uses: Annotated[list[v.Use], Meta(min_length=1)]
    separate_screen: Literal[True]


class Bipa(Part, frozen=True):
    """What Illinois asks for (740 ILCS 14/15(a), (b)): a written release, a purpose, a period, a public schedule."""

    written_release: Literal["required_if_us_il"]
    purpose_stated: Literal[True]
    period: Annotated[str, Meta(pattern=r"^P(?:[1-3]Y|[1-9]M|[12][0-9]M|3[0-6]M|[1-9][0-9]{0,2}D)\Z", examples=["P3Y"])]
    retention_schedule: Annotated[str, Meta(min_length=1, examples=["/v1/policies/biometric-retention"])]


class Biometrics(Part, frozen=True):
    """Templates of a voice or a face are never derived and never sold (740 ILCS 14/15(c) knows no consent)."""

    templates_derived: Literal["never"]
    templates_sold: Literal["never"]
    gdpr_art9: GdprArticle9 | None = None
    bipa: Bipa | None = None


class Identity(Part, frozen=True):
    """What happens to name, face and authorship."""

    name_to_buyers: bool
    likeness: v.Likeness
    attribution: v.Attribution
    moral_rights_waived: bool


class Retention(Part, frozen=True):
    """How long what is kept."""

    recording: Term
    after_end: Duration
    consent_record: Duration
    pseudonymised_before_delivery: bool


class Rate(Part, frozen=True):
    """What an accepted recording earns: `micros` for every `per` of what `basis` names."""

    event: Literal["accepted_duration"]
    currency: Currency
    micros: Annotated[int, Meta(ge=0, le=10**12, examples=[12_000_000])]
    per: Annotated[str, Meta(pattern=r"^PT(?:1M|1H)\Z", examples=["PT1H"])]
    basis: v.Basis


class Bonus(Part, frozen=True):
    """What can be earned on top of the rate."""

    code: Literal["quality"]
    max_bps: Bps
    basis: v.BonusBasis


class Royalty(Part, frozen=True):
    """Which share of a sale goes to the contributors in it, and by what it is split among them."""

    event: v.RoyaltyEvent
    share_bps: Bps
    pool: Literal["by_accepted_speech", "by_accepted_duration"]


class Fee(Part, frozen=True):
    """What is taken off."""

    code: Literal["platform"]
    bps: Bps
    note: Note | None = None


class Rounding(Part, frozen=True):
    """How amounts are rounded: exactly while they accrue, and in a payout downwards, keeping the rest."""

    accrual: Literal["half_even_micro"]
    split: Literal["largest_remainder"]
    payout: Literal["floor_minor_keep_remainder"]


class Price(Part, frozen=True, kw_only=True):
    """What a contributor earns; a cut never touches what was accepted before it."""

    rates: Annotated[list[Rate], Meta(min_length=1)]
    bonuses: list[Bonus] = []
    royalties: list[Royalty] = []
    fees: list[Fee] = []
    rounding: Rounding
    later_cuts_apply_to_accepted: Literal[False]


class Threshold(Part, frozen=True):
    """The smallest amount that is paid out."""

    currency: Currency
    micros: Micros


class Payout(Part, frozen=True):
    """When and how earned money is paid; `expiry` is `never` or how long it can be claimed."""

    hold: Duration
    threshold: Threshold
    schedule: v.Schedule
    fee_paid_by: v.Payer
    expiry: Annotated[str, Meta(pattern=rf"^never\Z|{DURATION}", examples=["never"])]
    on_account_close: v.AccountClose
    methods: Annotated[list[v.Method], Meta(min_length=1)]


class Duties(Part, frozen=True):
    """What a contributor vouches for, and what it can cost them."""

    contributor: list[v.Duty]
    liability_cap: v.LiabilityCap
    indemnity: v.Indemnity


class People(Part, frozen=True):
    """Who may contribute, and what happens to others who are seen or heard."""

    min_age: Annotated[int, Meta(ge=18, le=99, examples=[18])]
    minors: Literal["not_accepted"]
    bystanders: v.Bystanders
    claims: Annotated[str, Meta(min_length=1, examples=["/v1/third-party-claims"])] = "/v1/third-party-claims"


class Changes(Part, frozen=True):
    """How the terms change: never by one side alone, and never for what was given before."""

    one_sided: Literal[False]
    notice: Duration
    old_recordings_keep: Literal["their_version"]


class Law(Part, frozen=True):
    """Whose law, and which court; the rights of a consumer stay."""

    governing: Country
    consumer_law_kept: Literal[True]
    venue: v.Venue


class Disputes(Part, frozen=True):
    """What happens when the two sides do not agree."""

    answer_within: Duration
    arbitration: v.Arbitration
    class_waiver: bool


class TermSheet(Part, frozen=True, kw_only=True):
    """One version of a term sheet: published once, then immutable, and known by the hash of its canonical form."""

    id: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,63}\Z", examples=["voice-standard"])]
    version: Annotated[int, Meta(ge=1, le=100_000, examples=[2])]
    title: Annotated[str, Meta(min_length=1, max_length=200, examples=["Read speech for speech recognition"])]
    schema: Literal["/v1/schemas/term-sheet/1"] = SCHEMA
    supersedes: Annotated[int, Meta(ge=1, examples=[1])] | None = None
    parties: Parties
    media: Media
    uses: Annotated[list[Use], Meta(min_length=1)]
    unlisted_uses: Literal["prohibited"]
    exclusivity: Exclusivity
    term: TermOfGrant
    territory: Where
    sublicensing: Sublicensing
    derivatives: list[Derivative] = []
    withdrawal: Withdrawal
    biometrics: Biometrics
    identity: Identity
    retention: Retention
    price: Price
    payout: Payout
    duties: Duties
    people: People
    changes: Changes
    law: Law
    disputes: Disputes
