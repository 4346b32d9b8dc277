"""What the parts of the contract are called, and what they mean: the classes of a generated client and their comments.

Litestar calls a part after its class, which says enough inside of a module and too little in a client that has all of
them in one folder; and it leaves out what the class says of itself.
"""

import inspect
from collections.abc import Iterator

from msgspec import Struct, structs

from api.contract_nodes import Node, nodes

REFERENCE = "#/components/schemas/"
#: Ours, those that are shown first: of two classes alike, the one of the API is what is sent.
PACKAGES = ("api", "capture_validation", "storage")
#: Names that say nothing outside of their module, or that two modules have.
NAMES = {
    "api.buyers.Clearance": "BuyerClearance",
    "api.buyers.Keys": "BuyerKeys",
    "api.buyers.Registered": "RegisteredBuyer",
    "api.campaigns.Rate": "CampaignRate",
    "api.confirmations.Confirmation": "DeviceConfirmation",
    "api.disputes.Disputes": "RecordingDisputes",
    "api.disputes.Objection": "NewDispute",
    "api.earnings.Part": "EarningsPart",
    "api.earnings.Point": "EarningsMonth",
    "api.earnings.Projection": "EarningsProjection",
    "api.earnings.Projections": "EarningsProjections",
    "api.earnings.Summary": "EarningsSummary",
    "api.earnings.Total": "EarningsTotal",
    "api.frames.Frame": "ReportFrame",
    "api.lookups.Known": "KnownFile",
    "api.parts.Completion": "UploadCompletion",
    "api.payout_failures.Failure": "PayoutFailure",
    "api.payouts.Moment": "PayoutStep",
    "api.rates.Estimate": "EarningsEstimate",
    "api.reports.Finding": "ReportFinding",
    "api.reports.Refusal": "ReportRefusal",
    "api.statement_forms.Document": "StatementDocument",
    "api.statement_forms.Line": "StatementLine",
    "api.balances.Source": "BalanceSource",
    "api.term_sheets.Difference": "TermsDifference",
    "api.terms.card.Answer": "CardAnswer",
    "api.terms.card.Check": "CardQuestion",
    "api.terms.card.Sentence": "CardSentence",
    "api.terms.diff.Change": "TermsChange",
    "api.terms.flags.Flag": "TermsFlag",
    "api.terms.readability.Reading": "CardReadability",
    "api.terms.sheet.Buyers": "BuyerTerms",
    "api.terms.sheet.Changes": "ChangeTerms",
    "api.terms.sheet.Disputes": "DisputeTerms",
    "api.terms.sheet.Identity": "IdentityTerms",
    "api.terms.sheet.Law": "LawTerms",
    "api.terms.sheet.Media": "MediaTerms",
    "api.terms.sheet.Payout": "PayoutTerms",
    "api.terms.sheet.People": "PeopleTerms",
    "api.terms.sheet.Price": "PriceTerms",
    "api.terms.sheet.Rate": "RateTerms",
    "api.terms.sheet.Use": "UseTerms",
    "api.terms.sheet.Where": "TerritoryTerms",
    "api.terms.sheet.Withdrawal": "WithdrawalTerms",
    "api.third_party_claims.Case": "ThirdPartyCase",
    "api.third_party_claims.Found": "ClaimedRecording",
    "api.third_party_claims.NewClaim": "NewThirdPartyClaim",
    "api.third_party_claims.Resolution": "ClaimResolution",
    "api.transparency.Reports": "TransparencyReports",
    "api.upload_plans.Waiting": "WaitingUpload",
    "api.withdrawals.Consequences": "WithdrawalPreview",
    "capture_validation.catalogue.Entry": "CatalogueEntry",
    "capture_validation.clean.choices.Choices": "PrivacyChoices",
    "capture_validation.clean.edits.Edit": "RenditionEdit",
    "capture_validation.duplicates.evidence.Aligned": "MatchSpan",
    "capture_validation.duplicates.evidence.Transformation": "MatchTransformation",
    "capture_validation.xray.findings.Box": "XrayBox",
    "capture_validation.xray.findings.Sighting": "XraySighting",
    "capture_validation.xray.findings.Trace": "XrayTrace",
    "storage.accounts.Profile": "AccountProfile",
    "storage.consents.Standing": "ConsentStanding",
    "storage.deliveries.Licence": "ReleaseLicence",
    "storage.notices.Notice": "WithdrawalNotice",
    "storage.notices.Order": "BuyerNotice",
    "storage.progress.Progress": "CampaignPlaces",
    "storage.progress.Standing": "RecordingsInState",
    "storage.steps.Removed": "RemovedSpan",
    "storage.third_party_claims.Claim": "ThirdPartyClaim",
    "storage.track_records.Decisions": "DecisionFigures",
    "storage.transparency.Disputes": "DisputeFigures",
    "storage.transparency.Licensed": "LicenceFigures",
    "storage.transparency.Objections": "ThirdPartyClaimFigures",
    "storage.transparency.Paid": "MoneyFigures",
    "storage.transparency.Report": "TransparencyReport",
    "storage.transparency.Withdrawn": "WithdrawalFigures",
}


