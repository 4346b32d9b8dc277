"""A term sheet as ODRL 2.2 policy in JSON-LD: what a buyer's software reads before it touches a recording.

The sheet stays the source; what ODRL has no word for is said in our own vocabulary under the `terms` prefix, and a
member that it cannot say at all (how a bonus is scored) is left to the sheet, which `dct:source` points to. A policy of
type Offer names the assigner by role: it becomes an agreement for one recording with a consent.

W3C ODRL Information Model 2.2 (2018), sections 2.1-2.6; ODRL Vocabulary 2.2; ODRL JSON-LD context.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from api.terms.sheet import TermSheet, Use

#: Relative references of a policy are resolved against the service that publishes it (RFC 3986).
VOCABULARY = "/ns/terms#"
PROFILE = "/ns/terms"
CONTEXT: list[Any] = [
    "http://www.w3.org/ns/odrl.jsonld",
    {"terms": VOCABULARY, "dct": "http://purl.org/dc/terms/", "dpv": "https://w3id.org/dpv#"},
]
#: Uses for which ODRL's own vocabulary has an action.
ACTIONS = {"annotation": "annotate", "public_release": "distribute"}
Node = dict[str, Any]


def policy(sheet: TermSheet, sha256: str) -> Node:
    """Write the offer of a sheet; `sha256` is the hex hash of its canonical form."""
    url = f"/v1/term-sheets/{sheet.id}/versions/{sheet.version}"
    return {
        "@context": CONTEXT,
        "@type": "Offer",
        "uid": f"{url}/policy",
        "profile": PROFILE,
        "dct:source": {"@id": url, "terms:sha256": sha256},
        "assigner": {"@type": "Party", "uid": "terms:contributor"},
        "target": {"@type": "AssetCollection", "uid": f"{url}/recordings"},
        "permission": [*(permission(sheet, use) for use in sheet.uses if use.stance != "prohibited"), *onward(sheet)],
        "prohibition": [
            *({"action": action(use)} for use in sheet.uses if use.stance == "prohibited"),
            {"action": "terms:unlistedUse"},
            {"action": "terms:deriveBiometricTemplate"},
        ],
        "obligation": [told_of_buyers(sheet)],
    }


def permission(sheet: TermSheet, use: Use) -> Node:
    """Permit one use, for the term, in the territory, to allowed buyers, against pay, until it is withdrawn."""
    limits = [
        constraint("elapsedTime", "lteq", typed(sheet.term.duration, "xsd:duration")),
        *territory(sheet),
        *([constraint("industry", "isNoneOf", excluded(sheet))] if sheet.parties.buyers.excluded_sectors else []),
        *(constraint("terms:condition", "eq", {"@id": f"terms:{limit}"}) for limit in use.conditions),
    ]
    if use.stance == "optional":
        limits.append(constraint("terms:consent", "eq", {"@id": "terms:separatelyGiven"}))
    if use.sensitive:
        limits.append(constraint("terms:legalBasis", "eq", {"@id": "dpv:ExplicitConsent"}))
    return {"action": action(use), "constraint": limits, "duty": [compensate(sheet), delete(sheet)]}


def onward(sheet: TermSheet) -> list[Node]:
    """Permit passing it on, so many times, under a policy that grants no more."""
    passing = sheet.sublicensing
    if not passing.allowed:
        return []
    duties: list[Node] = []
    if "same_or_narrower" in passing.conditions:
        duties.append({"action": "nextPolicy"})
    if "named" in passing.conditions:
        duties.append({"action": "inform"})
    if "withdrawal_passes_down" in passing.conditions:
        duties.append({"action": "terms:passWithdrawalDown"})
    tiers = constraint("terms:sublicenceTier", "lteq", typed(passing.max_tiers, "xsd:integer"))
    return [{"action": "grantUse", "constraint": [tiers], **({"duty": duties} if duties else {})}]


def compensate(sheet: TermSheet) -> Node:
    """Ask for pay: the first rate stands for its recording, royalties follow from the sheet."""
    rate = sheet.price.rates[0]
    amount = str(Decimal(rate.micros).scaleb(-6).normalize().__format__("f"))
    return {
        "action": [
            {
                "rdf:value": {"@id": "odrl:compensate"},
                "refinement": [
                    {
                        **constraint("payAmount", "eq", typed(amount, "xsd:decimal")),
                        "unit": f"http://cvx.iptc.org/iso4217a/{rate.currency}",
                    },
                    constraint("terms:payPer", "eq", typed(rate.per, "xsd:duration")),
                    constraint("terms:payBasis", "eq", {"@id": f"terms:{rate.basis}"}),
                ],
            }
        ]
    }


def delete(sheet: TermSheet) -> Node:
    """Ask for deletion within so long after a withdrawal or the end of the term."""
    within = typed(sheet.withdrawal.buyers_delete_within, "xsd:duration")
    return {
        "action": "delete",
        "constraint": [
            constraint("event", "gt", {"@id": "terms:withdrawal"}),
            constraint("delayPeriod", "lteq", within),
        ],
    }


def told_of_buyers(sheet: TermSheet) -> Node:
    """Oblige the licensee to tell a contributor who bought."""
    within = typed(sheet.parties.buyers.disclosure_within, "xsd:duration")
    disclosure = {"@id": f"terms:{sheet.parties.buyers.disclosure}"}
    return {
        "action": "inform",
        "constraint": [constraint("terms:disclosure", "eq", disclosure), constraint("delayPeriod", "lteq", within)],
    }


def territory(sheet: TermSheet) -> list[Node]:
    """Bind it to countries (ISO 3166), where it is not for all of them."""
    where = sheet.territory
    found = [] if "worldwide" in where.include else [constraint("spatial", "isAnyOf", countries(where.include))]
    return [*found, *([constraint("spatial", "isNoneOf", countries(where.exclude))] if where.exclude else [])]


def countries(codes: list[str]) -> list[Node]:
    """Name countries by their code."""
    return [{"@value": code, "@type": "terms:iso3166"} for code in codes]


def excluded(sheet: TermSheet) -> list[Node]:
    """Name the sectors that may not buy."""
    return [{"@id": f"terms:{sector}"} for sector in sheet.parties.buyers.excluded_sectors]


def action(use: Use) -> str:
    """Name the action of a use."""
    return ACTIONS.get(use.code, f"terms:{use.code}")


def constraint(left: str, operator: str, right: Any) -> Node:
    """Write one constraint (ODRL 2.2, section 2.5.1)."""
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def typed(value: Any, kind: str) -> Node:
    """Write a value with its type."""
    return {"@value": value, "@type": kind}
