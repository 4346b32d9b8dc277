"""The application: which resources there are, what they may ask for, and what happens when they raise.

A resource is one module, and offers its routes as `handlers`.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from importlib.resources import files
from typing import Any

from litestar import Litestar, Request, Router
from litestar.connection import ASGIConnection
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import NotFoundException, SerializationException
from litestar.handlers import BaseRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import License

from api import (
    accounts,
    balances,
    buyers,
    campaign_changes,
    campaigns,
    checkpoints,
    checks,
    confirmations,
    consents,
    custody,
    data_budgets,
    datasets,
    disputes,
    earnings,
    erasure,
    events,
    explanations,
    export,
    frames,
    health,
    keys,
    lookups,
    matches,
    media,
    metrics,
    notification_settings,
    operator_actions,
    parts,
    passports,
    pauses,
    payout_destinations,
    payouts,
    policies,
    prechecks,
    privacy,
    problems,
    provider_events,
    push_subscriptions,
    quotes,
    rates,
    receipts,
    recordings,
    reference,
    refused_companies,
    releases,
    renditions,
    reports,
    sales,
    sessions,
    statements,
    tax_profile,
    term_sheets,
    third_party_claims,
    transparency,
    upload_plans,
    uploads,
    withdrawal_notices,
    withdrawals,
    xrays,
)
from api.authentication import authenticated, current_account, current_buyer
from api.bell import ringing
from api.contract import operation_id
from api.errors import MalformedJson, UnsupportedMediaType
from api.examinations import Examinations
from api.figures import Figures
from api.gate import Gate
from api.heads import headed
from api.idempotency import idempotent
from api.logs import observed
from api.origins import cors, discoverable, noted, varied
from api.passwords import Passwords
from api.problems import problem_response
from api.settings import Settings
from api.shares import Shares
from api.signing import Signatures
from capture_validation.checks import published
from storage.database import pool
from storage.objects import open_store
from storage.room import Room

RESOURCES: list[Any] = [
    accounts,
    sessions,
    confirmations,
    pauses,
    refused_companies,
    campaigns,
    term_sheets,
    policies,
    recordings,
    matches,
    disputes,
    uploads,
    parts,
    lookups,
    custody,
    upload_plans,
    data_budgets,
    push_subscriptions,
    notification_settings,
    quotes,
    consents,
    receipts,
    withdrawals,
    withdrawal_notices,
    passports,
    checkpoints,
    transparency,
    reports,
    frames,
    xrays,
    privacy,
    prechecks,
    media,
    renditions,
    campaign_changes,
    operator_actions,
    buyers,
    datasets,
    sales,
    releases,
    payout_destinations,
    payouts,
    provider_events,
    statements,
    tax_profile,
    third_party_claims,
    balances,
    earnings,
    explanations,
    rates,
    erasure,
    export,
    events,
    checks,
    health,
    keys,
    metrics,
    problems,
    reference,
]
#: What the application opens at its start and hands to handlers by these names.
ENGINES = ("database", "store", "bell", "passwords", "signing", "examining")
#: No JSON request needs more; uploads are streams and set their own limit.
JSON_BYTES = 1_000_000
#: Requests that one account, buyer or link may have under way: an app listens, plays and sends, and needs a dozen.
AT_ONCE = 24


class JsonRequest(Request[Any, Any, Any]):
    """A request whose JSON may come from anybody."""

    async def json(self) -> Any:
        """Decode the body. Raises MalformedJson, also for bytes that are no text and for bottomless nesting."""
        try:
            return await super().json()
        except (SerializationException, UnicodeDecodeError, RecursionError) as error:
            raise MalformedJson from error


def create_app(settings: Settings) -> Litestar:
    """Build the service; its engines are connected when the server starts it."""
    app = Litestar(
        route_handlers=[handler for resource in RESOURCES for handler in resource.handlers],
        lifespan=[engines_of(settings)],
        dependencies=handed_out(settings),
        guards=[json_only],
        middleware=[noted, authenticated, idempotent],
        exception_handlers={Exception: problem_response},
        cors_config=cors(settings),
        openapi_config=document(),
        request_class=JsonRequest,
        request_max_body_size=JSON_BYTES,
        logging_config=None,
    )
    gate = Gate(settings.requests_at_once, settings.requests_waiting, settings.transfers_at_once)
    figures = Figures()
    shares = Shares(max(AT_ONCE, settings.uploads_at_once + AT_ONCE // 2))
    app.state.update({"gate": gate, "figures": figures, "shares": shares})
    # Outside the router, so that unknown addresses and whoever is turned away are logged, counted and numbered too.
    inner = varied(discoverable(app.asgi_handler), settings)
    app.asgi_handler = observed(gate.around(headed(app, inner)), figures)
    return app


def engines_of(settings: Settings) -> Callable[[Litestar], AbstractAsyncContextManager[None]]:
    """Say how the engines are connected and let go, around the life of the application."""

    @asynccontextmanager
    async def engines(app: Litestar) -> AsyncIterator[None]:
        async with (
            pool(settings.database_url) as database,
            open_store(*bucket_of(settings), room=Room(settings.store_folder, settings.keep_free)) as store,
            ringing(settings.database_url) as bell,
        ):
            app.state.update({"database": database, "store": store, "bell": bell, "passwords": Passwords()})
            app.state.examining = Examinations()
            app.state.signing = Signatures(database, settings.master_key)
            # The catalogue's files take a second to load: done aside, so that the first reader stops nobody else.
            loading = asyncio.create_task(asyncio.to_thread(published))
            warming = asyncio.create_task(app.state.examining.warm(database))
            yield
            warming.cancel()
            await asyncio.gather(warming, return_exceptions=True)
            await loading

    return engines


def handed_out(settings: Settings) -> dict[str, Provide]:
    """Name what handlers may ask for."""
    return {
        **{name: Provide(_from_state(name), sync_to_thread=False) for name in ENGINES},
        "settings": Provide(lambda: settings, sync_to_thread=False),
        "account": Provide(current_account, sync_to_thread=False),
        "keyholder": Provide(current_buyer, sync_to_thread=False),
    }


def document() -> OpenAPIConfig:
    """Say what the API document begins with, and that its pages are not Litestar's own."""
    return OpenAPIConfig(
        title="Contributor companion",
        version="1",
        description=(files("api") / "contract_overview.md").read_text(),
        license=License(name="Apache-2.0", identifier="Apache-2.0"),
        use_handler_docstrings=True,
        openapi_router=Router(
            "/schema", route_handlers=[], opt={"public": True}, guards=[absent], include_in_schema=False
        ),
        render_plugins=[JsonRenderPlugin()],
        operation_id_creator=operation_id,
    )


def _from_state(name: str) -> Callable[[State], Any]:
    def provide(state: State) -> Any:
        return getattr(state, name)

    return provide


def bucket_of(settings: Settings) -> tuple[str, str, str, str, str]:
    """Give what `open_store` needs, in its order."""
    return (
        settings.s3_endpoint,
        settings.s3_access_key,
        settings.s3_secret_key,
        settings.s3_bucket,
        settings.s3_region,
    )


def absent(_: ASGIConnection[Any, Any, Any, Any], __: BaseRouteHandler) -> None:
    """Close the pages that Litestar adds by itself: they load scripts from other addresses. `reference` has ours."""
    raise NotFoundException


def json_only(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
    """Refuse a body that is declared as anything but JSON, on routes that read JSON. Raises UnsupportedMediaType."""
    declared = connection.headers.get("content-type", "").partition(";")[0].strip().lower()
    if declared and "data" in handler.parsed_fn_signature.parameters:
        subtype = declared.partition("/")[2]
        if not (declared == "application/json" or subtype.endswith("+json")):
            raise UnsupportedMediaType
