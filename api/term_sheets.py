"""Term sheets: the exact words that a contributor would agree to, in every form, readable without an account."""

from __future__ import annotations

from base64 import b64encode
from typing import Annotated, Any

import msgspec
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, PathParameter, QueryParameter
from litestar.response import Redirect
from litestar.status_codes import HTTP_307_TEMPORARY_REDIRECT
from msgspec import Meta, Struct

from api import money, renderings
from api.conditional import IMMUTABLE, PUBLIC, conditional, conditional_bytes
from api.contract_nodes import end_patterns, nodes
from api.dependencies import Database, Signing
from api.media_types import wanted
from api.pages import Page
from api.problems import problems
from api.signing import sign_detached
from api.terms import check, diff, flags
from api.terms.card import Card
from api.terms.flags import Flag
from api.terms.sheet import TermSheet
from api.terms.vocabulary import MediaKind
from api.terms.words import LOCALES
from capture_validation.texts import negotiate
from storage import renderings as kept
from storage import term_sheets
from storage.database import reading, transaction
from storage.errors import RenderingMissing, TermSheetMissing
from storage.renderings import Kind, Rendering
from storage.term_sheets import Published

EXAMPLE_SHA256 = "3f1b8c0de2a94e57b6a1c9d40f7e62835a0d4b1c9e8f7263544d3c2b1a09f8e7"
EXAMPLE_JWS = "eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoiM0NLIiwidHlwIjoidGVybXMrandzIn0..cXVhcnRlcg"
Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z", examples=[EXAMPLE_SHA256])]
Version = Annotated[int, PathParameter(ge=1)]
JSON, LD_JSON, RSL_XML = "application/json", "application/ld+json", "application/rsl+xml"
MARKDOWN, PDF = "text/markdown", "application/pdf"
#: The media type of each form, and the path it is read at.
FORMS: dict[Kind, tuple[str, str]] = {
    "card": (JSON, "/card"),
    "legal-text": (MARKDOWN, "/legal-text"),
    "legal-pdf": (PDF, "/legal-text"),
    "odrl": (LD_JSON, ""),
    "rsl": (RSL_XML, ""),
}
#: What a signature is over; a card cannot be shown as a receipt.
TYP = "terms+jws"


class TermSheetReference(Struct, frozen=True):
    """One version of a sheet; `sha256` is over its canonical form (RFC 8785), which is what `url` answers with."""

    id: Annotated[str, Meta(examples=["voice-standard"])]
    version: Annotated[int, Meta(ge=1, examples=[1])]
    sha256: Sha256
    url: Annotated[str, Meta(examples=["/v1/term-sheets/voice-standard/versions/1"])]


class HeadlineRate(Struct, frozen=True):
    """What one hour earns, and whether pauses count (`accepted_duration`) or not (`accepted_speech`)."""

    hourly: money.Money
    basis: Annotated[str, Meta(examples=["accepted_speech"])]


class TermSheetEntry(TermSheetReference, frozen=True):
    """The newest version of a sheet: its title, kinds of media, what an hour earns, and how many flags it has.

    `rate` and `flags` are null for a sheet that is older than the schema.
    """

    title: Annotated[str, Meta(examples=["Read speech for speech recognition"])]
    media: list[MediaKind]
    rate: HeadlineRate | None
    flags: Annotated[int, Meta(ge=0, description="How many practice flags it has.")] | None


class RenderingEntry(Struct, frozen=True):
    """One form of a version in one language.

    `jws` is a detached signature (RFC 7515, appendix F) over the bytes that `url` answers with for this media type and
    language; `/.well-known/jwks.json` has the keys. What is not `reviewed` does not bind.
    """

    kind: Kind
    media_type: Annotated[str, Meta(examples=["application/json"])]
    locale: Annotated[str, Meta(examples=["en"])]
    reviewed: bool
    sha256: Sha256
    url: Annotated[str, Meta(examples=["/v1/term-sheets/voice-standard/versions/1/card"])]
    jws: Annotated[str, Meta(examples=[EXAMPLE_JWS])]


