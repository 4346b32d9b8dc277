"""Answers that are written for a reader: the same address gives another body in another language."""

from typing import Any

from litestar import Request, Response

from api.conditional import PRIVATE, conditional
from api.money import chosen


def locale_of(request: Request[Any, Any, Any]) -> str:
    """Choose how amounts and dates are written for whoever asks."""
    return chosen(request.headers.get("accept-language"))


def localised(request: Request[Any, Any, Any], value: Any, locale: str, cache_control: str = PRIVATE) -> Response[Any]:
    """Answer in a reader's locale, conditionally; caches hear what the answer depends on."""
    vary = "Accept-Language" if cache_control.startswith("public") else "Accept-Language, Authorization"
    return conditional(request, value, cache_control, {"Content-Language": locale, "Vary": vary})
