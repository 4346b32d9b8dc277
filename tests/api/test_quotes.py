"""Quotes: what was offered is what counts, whatever the campaign does afterwards."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx
import msgspec
import psycopg
import pytest
from msgspec import Struct

from api.commands.verify import checked
from api.demo import DATA
from api.signing import parse_jwks
from api.validation import Workplace
from storage import rates, term_sheets
from storage.campaigns import Draft, change_terms, open_campaign
from storage.database import Pool, one, run, transaction
from storage.quotes import AT_ONCE
from tests.api.taking import agree, claim, examined, slug, speech, submit
from tests.api.terms.sheets import document

Client = httpx.AsyncClient
Campaign = dict[str, Any]


class Pay(Struct):
    """What the database says a recording is paid by."""

    currency: str
    micros: int
    per_ms: int
    quote_id: UUID | None
    term_sheet_id: str | None
    term_sheet_version: int | None


async def pay(database: Pool, recording: str) -> Pay:
    async with transaction(database) as connection:
        found = await one(connection, Pay, "SELECT * FROM terms_of_pay(%(id)s)", id=recording)
    assert found is not None
    return found


async def opened(database: Pool, client: Client, places: int) -> Campaign:
    """Open a campaign of read speech with this many places."""
    draft = msgspec.json.decode((DATA / "campaign-read-speech.json").read_bytes(), type=Draft)
    name = os.urandom(8).hex()
    draft = msgspec.structs.replace(draft, slug=name, title=name, quota_recordings=places, prompts=[])
    async with transaction(database) as connection:
        campaign = await open_campaign(connection, draft)
    return dict((await client.get(f"/v1/campaigns/{campaign}")).json())


async def quoted(client: Client, campaign: Campaign) -> httpx.Response:
    return await client.post(f"/v1/campaigns/{campaign['id']}/quotes")


async def change(database: Pool, campaign: Campaign, words: str) -> None:
    async with transaction(database) as connection:
        await run(connection, f"UPDATE campaigns SET {words} WHERE id = %(id)s", id=campaign["id"])


async def test_a_quote_is_signed_and_says_what_a_contributor_decides_by(
    contributor: Client, client: Client, campaign: Campaign
):
    """Rate, review time, buyers, term and what never happens; verifiable offline."""
    quote = (await quoted(contributor, campaign)).json()
    keys = parse_jwks((await client.get("/.well-known/jwks.json")).json())

    signed = checked(quote["jws"], keys)

    assert "quote+jws" == signed.typ
    assert {**quote, "jws": None, "used_at": None} == {**json.loads(signed.payload), "jws": None, "used_at": None}
    assert campaign["rate"] == quote["rate"]
    assert campaign["term_sheet"] == quote["term_sheet"]
    assert "voice_cloning" in quote["prohibited_uses"]
    assert quote["id"] in [one["id"] for one in (await contributor.get("/v1/quotes")).json()["data"]]


async def test_a_quoted_recording_is_paid_and_accepted_as_quoted(contributor: Client, place: Workplace, database: Pool):
    """The rate falls, the campaign shrinks to nothing and its deadline passes: the offer stands."""
    campaign = await opened(database, contributor, 1)
    quote = (await quoted(contributor, campaign)).json()
    await change(database, campaign, "rate_micros = 1, quota_recordings = 0, deadline = now() - interval '1 hour'")

    recording = await submit(contributor, campaign, speech(), quote=quote["id"])
    await agree(contributor, campaign, recording)
    seen = await examined(place, contributor, recording)

    found = await pay(database, recording)
    assert "accepted" == seen["recording"]["state"]
    assert quote["id"] == seen["recording"]["quote"]
    assert (quote["rate"]["micros"], UUID(quote["id"])) == (found.micros, found.quote_id)


async def test_without_a_quote_the_rate_is_the_one_at_the_claim(
    contributor: Client, campaign: Campaign, database: Pool
):
    """A later change reaches later claims only, and no code can change what was pinned."""
    campaign = await opened(database, contributor, 5)
    before = (await claim(contributor, campaign, speech())).json()["id"]
    await change(database, campaign, "rate_micros = 7")
    after = (await claim(contributor, campaign, speech())).json()["id"]

    assert [campaign["rate"]["micros"], 7] == [(await pay(database, one)).micros for one in (before, after)]
    with pytest.raises(psycopg.errors.RestrictViolation):
        async with transaction(database) as connection:
            await run(connection, "UPDATE recordings SET rate_micros = 1 WHERE id = %(id)s", id=before)


async def test_a_quote_keeps_its_place_until_it_expires(
    contributor: Client, other: Client, database: Pool, sign_in: Callable[[], Awaitable[Client]]
):
    """Nobody else gets the last place, neither by a quote nor by a claim; afterwards it is free again."""
    campaign = await opened(database, contributor, 1)
    first = await quoted(contributor, campaign)

    full = [await quoted(other, campaign), await claim(other, campaign, speech())]
    shown = (await other.get(f"/v1/campaigns/{campaign['id']}")).json()["quota"]["remaining"]
    mine = await claim(contributor, campaign, speech(), quote=first.json()["id"])
    async with transaction(database) as connection:
        # Time passes: the row cannot be changed by the service, so another one is let expire at once.
        await run(
            connection,
            """
            UPDATE recordings SET state = 'expired' WHERE id = %(id)s
            """,
            id=mine.json()["id"],
        )
    later = await claim(other, campaign, speech())

    assert [409, 409, 0] == [*(answer.status_code for answer in full), shown]
    assert (201, 201) == (mine.status_code, later.status_code)


async def test_two_quotes_for_the_last_place_are_decided_one_after_the_other(
    contributor: Client, other: Client, database: Pool
):
    """However close together they ask."""
    campaign = await opened(database, contributor, 1)

    answers = await asyncio.gather(*(quoted(client, campaign) for client in (contributor, other) * 3))

    assert [201, *[409] * 5] == sorted(answer.status_code for answer in answers)


async def test_a_quote_is_used_once_and_only_by_its_owner(contributor: Client, other: Client, campaign: Campaign):
    """And for the campaign it was made for."""
    quote = (await quoted(contributor, campaign)).json()["id"]

    stolen = await claim(other, campaign, speech(), quote=quote)
    used = await claim(contributor, campaign, speech(), quote=quote)
    again = await claim(contributor, campaign, speech(), quote=quote)

    assert (404, "/problems/quote-missing") == (stolen.status_code, stolen.json()["type"])
    assert 201 == used.status_code
    assert (409, "/problems/quote-used") == (again.status_code, again.json()["type"])


async def test_an_expired_quote_binds_nobody(contributor: Client, database: Pool, campaign: Campaign):
    """410, with the moment it ended."""
    quote = (await quoted(contributor, campaign)).json()["id"]
    async with transaction(database) as connection:
        expired = await one(
            connection,
            _Id,
            """
            INSERT INTO quotes SELECT (jsonb_populate_record(q, jsonb_build_object('id', uuidv7(),
                'created_at', now() - interval '2 days', 'expires_at', now() - interval '1 day'))).*
            FROM quotes q WHERE id = %(id)s RETURNING id
            """,
            id=quote,
        )
    assert expired is not None

    answer = await claim(contributor, campaign, speech(), quote=str(expired.id))

    assert (410, "/problems/quote-expired") == (answer.status_code, answer.json()["type"])


class _Id(Struct):
    id: UUID


async def test_a_quote_cannot_be_changed_by_anybody(contributor: Client, campaign: Campaign, database: Pool):
    """Not its rate, not its end, and it cannot be deleted."""
    quote = (await quoted(contributor, campaign)).json()["id"]
    for words in ("UPDATE quotes SET rate_micros = 1", "UPDATE quotes SET expires_at = now()", "DELETE FROM quotes"):
        with pytest.raises(psycopg.Error):
            async with transaction(database) as connection:
                await run(connection, f"{words} WHERE id = %(id)s", id=quote)


async def test_nobody_can_hoard_places(contributor: Client, database: Pool):
    """A contributor holds so many unused quotes and no more."""
    campaign = await opened(database, contributor, AT_ONCE + 5)

    answers = [(await quoted(contributor, campaign)).status_code for _ in range(AT_ONCE + 1)]

    assert [*[201] * AT_ONCE, 429] == answers


async def test_the_same_key_gives_the_same_quote(contributor: Client, campaign: Campaign):
    """A phone that lost the answer does not take a second place."""
    url, key = f"/v1/campaigns/{campaign['id']}/quotes", {"Idempotency-Key": os.urandom(8).hex()}

    answers = [await contributor.post(url, headers=key) for _ in range(2)]

    assert 1 == len({answer.json()["id"] for answer in answers})


async def test_the_take_that_replaces_a_quoted_one_is_paid_as_quoted(
    contributor: Client, campaign: Campaign, database: Pool
):
    """The offer was for the work, not for the first try."""
    quote = (await quoted(contributor, campaign)).json()["id"]
    first = (await claim(contributor, campaign, speech(), quote=quote)).json()["id"]
    async with transaction(database) as connection:
        for state in ("uploading", "validating", "needs_fix"):
            await run(connection, f"UPDATE recordings SET state = '{state}' WHERE id = %(id)s", id=first)
    await change(database, campaign, "rate_micros = rate_micros + 0")

    second = await claim(contributor, campaign, speech(), replaces=first)

    assert (201, quote) == (second.status_code, second.json()["quote"])


async def test_a_claim_that_is_sent_again_while_the_first_is_at_work_is_the_same_recording(
    contributor: Client, campaign: Campaign
):
    """Its quote is used by itself; a phone that heard nothing must not be told that somebody used it."""
    quote = (await quoted(contributor, campaign)).json()["id"]
    data = speech()

    answers = await asyncio.gather(*(claim(contributor, campaign, data, quote=quote) for _ in range(6)))

    assert [200] * 5 + [201] == sorted(answer.status_code for answer in answers), [a.text for a in answers]
    assert 1 == len({answer.json()["id"] for answer in answers})


@pytest.mark.parametrize("named", [True, False])
async def test_what_arrived_damaged_is_sent_again_under_its_quote(contributor: Client, database: Pool, named: bool):
    """The offer was for the recording; that its bytes were lost on the way is not its contributor's doing."""
    campaign = await opened(database, contributor, 1)
    quote, data = (await quoted(contributor, campaign)).json()["id"], speech()
    first = (await claim(contributor, campaign, data, quote=quote)).json()["id"]
    async with transaction(database) as connection:
        for state, because in (("uploading", None), ("validating", None), ("rejected", "hash-mismatch")):
            words = f"UPDATE recordings SET state = '{state}', moved_because = %(because)s WHERE id = %(id)s"
            await run(connection, words, because=because, id=first)
    await change(database, campaign, "rate_micros = 1, quota_recordings = 0, deadline = now() - interval '1 hour'")

    wish = {"quote": quote} if named else {}
    twins = await asyncio.gather(*(claim(contributor, campaign, data, **wish) for _ in range(2)))
    another = await claim(contributor, campaign, speech(), quote=quote)

    assert [200, 201] == sorted(answer.status_code for answer in twins)
    assert [quote, quote] == [(answer.json().get("recording") or answer.json())["quote"] for answer in twins]
    assert (409, "quote-used") == (another.status_code, slug(another))


