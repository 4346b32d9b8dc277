"""Term sheets: the exact words that a contributor would agree to, readable without an account."""

from typing import Annotated, Any

from litestar import Request, Response, get
from litestar.params import FromPath, PathParameter
from litestar.response import Redirect
from litestar.status_codes import HTTP_307_TEMPORARY_REDIRECT
from msgspec import Meta, Struct

from api.conditional import IMMUTABLE, PUBLIC, conditional, conditional_bytes
from api.dependencies import Database
from api.pages import Page
from api.problems import problems
from storage import term_sheets
from storage.database import reading
from storage.errors import TermSheetMissing
from storage.term_sheets import Published, TermSheet

EXAMPLE_SHA256 = "3f1b8c0de2a94e57b6a1c9d40f7e62835a0d4b1c9e8f7263544d3c2b1a09f8e7"
Sha256 = Annotated[str, Meta(pattern="^[0-9a-f]{64}$", examples=[EXAMPLE_SHA256])]


class TermSheetReference(Struct, frozen=True):
    """One version of a sheet; `sha256` is over its canonical form (RFC 8785), which is what `url` answers with."""

    id: Annotated[str, Meta(examples=["voice-standard"])]
    version: Annotated[int, Meta(ge=1, examples=[1])]
    sha256: Sha256
    url: Annotated[str, Meta(examples=["/v1/term-sheets/voice-standard/versions/1"])]


class TermSheetEntry(TermSheetReference, frozen=True):
    """The newest version of a sheet, with its title."""

    title: Annotated[str, Meta(examples=["Read speech for speech recognition"])]


def reference_to(sheet: str, version: int, sha256: bytes) -> TermSheetReference:
    """Point to one version of a sheet."""
    return TermSheetReference(sheet, version, sha256.hex(), f"/v1/term-sheets/{sheet}/versions/{version}")


def _entry(sheet: Published) -> TermSheetEntry:
    pointer = reference_to(sheet.id, sheet.version, sheet.sha256)
    return TermSheetEntry(pointer.id, pointer.version, pointer.sha256, pointer.url, sheet.title)


@get("/v1/term-sheets", opt={"public": True}, responses=problems(public=True), tags=["Term sheets"])
async def list_term_sheets(request: Request[Any, Any, Any], database: Database) -> Response[Page[TermSheetEntry]]:
    """List the newest version of every term sheet."""
    async with reading(database) as connection:
        sheets = await term_sheets.current(connection)
    return conditional(request, Page([_entry(sheet) for sheet in sheets]), PUBLIC)


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
    opt={"public": True},
    responses=problems(TermSheetMissing, public=True),
    tags=["Term sheets"],
)
async def term_sheet(
    request: Request[Any, Any, Any],
    sheet: FromPath[str],
    version: Annotated[int, PathParameter(ge=1)],
    database: Database,
) -> Response[TermSheet]:
    """Read one version of a term sheet.

    The body is the sheet's canonical form (RFC 8785), so SHA-256 over the bytes that arrive is the hash that a consent
    names. It never changes and may be kept forever.
    """
    async with reading(database) as connection:
        words, _ = await term_sheets.find(connection, sheet, version)
    return conditional_bytes(request, words, "application/json", IMMUTABLE)


handlers = [list_term_sheets, current_term_sheet, term_sheet]
