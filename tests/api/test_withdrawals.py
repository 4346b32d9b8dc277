"""Withdrawal: sales stop at once, every buyer is told, and the contributor sees what each of them does."""

import asyncio
import base64
import hashlib
import hmac
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from litestar import Litestar

from api.commands.withdrawals import command
from api.settings import Settings
from api.validation import Workplace
from api.withdrawal_notices import post_due
from storage import buyers, notices, withdrawn
from storage.database import Pool, run, transaction
from storage.errors import NoticeMoveRefused
from tests.api import trading
from tests.api.clients import client_of
from tests.api.trading import withdraw

Client = httpx.AsyncClient


@pytest.fixture(autouse=True)
async def screening_list(database: Pool) -> None:
    await trading.listed(database)


@pytest.fixture
async def recording(place: Workplace, contributor: Client, campaign: dict[str, Any]) -> str:
    return await trading.accepted(place, contributor, campaign)


@pytest.fixture
async def buyer(operator: Client) -> dict[str, Any]:
    return await trading.buyer(operator)


@pytest.fixture
async def buying(app: Litestar, operator: Client, buyer: dict[str, Any]) -> AsyncIterator[Client]:
    """The buyer's own client."""
    async with client_of(app, await trading.key(operator, buyer["id"])) as client:
        yield client


@pytest.fixture
async def sold(operator: Client, recording: str, buyer: dict[str, Any]) -> str:
    """The id of a dataset with the recording, sold to the buyer for two uses."""
    dataset = await trading.version(operator, [recording])
    answer = await trading.sell(operator, buyer["id"], dataset, uses=["asr_training", "evaluation"])
    assert 201 == answer.status_code, answer.text
    return dataset


async def follow(client: Client, answer: httpx.Response) -> list[dict[str, Any]]:
    return list((await client.get(answer.json()["url"])).json()["notices"])


async def test_a_withdrawal_is_previewed_before_it_is_made(
    contributor: Client, recording: str, sold: str, buyer: dict[str, Any]
):
    """Who stops, by when, and what cannot be undone; looking changes nothing."""
    shown = (await contributor.get(f"/v1/recordings/{recording}/withdrawals/preview")).json()

    state = (await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]["state"]
    assert [buyer["legal_name"]] == [licence["buyer"] for licence in shown["buyers"]]
    assert ["asr_training", "evaluation"] == shown["buyers"][0]["uses"]
    assert shown["ends_recording"]
    assert "models_already_trained" in shown["cannot_undo"]
    assert ("kept", "accepted") == (shown["earned_money"], state)
    told, ours, backups = (shown["buyers"][0]["told_by"], shown["we_delete_by"], shown["backups_gone_by"])
    assert told < shown["buyers"][0]["deleted_by"] == ours < backups


async def test_our_copies_stay_while_a_use_is_left(contributor: Client, recording: str):
    """And the preview does not say otherwise."""
    url = f"/v1/recordings/{recording}/withdrawals/preview"
    shown = (await contributor.get(url, params={"uses": "evaluation"})).json()

    assert (False, None, None) == (shown["ends_recording"], shown["we_delete_by"], shown["backups_gone_by"])