class Difference(Struct, frozen=True, rename={"older": "from", "newer": "to"}):
    """What changes between two versions, the worse first.

    A change for the worse needs a new consent for new recordings; recordings that were given keep their version.
    """

    term_sheet: Annotated[str, Meta(examples=["voice-standard"])]
    older: int
    newer: int
    better: int
    worse: int
    neutral: int
    needs_new_consent: bool
    changes: list[diff.Change]


class PracticeFlags(Struct, frozen=True, omit_defaults=True):
    """What of a version is against the contributor; `compared` holds the flags of a composed worst case beside it."""

    term_sheet: Annotated[str, Meta(examples=["voice-standard"])]
    version: int
    flags: list[Flag]
    compared: list[Flag] | None = None


def reference_to(sheet: str, version: int, sha256: bytes) -> TermSheetReference:
    """Point to one version of a sheet."""
    return TermSheetReference(sheet, version, sha256.hex(), f"/v1/term-sheets/{sheet}/versions/{version}")


def entry(row: Published, locale: str) -> TermSheetEntry:
    """Show a sheet in the list of offers."""
    pointer = msgspec.structs.asdict(reference_to(row.id, row.version, row.sha256))
    try:
        sheet = msgspec.convert(row.document, TermSheet)
    except msgspec.ValidationError:
        return TermSheetEntry(**pointer, title=row.title, media=[], rate=None, flags=None)
    rate = sheet.price.rates[0]
    hourly = money.money(rate.currency, rate.micros * (60 if rate.per == "PT1M" else 1), locale)
    found = len(flags.flags(row.document))
    return TermSheetEntry(
        **pointer,
        title=row.title,
        media=sheet.media.kinds,
        rate=HeadlineRate(hourly, rate.basis),
        flags=found,
    )


def counts_in(row: Published, territory: str) -> bool:
    """Whether a sheet's licence counts in a country."""
    where = row.document.get("territory", {})
    included, excluded = where.get("include", ["worldwide"]), where.get("exclude", [])
    return ("worldwide" in included or territory in included) and territory not in excluded


def spoken(request: Request[Any, Any, Any]) -> tuple[str, dict[str, str]]:
    """Choose the reader's language, and the headers that say so."""
    locale = negotiate(request.headers.get("accept-language"), LOCALES)
    return locale, {"Content-Language": locale, "Vary": "Accept-Language"}


@get("/v1/term-sheets", opt={"public": True}, responses=problems(public=True), tags=["Term sheets"])
async def list_term_sheets(
    request: Request[Any, Any, Any],
    database: Database,
    media: Annotated[str | None, QueryParameter(pattern=r"^(audio|video)\Z", description="Only for this.")] = None,
    territory: Annotated[
        str | None,
        QueryParameter(pattern=r"^[A-Z]{2}(-[A-Z0-9]{1,3})?\Z", description="Only where it counts (ISO 3166)."),
    ] = None,
) -> Response[Page[TermSheetEntry]]:
    """List the newest version of every term sheet, with what an hour earns and how many flags it has."""
    locale = money.chosen(request.headers.get("accept-language"))
    async with reading(database) as connection:
        rows = await term_sheets.current(connection)
    shown = [entry(row, locale) for row in rows if territory is None or counts_in(row, territory)]
    found = [one for one in shown if media is None or media in one.media]
    return conditional(request, Page(found), PUBLIC, {"Content-Language": locale, "Vary": "Accept-Language"})


@get(
    "/v1/term-sheets/{sheet:str}",
    opt={"public": True},
    status_code=HTTP_307_TEMPORARY_REDIRECT,
    responses=problems(TermSheetMissing, public=True),
    tags=["Term sheets"],
)
async def current_term_sheet(sheet: FromPath[str], database: Database) -> Redirect:
    """Go to the newest version of a term sheet."""
    async with reading(database) as connection:
        found = await term_sheets.newest(connection, sheet)
    path = f"/v1/term-sheets/{found.id}/versions/{found.version}"
    return Redirect(path, status_code=HTTP_307_TEMPORARY_REDIRECT, headers={"Cache-Control": PUBLIC})


