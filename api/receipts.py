"""Receipts of consent: what a contributor agreed to, signed, as data, as a signature and as a paper."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import rfc8785
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath

from api import typesetting
from api.conditional import KEPT, conditional_bytes
from api.dependencies import Caller, Database
from api.media_types import wanted
from api.problems import problems
from api.signing import Signer, sign
from api.terms.odrl import VOCABULARY
from api.terms.words import LOCALES, filled, language, time, words
from capture_validation.texts import negotiate
from storage import receipts
from storage.consents import Consent
from storage.database import Connection, Pool, transaction
from storage.errors import ReceiptMissing
from storage.receipts import Grounds, Receipt

#: What kind of thing the signature is over; a quote cannot be shown as a receipt.
TYP = "consent-receipt+jws"
LD_JSON, JOSE, PDF = "application/ld+json", "application/jose", "application/pdf"
FORMS = (LD_JSON, JOSE, PDF)
#: The profile that a receipt follows: ISO/IEC TS 27560:2023 in the vocabulary of DPV 2, with what the GDPR asks for.
PROFILE = "https://w3id.org/dpv/schema/dpv-27560#receipt-eu-gdpr"
CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "dct": "http://purl.org/dc/terms/",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}
#: What a recording of each kind holds of a person (DPV's extension of personal data).
PERSONAL_DATA = {"audio": ("pd:Voice", "pd:Language"), "video": ("pd:Picture", "pd:PhysicalCharacteristic")}
#: Withdraw, see, have erased, take along: GDPR, articles 7(3), 15, 17 and 20.
RIGHTS = ("eu-gdpr:A7-3", "eu-gdpr:A15", "eu-gdpr:A17", "eu-gdpr:A20")
STATUS = {"given": "dpv:ConsentGiven", "refused": "dpv:ConsentRefused"}
HOW = "A decision for every single use, made by the contributor and signed in with their account."


def document(consent: Consent, grounds: Grounds, base: str) -> dict[str, Any]:
    """Write a receipt as DPV JSON-LD; `base` is where this service is reached.

    Header, processing, parties and events follow ISO/IEC TS 27560:2023, clause 6; the receipt is a full copy of the
    record, because a contributor who holds less than we do could not contradict us.
    """
    return {
        "@context": {**CONTEXT, "terms": base + VOCABULARY},
        "@id": f"urn:uuid:{grounds.id}",
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": {"@id": PROFILE},
        "dct:identifier": str(grounds.id),
        "dct:created": at(grounds.issued_at),
        "dct:language": consent.locale,
        "dct:source": {"@id": f"{base}/v1/consent-receipts/{grounds.id}"},
        "dpv:hasRecordOfActivity": record(consent, grounds, base),
    }


def record(consent: Consent, grounds: Grounds, base: str) -> dict[str, Any]:
    """Write the consent itself: who agreed to what, for which recording, for how long, and how to take it back."""
    sheet = grounds.sheet
    # Sheets from before they had a schema may leave parts out; ZZ is ISO 3166's code for a country that is not known.
    licensee = {"name": "", "country": "ZZ", **sheet["parties"].get("licensee", {})}
    address = f"{base}/v1/recordings/{consent.recording_id}"
    return {
        "@type": "dpv:ConsentRecord",
        "dct:identifier": str(consent.id),
        "dpv:hasDataSubject": {"@id": f"urn:uuid:{grounds.account_id}"},
        "dpv:hasDataController": controller(licensee),
        "dpv:hasJurisdiction": {"@id": f"loc:{sheet['law'].get('governing', licensee['country'])}"},
        "dpv:hasApplicableLaw": {"@id": "eu-gdpr:GDPR"},
        "dpv:hasNotice": notice(consent, base),
        "dpv:hasPersonalData": [
            {"@id": data} for kind in sheet["media"].get("kinds", []) for data in PERSONAL_DATA.get(kind, ())
        ],
        "terms:recording": {"@id": f"urn:uuid:{consent.recording_id}"},
        "terms:recordingSha256": grounds.recording_sha256.hex(),
        "dpv:hasProcess": [process(use, consent.decisions[use["code"]]) for use in decided(sheet, consent)],
        "dpv:hasStorageCondition": {
            "@type": "dpv:StorageCondition",
            "dpv:hasLocation": {"@id": f"loc:{licensee['country']}"},
            "dpv:hasDuration": str(sheet["retention"].get("recording", sheet["term"].get("duration", "P0D"))),
        },
        "dpv:hasDuration": str(sheet["term"].get("duration", "P0D")),
        "dpv:hasRecipient": {"@id": f"{address}/uses"},
        "dpv:hasConsentControl": {"@id": f"{address}/withdrawals", "@type": "dpv:WithdrawConsent"},
        "dpv:hasRight": [{"@id": right} for right in RIGHTS],
        "dpv:isIndicatedBy": {"@id": f"urn:uuid:{grounds.account_id}"},
        "dpv:hasIndicationMethod": HOW,
        "dpv:isIndicatedAtTime": at(consent.given_at),
    }


def controller(licensee: Mapping[str, Any]) -> dict[str, Any]:
    """Say who answers for the recording, and where they are reached."""
    return {
        "@type": "dpv:DataController",
        "dpv:hasName": licensee["name"],
        "dpv:hasContact": licensee.get("data_protection_officer", licensee.get("contact", "")),
        "dpv:hasCountry": {"@id": f"loc:{licensee['country']}"},
    }


def notice(consent: Consent, base: str) -> dict[str, Any]:
    """Name the text that was read, by its hash: the sheet, and the card in the contributor's language."""
    version = f"{base}/v1/term-sheets/{consent.term_sheet_id}/versions/{consent.term_sheet_version}"
    shown: dict[str, Any] = {
        "@id": version,
        "@type": "dpv:ConsentNotice",
        "dct:language": consent.locale,
        "terms:termSheet": consent.term_sheet_id,
        "terms:version": consent.term_sheet_version,
        "terms:termSheetSha256": consent.term_sheet_sha256.hex(),
    }
    if consent.card_sha256 is not None:
        shown["terms:cardSha256"] = consent.card_sha256.hex()
    return shown