async def test_after_a_withdrawal_nothing_is_sold_and_every_buyer_is_told(
    contributor: Client, operator: Client, recording: str, sold: str, buyer: dict[str, Any]
):
    """The recording ends, its licence ends, and there is a notice with both clocks."""
    answer = await withdraw(contributor, recording)
    again = await trading.sell(operator, buyer["id"], sold)
    uses = (await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"]
    told = await follow(contributor, answer)

    assert (202, 1, True) == (answer.status_code, answer.json()["buyers"], answer.json()["ends_recording"])
    assert (409, "/problems/not-for-sale") == (again.status_code, again.json()["type"])
    assert [True] == [use["ended_at"] is not None for use in uses]
    assert [("queued", buyer["legal_name"])] == [(notice["state"], notice["buyer"]) for notice in told]
    assert "withdrawn" == (await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]["state"]


async def test_one_use_can_be_withdrawn_and_the_others_go_on(
    contributor: Client, operator: Client, recording: str, sold: str, buyer: dict[str, Any]
):
    """The buyer is told of that use; the licence stands for the other one."""
    answer = await withdraw(contributor, recording, "evaluation")
    told = await follow(contributor, answer)
    more = await trading.sell(operator, buyer["id"], sold, uses=["asr_training"])
    refused = await trading.sell(operator, buyer["id"], sold, uses=["evaluation"])

    uses = (await contributor.get(f"/v1/recordings/{recording}/uses")).json()["data"]
    assert [["evaluation"]] == [notice["uses"] for notice in told]
    assert (201, 409) == (more.status_code, refused.status_code)
    assert [None, None] == [use["ended_at"] for use in uses]
    assert "accepted" == (await contributor.get(f"/v1/recordings/{recording}")).json()["recording"]["state"]


@pytest.mark.parametrize("uses", [["voice_cloning"], ["asr_training", "invented_use"]])
async def test_what_was_not_given_cannot_be_withdrawn(contributor: Client, recording: str, uses: list[str]):
    """And what was given beside it stays."""
    answer = await withdraw(contributor, recording, *uses)

    assert (409, "/problems/withdrawal-refused") == (answer.status_code, answer.json()["type"])


async def test_what_keeps_a_withdrawal_from_being_made_is_said(contributor: Client, recording: str):
    """Uses that were never given are not the same as nothing left to withdraw."""
    wrong = (await withdraw(contributor, recording, "voice_cloning")).json()
    await withdraw(contributor, recording)
    late = (await withdraw(contributor, recording, "voice_cloning")).json()

    assert (["voice_cloning"], True) == (wrong["not_given"], "leave them out" in wrong["detail"])
    assert "no consent left" in late["detail"]


async def test_whoever_follows_a_withdrawal_is_sent_news_only(contributor: Client, recording: str):
    """A phone asks again and again, over a network that costs: what is as it was has no body."""
    before = (await contributor.get("/v1/consents")).headers["ETag"]
    url = (await withdraw(contributor, recording)).json()["url"]
    seen = (await contributor.get(url)).headers["ETag"]

    changed = await contributor.get("/v1/consents", headers={"If-None-Match": before})
    again = await contributor.get(url, headers={"If-None-Match": seen})

    assert (200, "private, no-cache", "Authorization") == (
        changed.status_code, changed.headers["Cache-Control"], changed.headers["Vary"]
    )  # fmt: skip
    assert (304, b"") == (again.status_code, again.content)


async def test_a_second_withdrawal_is_the_first(contributor: Client, recording: str):
    """Two phones of one person, or one that lost the answer."""
    first, second = [await withdraw(contributor, recording) for _ in range(2)]

    assert (202, first.json()) == (second.status_code, second.json())


async def test_a_buyer_answers_with_its_own_key_and_the_contributor_reads_it(
    contributor: Client, recording: str, sold: str, buying: Client
):
    """Reading the list is being told; the deletion is attested with the buyer's words."""
    answer = await withdraw(contributor, recording)

    order = (await buying.get("/v1/withdrawal-notices")).json()["data"][0]
    states = [(await follow(contributor, answer))[0]["state"]]
    for state in ("acknowledged", "deletion_attested"):
        stated = {"state": state, "statement": "Deleted everywhere."}
        said = await buying.post(f"/v1/withdrawal-notices/{order['id']}/answers", json=stated)
        assert 201 == said.status_code, said.text
        states.append((await follow(contributor, answer))[0]["state"])
    notice = (await follow(contributor, answer))[0]

    events = [event["data"]["state"] for event in await trading.heard(contributor, "withdrawal.buyer_updated")]
    assert ["notified", "acknowledged", "deletion_attested"] == states == events
    assert ("Deleted everywhere.", True) == (notice["statement"], notice["settled_at"] is not None)


async def test_a_buyer_was_told_of_what_it_was_shown_and_of_nothing_else(
    contributor: Client, recording: str, sold: str, buying: Client
):
    """A page that it never asks for still comes by its webhook, or becomes overdue."""
    answers = [await withdraw(contributor, recording, use) for use in ("evaluation", "asr_training")]

    shown = (await buying.get("/v1/withdrawal-notices", params={"limit": 1})).json()
    states = [(await follow(contributor, answer))[0]["state"] for answer in answers]
    rest = await buying.get("/v1/withdrawal-notices", params={"limit": 1, "cursor": shown["next_cursor"]})

    assert (["asr_training"], "notified") == (shown["data"][0]["uses"], shown["data"][0]["state"])
    assert ["queued", "notified"] == states
    assert [["evaluation"]] == [order["uses"] for order in rest.json()["data"]]
    assert "notified" == (await follow(contributor, answers[0]))[0]["state"]


async def test_another_buyer_s_notice_is_nobody_s(
    app: Litestar, contributor: Client, operator: Client, recording: str, sold: str, buying: Client
):
    """Not listed, not answered, and not told apart from one that does not exist."""
    await withdraw(contributor, recording)
    order = (await buying.get("/v1/withdrawal-notices")).json()["data"][0]
    stranger_id = (await trading.buyer(operator))["id"]

    async with client_of(app, await trading.key(operator, stranger_id)) as stranger:
        listed = (await stranger.get("/v1/withdrawal-notices")).json()["data"]
        answers = [
            await stranger.post(f"/v1/withdrawal-notices/{notice}/answers", json={"state": "acknowledged"})
            for notice in (order["id"], uuid4())
        ]

    assert [] == listed
    assert [404, 404] == [answer.status_code for answer in answers]


async def test_the_clock_makes_a_silent_buyer_overdue_and_then_escalates(
    place: Workplace,
    contributor: Client,
    operator: Client,
    campaign: dict[str, Any],
    recording: str,
    sold: str,
    buyer: dict[str, Any],
    database: Pool,
):
    """A week after the day it is escalated, and is sold nothing more until it makes it good."""
    another = await trading.accepted(place, contributor, campaign)
    answer = await withdraw(contributor, recording)
    notice = UUID((await follow(contributor, answer))[0]["id"])
    states = []
    for late in ("notify_by = now() - interval '1 s'", "moved_at = now() - interval '8 days'"):
        async with transaction(database) as connection:
            await run(connection, f"UPDATE withdrawal_notices SET {late} WHERE id = %(id)s", id=notice)
            await notices.by_the_clock(connection)
        states.append((await follow(contributor, answer))[0]["state"])
    refused = await trading.sell(operator, buyer["id"], await trading.version(operator, [another]))
    async with transaction(database) as connection:
        await notices.move(connection, notice, "deletion_attested", "Late, and done.")
    again = await trading.sell(operator, buyer["id"], await trading.version(operator, [another]))

    assert ["overdue", "escalated"] == states
    assert (409, "withdrawal-ignored", 201) == (refused.status_code, refused.json()["because"], again.status_code)
    assert "deletion_attested" == (await follow(contributor, answer))[0]["state"]


async def test_a_notice_cannot_skip_being_told_nor_leave_its_end(
    contributor: Client, recording: str, sold: str, database: Pool
):
    """The edges are the database's, whoever writes."""
    answer = await withdraw(contributor, recording)
    notice = UUID((await follow(contributor, answer))[0]["id"])

    async with transaction(database) as connection:
        with pytest.raises(NoticeMoveRefused):
            await notices.move(connection, notice, "deletion_attested")
        await notices.move(connection, notice, "notified")
        await notices.move(connection, notice, "kept_in_trained_model", "Weights of May.")
        with pytest.raises(NoticeMoveRefused):
            await notices.move(connection, notice, "overdue")


async def test_a_webhook_is_posted_signed_and_tried_again_until_it_arrives(
    contributor: Client, operator: Client, recording: str, database: Pool, settings: Settings
):
    """A real POST over a socket: refused first, then taken; then the contributor reads that the buyer was told."""
    async with hooked([503, 204]) as (url, received):
        buyer = await trading.buyer(operator, webhook_url=url)
        await trading.sell(operator, buyer["id"], await trading.version(operator, [recording]))
        answer = await withdraw(contributor, recording)
        states = []
        for _ in range(2):
            await post_due(database, settings.master_key, anywhere=True)
            states.append((await follow(contributor, answer))[0]["state"])
            async with transaction(database) as connection:
                await run(connection, "UPDATE withdrawal_notices SET next_attempt_at = now() WHERE notified_at IS NULL")
        async with transaction(database) as connection:
            secret = await buyers.webhook_secret(connection, settings.master_key, UUID(buyer["id"]))

    head, body = received[-1]
    signed = f"{head['webhook-id']}.{head['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.digest(secret or b"", signed, hashlib.sha256)).decode()
    assert ["queued", "notified"] == states
    assert f"v1,{expected}" == head["webhook-signature"]
    assert received[0][0]["webhook-id"] == head["webhook-id"]


class hooked:  # noqa: N801 - it reads like a function.
    """A buyer's webhook on this machine that answers with these statuses, one after the other."""

    def __init__(self, statuses: list[int]) -> None:
        self.statuses, self.received = statuses, list[tuple[dict[str, str], bytes]]()

    async def __aenter__(self) -> tuple[str, list[tuple[dict[str, str], bytes]]]:
        self.server = await asyncio.start_server(self.answer, "127.0.0.1", 0)
        port = self.server.sockets[0].getsockname()[1]
        return f"http://127.0.0.1:{port}/hooks", self.received

    async def __aexit__(self, *_: object) -> None:
        self.server.close()
        await self.server.wait_closed()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")[1:-2]
        head = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        self.received.append((head, await reader.readexactly(int(head["content-length"]))))
        status = self.statuses[min(len(self.received), len(self.statuses)) - 1]
        writer.write(b"HTTP/1.1 %d Answer\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % status)
        await writer.drain()
        writer.close()


ANOTHER_SALE = """
    INSERT INTO sales (buyer_id, dataset_id, version, uses, purpose, ends_at, currency, price_micros, term_sheets)
    SELECT buyer_id, dataset_id, version, uses, purpose, ends_at, currency, price_micros, term_sheets
    FROM sales WHERE dataset_id = %(dataset)s
"""
ANOTHER_LINE = """
    INSERT INTO sale_lines
    SELECT s.id, l.recording_id, l.account_id, l.consent_id, %(uses)s, l.duration_ms, l.currency, l.fee_micros,
        l.share_bps, l.contributor_micros
    FROM sale_lines l, sales s
    WHERE l.recording_id = %(recording)s AND s.dataset_id = %(dataset)s AND s.id <> l.sale_id
"""


@pytest.mark.parametrize("uses", [["voice_cloning"], ["asr_training", "voice_cloning"]])
async def test_a_sale_without_consent_is_refused_by_the_database_itself(
    recording: str, sold: str, database: Pool, uses: list[str]
):
    """Whatever code writes the line."""
    async with transaction(database) as connection:
        await run(connection, ANOTHER_SALE, dataset=sold)
        with pytest.raises(psycopg.errors.CheckViolation, match="consent to every use"):
            await run(connection, ANOTHER_LINE, dataset=sold, recording=recording, uses=uses)


async def test_our_own_copies_go_in_the_promised_time(
    place: Workplace, contributor: Client, recording: str, sold: str, database: Pool
):
    """The original, the cleaned copy; the contributor hears of it and the passport notes it."""
    await trading.cleaned(place, recording)
    await withdraw(contributor, recording)
    counts = []
    for days in (1, 29):
        async with transaction(database) as connection:
            back = "UPDATE withdrawals SET sales_stopped_at = now() - make_interval(days => %(days)s, secs => 1)"
            await run(connection, back + " WHERE recording_id = %(id)s", id=recording, days=days)
            await withdrawn.clear(connection)
        counts.append((await contributor.get(f"/v1/recordings/{recording}/media")).status_code)
    passport = (await contributor.get(f"/v1/recordings/{recording}/passport")).json()

    assert counts[0] < 400 < counts[1]
    assert None is passport["rendition"]
    assert "recording.bytes_deleted" == passport["entries"][-1]["kind"]
    assert 1 == len(await trading.heard(contributor, "recording.bytes_deleted"))


async def test_an_operator_notes_what_a_buyer_said_by_letter(
    contributor: Client,
    recording: str,
    sold: str,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    """A buyer without a webhook is told by a person; the contributor reads how it is known."""
    answer = await withdraw(contributor, recording)
    notice = (await follow(contributor, answer))[0]["id"]
    monkeypatch.setenv("DATABASE_URL", database_url)

    because = ["--because", "Letter of 3 May."]
    done = [
        await asyncio.to_thread(command, words)
        for words in (["list"], ["note", notice, "notified", *because], ["note", notice, "deletion_attested", *because])
    ]

    told = (await follow(contributor, answer))[0]
    assert [0, 0, 0] == done
    assert notice in capsys.readouterr().out
    assert ("deletion_attested", "Letter of 3 May.") == (told["state"], told["statement"])


async def test_consent_is_withdrawn_from_everything_at_once(
    place: Workplace, contributor: Client, other: Client, campaign: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    """The account is a scope of its own; nobody else's recordings are touched, and repeating it ends."""
    monkeypatch.setattr("api.withdrawals.AT_A_TIME", 2)
    mine = [await trading.accepted(place, contributor, campaign) for _ in range(3)]
    theirs = await trading.accepted(place, other, campaign)

    rounds = [(await contributor.post("/v1/withdrawals", json={"uses": ["*"]})).json() for _ in range(3)]

    states = {(await contributor.get(f"/v1/recordings/{one}")).json()["recording"]["state"] for one in mine}
    assert [(2, True), (1, False), (0, False)] == [(len(one["data"]), one["more"]) for one in rounds]
    assert {"withdrawn"} == states
    assert "accepted" == (await other.get(f"/v1/recordings/{theirs}")).json()["recording"]["state"]