@get(
    "/v1/term-sheets/{sheet:str}/versions/{version:int}",
    opt={"public": True, "forms": (LD_JSON, RSL_XML)},
    responses=problems(TermSheetMissing, RenderingMissing, public=True),
    tags=["Term sheets"],
)
async def term_sheet(
    request: Request[Any, Any, Any], sheet: FromPath[str], version: Version, database: Database, signing: Signing
) -> Response[TermSheet]:
    """Read one version of a term sheet.

    The body is the sheet's canonical form (RFC 8785), so SHA-256 over the bytes that arrive is the hash that a consent
    names. It never changes and may be kept forever. With `Accept: application/ld+json` it comes as an ODRL 2.2 policy,
    with `application/rsl+xml` as RSL 1.0.
    """
    kind = wanted(request.headers.get("accept"), (JSON, LD_JSON, RSL_XML))
    if kind != JSON:
        return await form(request, database, signing, (sheet, version), "odrl" if kind == LD_JSON else "rsl")
    async with reading(database) as connection:
        words, _ = await term_sheets.find(connection, sheet, version)
    return conditional_bytes(request, words, JSON, IMMUTABLE, {"Vary": "Accept"})


@get(
    "/v1/term-sheets/{sheet:str}/versions/{version:int}/card",
    opt={"public": True},
    responses=problems(TermSheetMissing, RenderingMissing, public=True),
    tags=["Term sheets"],
)
async def term_sheet_card(
    request: Request[Any, Any, Any], sheet: FromPath[str], version: Version, database: Database, signing: Signing
) -> Response[Card]:
    """Read the plain-language card of a version, in the language that Accept-Language prefers.

    Eight questions, always in the same order, each with an icon and with sentences that point to the member of the
    sheet they were made from. A consent can name the SHA-256 of these bytes.
    """
    return await form(request, database, signing, (sheet, version), "card")


@get(
    "/v1/term-sheets/{sheet:str}/versions/{version:int}/legal-text",
    opt={"public": True, "forms": (PDF,)},
    media_type=MARKDOWN,
    responses={
        200: ResponseSpec(str, generate_examples=False, media_type=MARKDOWN, description="The legal text."),
        **problems(TermSheetMissing, RenderingMissing, public=True),
    },
    tags=["Term sheets"],
)
async def term_sheet_legal_text(
    request: Request[Any, Any, Any], sheet: FromPath[str], version: Version, database: Database, signing: Signing
) -> Response[str]:
    """Read the legal text of a version, in its authoritative language.

    As Markdown, or with `Accept: application/pdf` as PDF/A to print and keep.
    """
    kind = wanted(request.headers.get("accept"), (MARKDOWN, PDF))
    return await form(request, database, signing, (sheet, version), "legal-pdf" if kind == PDF else "legal-text")


async def form(
    request: Request[Any, Any, Any], database: Database, signing: Signing, named: tuple[str, int], kind: Kind
) -> Response[Any]:
    """Answer with one form of a version, its digest (RFC 9530) and a detached signature."""
    locale = renderings.LOCALE_OF.get(kind) or negotiate(request.headers.get("accept-language"), LOCALES)
    async with transaction(database) as connection:
        found = await renderings.shown(connection, *named, kind, locale)
    headers = {
        "Vary": "Accept-Language" if kind == "card" else "Accept",
        "Repr-Digest": f"sha-256=:{b64encode(found.sha256).decode()}:",
        "X-JWS-Signature": await signature(signing, found),
        **({} if locale == kept.NO_LANGUAGE else {"Content-Language": locale}),
    }
    return conditional_bytes(request, found.body, FORMS[kind][0], IMMUTABLE, headers)


async def signature(signing: Signing, found: Rendering) -> str:
    """Sign the bytes of a form."""
    return sign_detached(await signing.signer(), found.body, typ=TYP)