def decided(sheet: Mapping[str, Any], consent: Consent) -> list[dict[str, Any]]:
    """List the sheet's uses that were decided about, in the sheet's order."""
    return [use for use in sheet["uses"] if use["code"] in consent.decisions]


def process(use: Mapping[str, Any], decision: str) -> dict[str, Any]:
    """Write one use and its decision; what touches who somebody is rests on article 9 of the GDPR."""
    return {
        "@type": "dpv:Process",
        "dpv:hasPurpose": {"@id": f"terms:{use['code']}"},
        "dpv:hasLegalBasis": {"@id": "eu-gdpr:A9-2-a" if use.get("sensitive") else "eu-gdpr:A6-1-a"},
        "dpv:hasConsentStatus": {"@id": STATUS[decision]},
    }


def at(moment: datetime) -> dict[str, str]:
    """Write a time as a typed value of JSON-LD."""
    return {"@type": "xsd:dateTime", "@value": moment.isoformat().replace("+00:00", "Z")}


async def issue(connection: Connection, signer: Signer, consent: Consent, base: str) -> Receipt:
    """Give the receipt of a consent, signing and storing it when there is none yet."""
    present = await receipts.of_consent(connection, consent.id)
    if present is not None:
        return present
    grounds = await receipts.grounds(connection, consent.id)
    words = rfc8785.dumps(document(consent, grounds, base))
    jws = sign(signer, words, typ=TYP)
    return await receipts.keep(connection, grounds, consent, jws, hashlib.sha256(words).digest())


async def issue_missing(database: Pool, signer: Signer, base: str) -> int:
    """Give receipts of consents that are older than receipts; return how many were missing."""
    issued = 0
    while True:
        async with transaction(database) as connection:
            missing = await receipts.unsigned(connection, 100)
            for consent in missing:
                await issue(connection, signer, consent, base)
        issued += len(missing)
        if not missing:
            return issued


