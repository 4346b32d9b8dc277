"""Sessions: sign in, stay signed in, and every way in which a token must stop to work."""

import asyncio
import os
import statistics
import time
import unicodedata
from collections.abc import Awaitable, Callable

import httpx
import pytest
from argon2 import PasswordHasher
from litestar import Litestar

from api.passwords import HASHER
from storage import accounts, attempts
from storage.database import Pool, transaction
from tests.api.clients import client_of

PASSWORD = "a sentence nobody else says"
SignIn = Callable[..., Awaitable[httpx.AsyncClient]]


async def account(database: Pool, password_hash: str | None = None) -> str:
    """Open an account under a fresh address and give the address."""
    email = f"{os.urandom(8).hex()}@example.org"
    async with transaction(database) as connection:
        await accounts.create(connection, email, password_hash or HASHER.hash(PASSWORD))
    return email


async def signed_in(client: httpx.AsyncClient, email: str, device: str | None = None) -> dict[str, str]:
    answer = await client.post("/v1/sessions", json={"email": email, "password": PASSWORD, "device": device})
    assert 201 == answer.status_code, answer.text
    return answer.json()


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


async def age(database: Pool, statement: str, *values: object) -> None:
    """Make something older than it is, which a test cannot wait for."""
    async with transaction(database) as connection:
        await connection.execute(statement, values)


async def test_signing_in_gives_a_token_that_works(client: httpx.AsyncClient, database: Pool):
    tokens = await signed_in(client, await account(database))

    assert 200 == (await client.get("/v1/me", headers=bearer(tokens))).status_code
    assert ("Bearer", 900) == (tokens["token_type"], tokens["expires_in"])


async def test_a_wrong_password_and_a_stranger_get_the_same_answer(client: httpx.AsyncClient, database: Pool):
    """Apart from the request's own number, not a byte differs."""
    known = await client.post("/v1/sessions", json={"email": await account(database), "password": "wrong"})
    stranger = await client.post("/v1/sessions", json={"email": "nobody@example.org", "password": "wrong"})

    assert 401 == known.status_code == stranger.status_code
    assert without_instance(known) == without_instance(stranger)


async def test_a_stranger_waits_as_long_as_a_wrong_password(app: Litestar, database: Pool):
    """The medians of 30 tries each lie less than 10 ms apart; without the dummy hash it is the 25 to 45 ms of one hash.

    Processor time is compared, because other tests take turns with this one on the same processors.
    """
    spent: dict[str, list[float]] = {"known": [], "stranger": []}
    another = HASHER.hash("another")
    for _ in range(30):
        emails = {"known": await account(database, another), "stranger": f"{os.urandom(8).hex()}@e.org"}
        # From a network of its own each time: fifty guesses an hour are all that one network has.
        async with client_of(app) as client:
            for who, email in emails.items():
                began = time.process_time()
                await client.post("/v1/sessions", json={"email": email, "password": PASSWORD})
                spent[who].append(time.process_time() - began)

    known, stranger = (statistics.median(times) for times in spent.values())
    assert abs(known - stranger) < 0.010, spent


async def test_the_sixth_guess_waits_and_hears_how_long(client: httpx.AsyncClient, database: Pool):
    """Even the right password waits then, and another network does not."""
    email = await account(database)
    for _ in range(5):
        assert 401 == (await client.post("/v1/sessions", json={"email": email, "password": "wrong"})).status_code

    answer = await client.post("/v1/sessions", json={"email": email, "password": PASSWORD})

    assert (429, "/problems/too-many-attempts") == (answer.status_code, answer.json()["type"])
    assert 0 < int(answer.headers["retry-after"]) <= 900
    assert answer.json()["retry_after_s"] == int(answer.headers["retry-after"])


async def test_guesses_sent_at_once_are_counted_like_guesses_in_a_row(client: httpx.AsyncClient, database: Pool):
    """Twenty at once: five are looked at."""
    email = await account(database)

    answers = await asyncio.gather(
        *(client.post("/v1/sessions", json={"email": email, "password": "wrong"}) for _ in range(20))
    )

    assert {401: 5, 429: 15} == {
        status: sum(answer.status_code == status for answer in answers) for status in (401, 429)
    }


async def test_a_network_may_guess_fifty_times_an_hour_over_all_accounts(client: httpx.AsyncClient, database: Pool):
    """Trying one password on many accounts is stopped too."""
    await age(
        database,
        "INSERT INTO sign_in_failures (email_hash, address) SELECT %s, %s FROM generate_series(1, 50)",
        os.urandom(32),
        client._transport.client[0],  # type: ignore[attr-defined]
    )

    answer = await client.post("/v1/sessions", json={"email": await account(database), "password": PASSWORD})

    assert 429 == answer.status_code