async def test_nobody_is_paid_less_than_the_card_that_they_agreed_to_says(
    contributor: Client, database: Pool, place: Workplace
):
    """Sent at twelve an hour; then the campaign moves to terms that promise twenty, and only those can be agreed to."""
    campaign, name = await opened(database, contributor, 2), f"sheet-{os.urandom(6).hex()}"
    recording = await submit(contributor, campaign, speech())
    sheet = document("voice-standard", 2)
    sheet["price"]["rates"] = [{**sheet["price"]["rates"][0], "micros": 20_000_000}]
    async with transaction(database) as connection:
        await term_sheets.publish(connection, sheet | {"id": name, "version": 1})
        await rates.change(connection, UUID(campaign["id"]), "EUR", 21_000_000, 3_600_000, "more")
        await change_terms(connection, UUID(campaign["id"]), name, 1)

    before = await pay(database, recording)
    now = dict((await contributor.get(f"/v1/campaigns/{campaign['id']}")).json())
    assert 200 == (await agree(contributor, now, recording)).status_code
    await examined(place, contributor, recording)
    after = await pay(database, recording)
    (line,) = (await contributor.get("/v1/balance-transactions")).json()["data"]
    step = (await contributor.get(f"/v1/earnings/{line['id']}/explanation")).json()["steps"][0]

    assert [(12_000_000, 3_600_000), (20_000_000, 3_600_000)] == [(one.micros, one.per_ms) for one in (before, after)]
    assert (20_000_000, name, "/price/rates") == (step["micros"], step["term_sheet"], step["at"])
    assert "Rate that the terms you agreed to promise" == step["label"]