@get(
    "/v1/consent-receipts/{receipt:uuid}",
    opt={"forms": (JOSE, PDF)},
    responses={
        200: ResponseSpec(
            dict[str, Any],
            generate_examples=False,
            description="The receipt as JSON-LD, or by Accept as a compact JWS (application/jose) or as PDF.",
            media_type=LD_JSON,
        ),
        **problems(ReceiptMissing),
    },
    tags=["Consents"],
)
async def read_receipt(
    receipt: FromPath[UUID], request: Request[Any, Any, Any], account: Caller, database: Database
) -> Response[Any]:
    """Read the receipt of a consent, to keep (ISO/IEC TS 27560 in DPV).

    `application/ld+json` is what was signed, byte for byte; `application/jose` is the signature with it inside, which
    `companion verify` checks offline; `application/pdf` is a paper for people.
    """
    async with transaction(database) as connection:
        found = await receipts.find(connection, account.id, receipt)
    kind = wanted(request.headers.get("accept"), FORMS)
    body = await formed(found, kind)
    return conditional_bytes(request, body, kind, KEPT, {"Vary": "Accept, Authorization"})


async def formed(receipt: Receipt, kind: str) -> bytes:
    """Give a receipt in one of its forms; all of them are made of the bytes that were signed."""
    signed = urlsafe_b64decode(receipt.jws.split(".")[1] + "==")
    if kind == JOSE:
        return receipt.jws.encode()
    if kind == PDF:
        facts = paper(msgspec.json.decode(signed), receipt.sha256.hex())
        return await typesetting.set_paper("receipt", facts, receipt.issued_at)
    return signed


def paper(receipt: Mapping[str, Any], sha256: str) -> dict[str, Any]:
    """Put the facts of a receipt into words that a person reads, in the language of the consent."""
    record = receipt["dpv:hasRecordOfActivity"]
    shown = record["dpv:hasNotice"]
    locale = negotiate(receipt["dct:language"], LOCALES)
    spoken = words(locale)
    agreed = {"time": minute(record["dpv:isIndicatedAtTime"])}
    sheet = {"name": shown["terms:termSheet"], "count": str(shown["terms:version"])}
    return {
        "locale": locale,
        "title": spoken.receipt["title"],
        "words": spoken.receipt,
        "reviewed": spoken.reviewed,
        "id": receipt["dct:identifier"],
        "issued": minute(receipt["dct:created"]),
        "agreed": filled(spoken.receipt["agreed"], agreed),
        "withdraw": filled(spoken.receipt["withdraw"], {"address": record["dpv:hasConsentControl"]["@id"]}),
        "author": record["dpv:hasDataController"]["dpv:hasName"],
        "contact": record["dpv:hasDataController"]["dpv:hasContact"].removeprefix("mailto:"),
        "contributor": record["dpv:hasDataSubject"]["@id"],
        "recording": record["terms:recording"]["@id"],
        "recording_sha256": record["terms:recordingSha256"],
        "sheet": filled(spoken.receipt["terms_version"], sheet),
        "sheet_sha256": shown["terms:termSheetSha256"],
        "card_sha256": shown.get("terms:cardSha256", ""),
        "language": language(receipt["dct:language"], locale),
        "term": time(record["dpv:hasDuration"], locale),
        "retention": time(record["dpv:hasStorageCondition"]["dpv:hasDuration"], locale),
        "uses": [decision(process, spoken.names["uses"]) for process in record["dpv:hasProcess"]],
        "recipients": record["dpv:hasRecipient"]["@id"],
        "sha256": sha256,
    }


def minute(moment: Mapping[str, str]) -> str:
    """Write a time as people do; the exact one is in the data."""
    return f"{datetime.fromisoformat(moment['@value']):%Y-%m-%d %H:%M} UTC"


def decision(process: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Name a use, and say whether it was given."""
    code = process["dpv:hasPurpose"]["@id"].partition(":")[2]
    given = process["dpv:hasConsentStatus"]["@id"] == STATUS["given"]
    return {"code": code, "name": names.get(code, code.replace("_", " ")), "given": given}


handlers = [read_receipt]