async def test_signing_in_forgets_the_failures_before_it(client: httpx.AsyncClient, database: Pool):
    """Somebody who mistypes four times a day is never shut out."""
    email = await account(database)
    for _ in range(3):
        for _ in range(4):
            await client.post("/v1/sessions", json={"email": email, "password": "wrong"})
        await signed_in(client, email)


async def test_a_hash_of_yesterday_is_renewed_at_sign_in(client: httpx.AsyncClient, database: Pool):
    """Parameters rise over the years; accounts follow without anybody noticing."""
    email = await account(database, PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD))

    await signed_in(client, email)

    async with transaction(database) as connection:
        known = await accounts.credentials(connection, email)
    assert known is not None
    assert not HASHER.check_needs_rehash(known.password_hash)
    await signed_in(client, email)


async def refreshed(client: httpx.AsyncClient, token: str) -> httpx.Response:
    return await client.post("/v1/sessions/refresh", json={"refresh_token": token})


async def test_a_refresh_token_gives_the_next_pair(client: httpx.AsyncClient, database: Pool):
    first = await signed_in(client, await account(database))

    answer = await refreshed(client, first["refresh_token"])

    assert 200 == answer.status_code
    assert not set(first.values()) & {answer.json()["access_token"], answer.json()["refresh_token"]}
    assert 200 == (await client.get("/v1/me", headers=bearer(answer.json()))).status_code


async def test_a_lost_reply_to_a_refresh_can_be_asked_for_again(client: httpx.AsyncClient, database: Pool):
    """A phone in a tunnel sends the same token twice within seconds, and stays signed in."""
    first = await signed_in(client, await account(database))

    answers = await asyncio.gather(*(refreshed(client, first["refresh_token"]) for _ in range(3)))

    assert [200] * 3 == [answer.status_code for answer in answers]
    assert [200] * 3 == [(await client.get("/v1/me", headers=bearer(a.json()))).status_code for a in answers]


async def test_a_stolen_refresh_token_ends_the_session(client: httpx.AsyncClient, database: Pool):
    """Once it comes back after the grace, neither the thief nor the owner can go on with it."""
    first = await signed_in(client, await account(database))
    second = (await refreshed(client, first["refresh_token"])).json()
    await age(database, "UPDATE refresh_tokens SET used_at = used_at - interval '11 seconds' WHERE used_at IS NOT NULL")

    stolen = await refreshed(client, first["refresh_token"])

    assert (401, "/problems/token-refused") == (stolen.status_code, stolen.json()["type"])
    assert 401 == (await refreshed(client, second["refresh_token"])).status_code
    assert 401 == (await client.get("/v1/me", headers=bearer(second))).status_code


async def test_an_expired_token_is_refused(client: httpx.AsyncClient, database: Pool):
    """The answer says so in the header that clients read."""
    tokens = await signed_in(client, await account(database))
    await age(
        database,
        "UPDATE access_tokens SET expires_at = now() - interval '1 second' WHERE hash = sha256(%s::bytea)",
        tokens["access_token"].encode(),
    )

    answer = await client.get("/v1/me", headers=bearer(tokens))

    assert 401 == answer.status_code
    assert 'Bearer error="invalid_token"' == answer.headers["www-authenticate"]


async def test_a_refresh_token_of_last_month_is_refused(client: httpx.AsyncClient, database: Pool):
    tokens = await signed_in(client, await account(database))
    await age(
        database,
        "UPDATE refresh_tokens SET expires_at = now() - interval '1 second' WHERE hash = sha256(%s::bytea)",
        tokens["refresh_token"].encode(),
    )

    assert 401 == (await refreshed(client, tokens["refresh_token"])).status_code


async def test_signing_out_works_at_once_and_on_this_device_only(client: httpx.AsyncClient, database: Pool):
    email = await account(database)
    phone, tablet = await signed_in(client, email, "phone"), await signed_in(client, email, "tablet")

    assert 204 == (await client.delete("/v1/sessions/current", headers=bearer(phone))).status_code

    assert 401 == (await client.get("/v1/me", headers=bearer(phone))).status_code
    assert 401 == (await refreshed(client, phone["refresh_token"])).status_code
    assert 200 == (await client.get("/v1/me", headers=bearer(tablet))).status_code


async def test_a_lost_phone_is_signed_out_from_another_device(client: httpx.AsyncClient, database: Pool):
    email = await account(database)
    lost, mine = await signed_in(client, email, "lost phone"), await signed_in(client, email, "tablet")
    devices = (await client.get("/v1/sessions", headers=bearer(mine))).json()["data"]
    assert [("tablet", True), ("lost phone", False)] == [(device["device"], device["current"]) for device in devices]

    answer = await client.delete(f"/v1/sessions/{devices[1]['id']}", headers=bearer(mine))

    assert 204 == answer.status_code
    assert 401 == (await client.get("/v1/me", headers=bearer(lost))).status_code
    assert 1 == len((await client.get("/v1/sessions", headers=bearer(mine))).json()["data"])


