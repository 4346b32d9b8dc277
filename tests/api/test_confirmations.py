"""Step-up: the password opens the money for some minutes on this device, and only the right one."""

from uuid import uuid4

import httpx

from storage.database import Pool, transaction
from tests.api.paying import IBAN
from tests.api.taking import slug

PASSWORD = "a sentence nobody else says"
NEW = {"method": "sepa", "holder": "Amina Okello", "iban": IBAN}


async def signed_up(client: httpx.AsyncClient) -> str:
    email = f"{uuid4()}@example.org"
    tokens = (await client.post("/v1/accounts", json={"email": email, "password": PASSWORD})).json()["tokens"]
    client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    return email


async def test_the_password_opens_what_the_token_alone_does_not(client: httpx.AsyncClient, database: Pool) -> None:
    """For five minutes, on this device only."""
    email = await signed_up(client)
    before = await client.post("/v1/payout-destinations", json=NEW)
    confirmed = await client.post("/v1/sessions/current/confirmations", json={"password": PASSWORD})
    after = await client.post("/v1/payout-destinations", json=NEW)
    here = client.headers["Authorization"]
    elsewhere = (await client.post("/v1/sessions", json={"email": email, "password": PASSWORD})).json()
    client.headers["Authorization"] = f"Bearer {elsewhere['access_token']}"
    other_device = await client.post("/v1/payout-destinations", json=NEW)
    async with transaction(database) as connection:
        await connection.execute("UPDATE sessions SET confirmed_at = confirmed_at - interval '5 minutes'")
    client.headers["Authorization"] = here
    later = await client.post("/v1/payout-destinations", json=NEW)

    assert [403, 201, 201, 403, 403] == [
        answer.status_code for answer in (before, confirmed, after, other_device, later)
    ]


async def test_a_wrong_password_opens_nothing_and_is_counted(client: httpx.AsyncClient) -> None:
    """As often as a sign-in may be tried, and not once more."""
    await signed_up(client)
    answers = [
        await client.post("/v1/sessions/current/confirmations", json={"password": "a guess at it"}) for _ in range(6)
    ]

    assert [401] * 5 + [429] == [answer.status_code for answer in answers]
    assert "sign-in-refused" == slug(answers[0])
    assert 403 == (await client.post("/v1/payout-destinations", json=NEW)).status_code
