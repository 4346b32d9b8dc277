"""Operators' actions: whoever decides leaves a line that says who, when, what and about what, for good."""

import inspect
from typing import Any, LiteralString
from uuid import UUID

import httpx
import psycopg
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from storage.database import Pool, run, transaction
from storage.recordings import move
from tests.api import trading
from tests.api.commands.conftest import Say, say  # noqa: F401 – a fixture.
from tests.api.commands.test_operators import waiting  # noqa: F401 – a fixture.
from tests.api.owning import Sold

Client = httpx.AsyncClient
CHANGES: tuple[LiteralString, ...] = (
    "UPDATE operator_actions SET operator = 'x'",
    "DELETE FROM operator_actions",
    "TRUNCATE operator_actions",
    "INSERT INTO operator_actions (operator, action, subject, facts) VALUES ('x', 'x', 'x', '{}')",
)


async def lines(operator: Client, **asked: str) -> list[tuple[str, str]]:
    """Who did what, newest first."""
    answer = await operator.get("/v1/operator/actions", params={"limit": 200, **asked})
    assert 200 == answer.status_code, answer.text
    return [(line["operator"], line["action"]) for line in answer.json()["data"]]


async def me(client: Client) -> str:
    return str((await client.get("/v1/me")).json()["id"])


async def test_what_is_decided_over_http_names_the_operator(sold: Sold, operator: Client):
    """A buyer, its key, a dataset and its sale; and what is taken back."""
    who, keys = await me(operator), f"/v1/operator/buyers/{sold.buyer_id}/keys"
    key = (await operator.get(keys)).json()["data"][0]["id"]
    sale = (await operator.get("/v1/operator/sales")).json()["data"][0]["id"]
    assert 204 == (await operator.delete(f"{keys}/{key}")).status_code

    assert [(who, "buyer.registered")] == await lines(operator, subject=sold.buyer_id)
    assert [(who, "buyer_key.revoked"), (who, "buyer_key.made")] == await lines(operator, subject=key)
    assert [(who, "dataset.published"), (who, "dataset.created")] == await lines(operator, subject=sold.dataset)
    assert [(who, "sale.made")] == await lines(operator, subject=sale)


async def test_what_is_typed_names_who_typed_it(
    say: Say,  # noqa: F811
    operator: Client,
    campaign: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
):
    """Also a name that a connection's options would take apart."""
    name = r"Ada O\Neill"
    monkeypatch.setenv("COMPANION_OPERATOR", name)
    for word in ("pause", "resume"):
        assert 0 == (await say("campaigns", word, campaign["id"], "--because", "We listen to what is here."))[0]

    written = (await operator.get("/v1/operator/actions", params={"operator": name, "limit": 1})).json()

    assert [(name, "campaign.changed")] * 2 == (await lines(operator, subject=campaign["id"]))[:2]
    assert "open" == written["data"][0]["facts"]["standing"]
    assert "listen" not in str(written), "what contributors read stays where it is"
    assert written["next_cursor"]
    told = await say("actions", "--about", campaign["id"], "--newest", "1")
    assert (0, 1) == (told[0], told[1].count("campaign.changed"))
    assert name in told[1]


async def test_a_review_names_its_reviewer(say: Say, operator: Client, waiting: str):  # noqa: F811
    """Not whose computer it was."""
    assert 0 == (await say("review", "accept", waiting, "--because", "It is part of the scene.", "--as", "Grace"))[0]

    assert [("Grace", "recording.accepted")] == await lines(operator, subject=waiting)


async def test_what_no_operator_did_leaves_no_line(sold: Sold, operator: Client, contributor: Client, database: Pool):
    """A withdrawal is its contributor's, and what is moved by the clock is nobody's."""
    async with transaction(database) as connection:
        await move(connection, UUID(sold.recording), "held", by="clock", because=None)
    assert (await trading.withdraw(contributor, sold.recording)).is_success

    assert [] == await lines(operator, subject=sold.recording)


async def test_a_password_that_is_set_for_somebody_is_noted_and_one_s_own_is_not(
    say: Say,  # noqa: F811
    operator: Client,
    contributor: Client,
):
    """Nor is the password, nor the address that was typed."""
    account, email = await me(contributor), (await contributor.get("/v1/me")).json()["email"]

    assert 0 == (await say("accounts", "password", email))[0]

    noted = (await operator.get("/v1/operator/actions", params={"subject": account})).json()["data"]
    assert ["account.password_set"] == [line["action"] for line in noted]
    assert email not in str(noted)


async def test_a_line_stays_as_it_is(database: Pool):
    """Also where somebody has the service's own password to the database: it may read, and nothing else."""
    for words in CHANGES:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with transaction(database) as connection:
                await run(connection, words)


def test_even_the_owner_of_the_tables_changes_no_line(owner_url: str):
    with psycopg.connect(owner_url) as connection, pytest.raises(psycopg.errors.RestrictViolation):
        connection.execute("DELETE FROM operator_actions")


async def test_only_operators_read_it(contributor: Client):
    assert 403 == (await contributor.get("/v1/operator/actions")).status_code


async def test_pages_follow_each_other(sold: Sold, operator: Client):
    first = (await operator.get("/v1/operator/actions", params={"limit": 2})).json()
    rest = (await operator.get("/v1/operator/actions", params={"limit": 2, "cursor": first["next_cursor"]})).json()

    ids = [line["id"] for line in first["data"] + rest["data"]]
    assert sorted(set(ids), reverse=True) == ids
    assert 4 == len(ids)


def test_every_operator_s_change_says_who_makes_it(app: Litestar):
    """A route that forgot it would be noted as the database's user's."""
    handlers = {handler for route in app.routes for handler in getattr(route, "route_handlers", ())}
    changing = [
        handler
        for handler in handlers
        if isinstance(handler, HTTPRouteHandler) and handler.opt.get("operator") and handler.http_methods != {"GET"}
    ]

    silent = [
        str(handler) for handler in changing if "acting(database, account.id)" not in inspect.getsource(handler.fn)
    ]

    assert changing
    assert [] == silent