async def guessed_from_everywhere(database: Pool, email: str) -> None:
    """As many wrong passwords as an address may get within an hour, each from another network."""
    await age(
        database,
        "INSERT INTO sign_in_failures (email_hash, address) SELECT %s, 'botnet ' || n FROM generate_series(1, %s) AS n",
        attempts.email_hash(email),
        attempts.FROM_EVERYWHERE,
    )


async def test_who_guesses_from_everywhere_waits_and_keeps_nobody_out(app: Litestar, database: Pool):
    """Strangers wait. Who signed in from here before does not, nor who is signed in, nor another device beside them."""
    email, never = await account(database), f"{os.urandom(8).hex()}@example.org"
    async with client_of(app) as home, client_of(app) as travelling, client_of(app) as stranger:
        await signed_in(home, email)
        phone = await signed_in(travelling, email)
        async with client_of(app) as elsewhere:
            await guessed_from_everywhere(database, email)
            await guessed_from_everywhere(database, never)
            strangers = [
                (await stranger.post("/v1/sessions", json={"email": who, "password": PASSWORD})).status_code
                for who in (email, never)
            ]
            assert [429, 429] == strangers
            await signed_in(home, email)
            # The phone is somewhere new, stays signed in there, and lets a new tablet in.
            assert 200 == (await refreshed(elsewhere, phone["refresh_token"])).status_code
            await signed_in(elsewhere, email, "a new tablet")
            confirmed = await elsewhere.post(
                "/v1/sessions/current/confirmations", json={"password": PASSWORD}, headers=bearer(phone)
            )
            assert 201 == confirmed.status_code


async def test_a_password_that_changes_while_it_is_checked_opens_nothing(
    client: httpx.AsyncClient, app: Litestar, database: Pool, monkeypatch: pytest.MonkeyPatch
):
    """Checking takes a while, and whoever knew the old one would be signed in after all others were signed out."""
    email, new = await account(database), HASHER.hash("another sentence")
    matches = app.state.passwords.matches

    async def slowly(password: str, known_hash: str | None) -> bool:
        correct: bool = await matches(password, known_hash)
        await age(database, "UPDATE accounts SET password_hash = %s WHERE email = %s", new, email)
        return correct

    monkeypatch.setattr(app.state.passwords, "matches", slowly)
    answer = await client.post("/v1/sessions", json={"email": email, "password": PASSWORD})

    assert (401, "/problems/sign-in-refused") == (answer.status_code, answer.json()["type"])


@pytest.mark.parametrize(("made", "typed"), [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
async def test_one_address_and_one_password_are_the_same_on_every_keyboard(
    app: Litestar, database: Pool, made: str, typed: str
):
    """Some write ö as one character and some as two; also for those who were here before that was known."""
    name, password = f"zoë-{os.urandom(8).hex()}@exämple.org", "größer\u00a0als du denkst"
    old = unicodedata.normalize(made, f"old-{name}"), HASHER.hash(unicodedata.normalize(made, password))
    await age(database, "INSERT INTO accounts (email, password_hash, pseudonym) VALUES (%s, %s, %s)", *old, name)
    async with client_of(app) as one, client_of(app) as another:
        body = {"email": unicodedata.normalize(made, name), "password": unicodedata.normalize(made, password)}
        assert 201 == (await one.post("/v1/accounts", json=body)).status_code
        other = {"email": unicodedata.normalize(typed, name), "password": unicodedata.normalize(typed, password)}
        answers = [
            await another.post("/v1/sessions", json=other),
            await another.post("/v1/sessions", json={**other, "password": password.replace("\u00a0", " ")}),
            await another.post("/v1/accounts", json=other),
        ]
        # The old one's own spelling of the address; its password as any keyboard writes it, and as it is kept from now.
        for form in (typed, "NFC"):
            again = {"email": old[0], "password": unicodedata.normalize(form, password)}
            answers.append(await another.post("/v1/sessions", json=again))

    assert [201, 201, 409, 201, 201] == [answer.status_code for answer in answers]


async def test_no_token_is_stored(client: httpx.AsyncClient, database: Pool):
    """A copy of the database signs nobody in."""
    tokens = await signed_in(client, await account(database))

    async with transaction(database) as connection:
        cursor = await connection.execute(
            "SELECT t::text FROM access_tokens AS t UNION ALL SELECT t::text FROM refresh_tokens AS t"
        )
        stored = "".join(row[0] for row in await cursor.fetchall())

    assert stored
    assert tokens["access_token"] not in stored
    assert tokens["refresh_token"] not in stored


def without_instance(answer: httpx.Response) -> dict[str, object]:
    return {name: value for name, value in answer.json().items() if name != "instance"}
