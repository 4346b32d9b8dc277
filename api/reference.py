"""The contract as a document for machines and as a page for people, both without an outside address."""

from pathlib import Path
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.connection import ASGIConnection
from litestar.exceptions import NotFoundException
from litestar.handlers import BaseRouteHandler
from litestar.static_files import create_static_files_router

from api.conditional import PUBLIC, conditional_bytes
from api.contract import contract
from api.settings import Settings

FOLDER = Path(__file__).parent / "static" / "reference"


@get("/openapi.json", opt={"public": True}, include_in_schema=False)
async def openapi(request: Request[Any, Any, Any]) -> Response[bytes]:
    """Describe every route as OpenAPI 3.1."""
    state = request.app.state
    if "contract" not in state:
        state["contract"] = msgspec.json.encode(contract(request.app))
    return conditional_bytes(request, state["contract"], "application/json", PUBLIC)


def document() -> bytes:
    """Describe every route without connecting to anything; the settings are placeholders that nothing reads."""
    from api.app import create_app

    nowhere = Settings(
        database_url="postgresql:///",
        s3_endpoint="http://localhost",
        s3_access_key="-",
        s3_secret_key="-",  # noqa: S106
        master_key=bytes(32),
    )
    return msgspec.json.format(msgspec.json.encode(contract(create_app(nowhere))), indent=1) + b"\n"


def named(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Refuse a name that no file can have, and of which the operating system only says ValueError."""
    if "\0" in connection.scope["path"]:
        raise NotFoundException


async def unframed(response: Response[Any]) -> Response[Any]:
    """Let nobody show the page inside of theirs; a policy in the page itself cannot say so (CSP3, section 6.4.2)."""
    response.headers.update({"Content-Security-Policy": "frame-ancestors 'none'", "X-Frame-Options": "DENY"})
    return response


page = create_static_files_router(
    path="/reference",
    directories=[FOLDER],
    html_mode=True,
    after_request=unframed,
    guards=[named],
    opt={"public": True},
    include_in_schema=False,
)
handlers = [openapi, page]
