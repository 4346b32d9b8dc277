"""Accounts: sign up once, seen by nobody else."""

import asyncio
import os

import httpx
import pytest

from api.addresses import SITE, hashed, network
from api.settings import Settings
from storage.database import Pool, transaction

PASSWORD = "a sentence nobody else says"


def fresh_email() -> str:
    return f"{os.urandom(8).hex()}@example.org"


async def test_a_new_account_is_signed_in_at_once(client: httpx.AsyncClient):
    """The answer carries tokens that work, and a pseudonym that is not derived from the address."""
    email = fresh_email()

    answer = await client.post("/v1/accounts", json={"email": email, "password": PASSWORD, "device": "phone"})

    assert 201 == answer.status_code, answer.text
    token = answer.json()["tokens"]["access_token"]
    mine = (await client.get("/v1/me", headers={"Authorization": f"Bearer {token}"})).json()
    assert answer.json()["account"] == mine
    assert email == mine["email"]
    assert email.split("@")[0] not in mine["pseudonym"]
    assert "contributor" == mine["role"]


async def test_an_address_has_one_account_whatever_its_capitals(client: httpx.AsyncClient):
    """A phone's keyboard capitalises the first letter; that is still the same person."""
    email = fresh_email()
    await client.post("/v1/accounts", json={"email": email, "password": PASSWORD})

    answer = await client.post("/v1/accounts", json={"email": email.upper(), "password": PASSWORD})

    assert (409, "/problems/email-taken") == (answer.status_code, answer.json()["type"])


async def signed_in(client: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await client.post("/v1/sessions", json={"email": email, "password": password})


async def test_a_changed_password_signs_every_other_device_out(client: httpx.AsyncClient):
    """Whoever learned the old one is out; the phone that changed it, with the old one given again, stays in."""
    email, new = fresh_email(), "another sentence nobody says"
    made = await client.post("/v1/accounts", json={"email": email, "password": PASSWORD})
    here = {"Authorization": f"Bearer {made.json()['tokens']['access_token']}"}
    there = {"Authorization": f"Bearer {(await signed_in(client, email, PASSWORD)).json()['access_token']}"}

    early = await client.put("/v1/me/password", json={"password": new}, headers=here)
    await client.post("/v1/sessions/current/confirmations", json={"password": PASSWORD}, headers=here)
    changed = await client.put("/v1/me/password", json={"password": new}, headers=here)
    repeated = await client.put("/v1/me/password", json={"password": new}, headers=here)

    assert (403, "/problems/step-up-required") == (early.status_code, early.json()["type"])
    assert [204, 204] == [changed.status_code, repeated.status_code]
    assert [200, 401] == [(await client.get("/v1/me", headers=who)).status_code for who in (here, there)]
    assert [401, 201] == [(await signed_in(client, email, word)).status_code for word in (PASSWORD, new)]
    told = [event["kind"] for event in (await client.get("/v1/events", headers=here)).json()["data"]]
    assert ["password.changed"] * 2 == told


async def test_nobody_can_try_out_who_has_an_account(client: httpx.AsyncClient):
    """Sign-ups that hit an existing account count like failed sign-ins."""
    email = fresh_email()
    await client.post("/v1/accounts", json={"email": email, "password": PASSWORD})

    statuses = [
        (await client.post("/v1/accounts", json={"email": email, "password": PASSWORD})).status_code for _ in range(6)
    ]

    assert [409] * 5 + [429] == statuses


async def test_a_network_opens_so_many_accounts_a_day(client: httpx.AsyncClient, database: Pool, settings: Settings):
    """Also when it asks for many at once; a household with addresses without number is one network, too."""
    address = client._transport.client[0]  # type: ignore[attr-defined]
    async with transaction(database) as connection:
        many = "INSERT INTO sign_ups (network_hash) SELECT %s FROM generate_series(3, %s)"
        await connection.execute(many, [hashed(settings, address), settings.sign_ups])

    answers = await asyncio.gather(
        *(client.post("/v1/accounts", json={"email": fresh_email(), "password": PASSWORD}) for _ in range(6))
    )

    assert [201, 201, 429, 429, 429, 429] == sorted(answer.status_code for answer in answers)
    assert (
        86_000 < int(next(answer for answer in answers if answer.status_code == 429).headers["retry-after"]) <= 86_400
    )


def test_networks_are_told_apart_as_people_have_them():
    """IPv4 looks the same however it comes; of IPv6 a household is one, and for accounts a whole site."""

    def seen(host: str, **how: int) -> str:
        return network({"client": (host, 1)}, **how)  # type: ignore[typeddict-item]

    assert "192.0.2.7" == seen("192.0.2.7") == seen("::ffff:192.0.2.7") == seen("::ffff:192.0.2.7", prefix=SITE)
    assert "2001:db8:1:2::/64" == seen("2001:db8:1:2:3:4:5:6")
    assert "2001:db8:1::/48" == seen("2001:db8:1:2:3:4:5:6", prefix=SITE) == seen("2001:db8:1:9::1", prefix=SITE)
    assert "unknown" == seen("a-socket")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("password", "ninechars"),
        ("password", "x" * 257),
        ("email", "nobody"),
        ("email", "a@" + "b" * 300),
        ("email", "a\u0000@example.org"),
        # Python's `$` is also before a last newline: a second account, by an address that looks the same.
        ("email", "a@example.org\n"),
        ("device", "x" * 101),
    ],
)
async def test_a_value_that_cannot_be_used_is_pointed_at(client: httpx.AsyncClient, field: str, value: str):
    """The pointer names the field, and the answer never repeats a password."""
    body = {"email": fresh_email(), "password": PASSWORD, field: value}

    answer = await client.post("/v1/accounts", json=body)

    assert 400 == answer.status_code
    assert [f"/{field}"] == [error["pointer"] for error in answer.json()["errors"]]
    assert value not in answer.text


async def test_a_password_is_kept_as_argon2id_with_the_measured_parameters(client: httpx.AsyncClient, database: Pool):
    """19 MiB, two passes, one lane: what OWASP asks for and what was measured."""
    email = fresh_email()
    await client.post("/v1/accounts", json={"email": email, "password": PASSWORD})

    async with transaction(database) as connection:
        cursor = await connection.execute("SELECT password_hash FROM accounts WHERE email = %s", (email,))
        row = await cursor.fetchone()

    assert row is not None
    assert row[0].startswith("$argon2id$v=19$m=19456,t=2,p=1$")