@get(
    "/v1/term-sheets/{sheet:str}/versions/{version:int}/renderings",
    opt={"public": True},
    responses=problems(TermSheetMissing, RenderingMissing, public=True),
    tags=["Term sheets"],
)
async def list_term_sheet_renderings(
    request: Request[Any, Any, Any], sheet: FromPath[str], version: Version, database: Database, signing: Signing
) -> Response[Page[RenderingEntry]]:
    """List every form of a version with its hash and signature.

    A form that was not shown before is made now, and never changes from then on.
    """
    async with transaction(database) as connection:
        await renderings.pin_all(connection, sheet, version)
        rows = await kept.pinned(connection, sheet, version)
    signer = await signing.signer()
    entries = [described(row, sheet, version, sign_detached(signer, row.body, typ=TYP)) for row in rows]
    return conditional(request, Page(entries), PUBLIC)


def described(row: Rendering, sheet: str, version: int, jws: str) -> RenderingEntry:
    """Describe one form in the list."""
    media_type, path = FORMS[row.kind]
    url = f"/v1/term-sheets/{sheet}/versions/{version}{path}"
    return RenderingEntry(row.kind, media_type, row.locale, row.reviewed, row.sha256.hex(), url, jws)


@get(
    "/v1/term-sheets/{sheet:str}/diff",
    opt={"public": True},
    responses=problems(TermSheetMissing, RenderingMissing, public=True),
    tags=["Term sheets"],
)
async def compare_term_sheets(
    request: Request[Any, Any, Any],
    sheet: FromPath[str],
    database: Database,
    older: Annotated[int, QueryParameter(name="from", ge=1, description="The version to compare.")],
    newer: Annotated[int, QueryParameter(name="to", ge=1, description="The version to compare it with.")],
) -> Response[Difference]:
    """Compare two versions: what changes, and whether that is better or worse for you."""
    locale, headers = spoken(request)
    async with reading(database) as connection:
        bodies = [(await term_sheets.find(connection, sheet, version))[0] for version in (older, newer)]
    before, now = (renderings.read_published(body) for body in bodies)
    changes = diff.diff(before, now, locale)
    count = {
        verdict: sum(change.for_you == verdict for change in changes) for verdict in ("better", "worse", "neutral")
    }
    told = Difference(
        term_sheet=sheet, older=older, newer=newer, needs_new_consent=count["worse"] > 0, changes=changes, **count
    )
    return conditional(request, told, IMMUTABLE, headers)


@get(
    "/v1/term-sheets/{sheet:str}/versions/{version:int}/practice-flags",
    opt={"public": True},
    responses=problems(TermSheetMissing, public=True),
    tags=["Term sheets"],
)
async def term_sheet_flags(
    request: Request[Any, Any, Any],
    sheet: FromPath[str],
    version: Version,
    database: Database,
    compare: Annotated[
        str | None,
        QueryParameter(pattern=r"^market-worst\Z", description="`market-worst` holds a composed worst case beside it."),
    ] = None,
) -> Response[PracticeFlags]:
    """Read what of a version is against the contributor, computed from its JSON, the most serious first."""
    locale, headers = spoken(request)
    async with reading(database) as connection:
        body, _ = await term_sheets.find(connection, sheet, version)
    found = flags.flags(msgspec.json.decode(body), locale)
    beside = flags.flags(flags.market_worst(), locale) if compare else None
    return conditional(request, PracticeFlags(sheet, version, found, beside), IMMUTABLE, headers)


@get(
    "/v1/schemas/term-sheet/1",
    opt={"public": True},
    media_type="application/schema+json",
    responses=problems(public=True),
    tags=["Term sheets"],
)
async def term_sheet_schema(request: Request[Any, Any, Any]) -> Response[dict[str, Any]]:
    """Read the JSON Schema (2020-12) of a term sheet.

    What harms a contributor beyond repair has no spelling in it: a grant that cannot be withdrawn, never ends, renews
    itself, or covers what it does not name.
    """
    schema = check.schema()
    for node in nodes(schema):
        end_patterns(node)
    return conditional_bytes(request, msgspec.json.encode(schema), "application/schema+json", PUBLIC)


handlers = [
    list_term_sheets,
    current_term_sheet,
    term_sheet,
    term_sheet_card,
    term_sheet_legal_text,
    list_term_sheet_renderings,
    compare_term_sheets,
    term_sheet_flags,
    term_sheet_schema,
]
