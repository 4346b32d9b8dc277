"""Checks: the catalogue of everything a recording is looked at for. Readable by anybody."""

from functools import cache
from typing import Any

from litestar import Request, Response, get

from api.conditional import PUBLIC, conditional
from api.pages import Page
from api.problems import problems
from capture_validation.catalogue import Entry, catalogue
from capture_validation.texts import negotiate


@cache
def _catalogue(locale: str) -> Page[Entry]:
    return Page(list(catalogue(locale)))


@get("/v1/checks", opt={"public": True}, responses=problems(public=True), tags=["Checks"])
async def list_checks(request: Request[Any, Any, Any]) -> Response[Page[Entry]]:
    """List every check: what it measures, by which limits it judges, what helps, and where it can be wrong."""
    locale = negotiate(request.headers.get("accept-language", ""))
    headers = {"Content-Language": locale, "Vary": "Accept-Language"}
    return conditional(request, _catalogue(locale), PUBLIC, headers)


handlers = [list_checks]