def describe_schemas(document: Node) -> None:
    """Let every part of a document say what its class says of itself, and call it by its name."""
    schemas = document.get("components", {}).get("schemas", {})
    classes = [*known()]
    names = {}
    for name, schema in schemas.items():
        if (described := class_of(schema, classes)) is not None:
            schema["description"] = first_paragraph(described)
            names[name] = NAMES.get(f"{described.__module__}.{described.__name__}", described.__name__)
    names |= {name: page_of(schema, names) for name, schema in schemas.items() if schema["title"].startswith("Page[")}
    rename(document, names)


def known() -> Iterator[type[Struct]]:
    """Every class of ours, in the order of PACKAGES."""
    waiting, found = [Struct], []
    while waiting:
        waiting += (subclasses := waiting.pop().__subclasses__())
        found += [one for one in subclasses if one.__module__.partition(".")[0] in PACKAGES]
    yield from sorted(found, key=lambda one: (PACKAGES.index(one.__module__.partition(".")[0]), one.__module__))


def class_of(schema: Node, classes: list[type[Struct]]) -> type[Struct] | None:
    """The class that a part describes: its name, and exactly its fields. None where it is none of ours."""
    name, _, _ = schema.get("title", "").partition("[")
    fields = set(schema.get("properties", {}))
    return next((one for one in classes if one.__name__ == name and fields_of(one) == fields), None)


def fields_of(one: type[Struct]) -> set[str]:
    """What the fields of a class are called when it is sent, its tag included."""
    tag = one.__struct_config__.tag_field
    return {field.encode_name for field in structs.fields(one)} | ({tag} if tag else set())


def first_paragraph(one: type[Struct]) -> str:
    """What a class says of itself before it goes into details."""
    said, _, _ = (inspect.getdoc(one) or "").partition("\n\n")
    return " ".join(said.split())


def page_of(schema: Node, names: dict[str, str]) -> str:
    """What a page is called: after its rows."""
    row = schema["properties"]["data"]["items"]["$ref"].removeprefix(REFERENCE)
    return f"{names[row]}Page"


def rename(document: Node, names: dict[str, str]) -> None:
    """Call parts by other names, wherever they are spoken of."""
    schemas = document["components"]["schemas"]
    document["components"]["schemas"] = {names.get(name, name): schema for name, schema in schemas.items()}
    for name, schema in document["components"]["schemas"].items():
        schema["title"] = name
    for node in nodes(document):
        if isinstance(reference := node.get("$ref"), str) and reference.startswith(REFERENCE):
            name = reference.removeprefix(REFERENCE)
            node["$ref"] = REFERENCE + names.get(name, name)
