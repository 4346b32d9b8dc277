"""Clients of the application in a test, without a network; every answer they get is held against openapi.json."""

import itertools

import httpx
from litestar import Litestar

from tests.api.described import as_described

COUNT = itertools.count()


def client_of(app: Litestar, token: str | None = None) -> httpx.AsyncClient:
    """A client of the application; an error that no problem covers is the answer 500, as on the wire."""
    # An address of its own for each: nobody waits for what another test guessed.
    high, low = divmod(next(COUNT), 256)
    address = f"10.{high}.{low}.1"
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False, client=(address, 40000))
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    hooks = {"response": [as_described]}
    return httpx.AsyncClient(transport=transport, base_url="http://companion.test", headers=headers, event_hooks=hooks)
