"""Statements: opening plus lines is closing, month after month, in every form, and nobody can change one."""

import asyncio
import csv
import hashlib
import io
import json
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import msgspec
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api import statements as issuing
from api.cli import main
from api.settings import Settings
from api.signing import Signatures, parse_jwks, verified
from api.statement_forms import Document, csv_of, decimal, facts, issued, lines_of
from api.statements import issue_due
from api.typesetting import pdf
from storage import statements
from storage.balance_transactions import BalanceTransaction
from storage.database import Connection, Pool, transaction
from storage.ledger import accounts
from storage.ledger.posting import Leg, post
from storage.statements import Due, Month
from tests.api.paying import account_of
from tests.api.test_signing import SIGNER

Client = httpx.AsyncClient
NOW = datetime.now(UTC)


def months_ago(count: int, day: int = 10) -> datetime:
    """A day of an earlier month."""
    month = NOW.year * 12 + NOW.month - 1 - count
    return datetime(month // 12, month % 12 + 1, day, 12, tzinfo=UTC)


async def line(database: Pool, account: UUID, micros: int, at: datetime, currency: str = "EUR") -> None:
    """A correction by an operator, in the past; it moves money and stands on the balance."""
    async with transaction(database) as connection:
        pending = await accounts.of(connection, account, "contributor_available", currency)
        ours = await accounts.ours(connection, "adjustments", currency)
        leg = Leg(ours, pending, micros) if micros > 0 else Leg(pending, ours, -micros)
        posted = await post(connection, f"test {uuid4()}", "adjustment", [leg])
        await connection.execute(
            "INSERT INTO balance_transactions (account_id, type, currency, gross_micros, transaction_id, available_at, "
            "released_at, created_at) VALUES (%s, 'adjustment', %s, %s, %s, %s, %s, %s)",
            [account, currency, micros, posted, at, at, at],
        )
        # In life nothing is written in the past: what is in statements is not looked at again.
        await connection.execute("UPDATE statement_horizon SET before = '-infinity'")


@pytest.fixture
async def signing(database: Pool, settings: Settings) -> Signatures:
    return Signatures(database, settings.master_key)


@pytest.fixture
async def months(contributor: Client, database: Pool, signing: Signatures) -> list[dict[str, Any]]:
    """Two statements with an empty month between them, and lines of this month that have none yet."""
    account = await account_of(contributor, database)
    for micros, at in ((5_000_000, months_ago(3)), (-1_234_567, months_ago(3, 20)), (7, months_ago(1)), (9, NOW)):
        await line(database, account, micros, at)
    await issue_due(database, signing)
    return list((await contributor.get("/v1/statements")).json()["data"])


# Statements are issued two days into the next month.
early = pytest.mark.skipif(months_ago(0, 3) > NOW, reason="the month before has no statement yet")


@early
async def test_every_ended_month_with_lines_has_a_statement(months: list[dict[str, Any]]) -> None:
    """Opening is the closing before, closing is opening plus lines; the running month and the empty one have none."""
    newest, oldest = months

    assert [f"{months_ago(1):%Y-%m}", f"{months_ago(3):%Y-%m}"] == [newest["month"], oldest["month"]]
    assert (0, 3_765_433) == (oldest["opening"]["micros"], oldest["closing"]["micros"])
    assert (3_765_433, 3_765_440) == (newest["opening"]["micros"], newest["closing"]["micros"])
    assert (2, 1) == (oldest["lines"], newest["lines"])


@early
async def test_each_form_says_the_same_and_is_signed(
    contributor: Client, months: list[dict[str, Any]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The JSON carries its signature; one signature covers the hashes of all three; a changed amount is caught."""
    url = months[-1]["url"]
    forms = {kind: await contributor.get(url, headers={"Accept": kind}) for kind in
             ("application/json", "text/csv", "application/pdf", "application/jose")}  # fmt: skip
    keys = parse_jwks((await contributor.get("/.well-known/jwks.json")).json())
    hashes = json.loads(verified(forms["application/jose"].text, keys).payload)["sha256"]
    rows = list(csv.DictReader(io.StringIO(forms["text/csv"].text)))
    (tmp_path / "jwks.json").write_text((await contributor.get("/.well-known/jwks.json")).text)
    (tmp_path / "kept.json").write_bytes(forms["application/json"].content)
    (tmp_path / "changed.json").write_text(forms["application/json"].text.replace("5000000", "9000000"))

    assert [200] * 4 == [answer.status_code for answer in forms.values()]
    for answer in list(forms.values())[:3]:
        assert hashlib.sha256(answer.content).hexdigest() == hashes[answer.headers["content-type"].partition(";")[0]]
    assert b"%PDF" == forms["application/pdf"].content[:4]
    assert "3.765433" == rows[-1]["balance"]
    assert Decimal(rows[-1]["balance"]) == sum(Decimal(row["net"]) for row in rows if row["net"])
    asked = ["--keys", str(tmp_path / "jwks.json")]
    assert 0 == main(["verify", str(tmp_path / "kept.json"), *asked])
    assert 1 == main(["verify", str(tmp_path / "changed.json"), *asked])
    again = {"If-None-Match": forms["text/csv"].headers["etag"], "Accept": "text/csv"}
    assert 304 == (await contributor.get(url, headers=again)).status_code


@early
async def test_a_statement_stays_as_it_was_issued(
    contributor: Client, database: Pool, signing: Signatures, months: list[dict[str, Any]]
) -> None:
    """Issuing again changes nothing, the paper is the same bytes, and the database refuses a change."""
    url = months[0]["url"]
    before = [
        (await contributor.get(url, headers={"Accept": kind})).content
        for kind in ("application/json", "application/pdf")
    ]
    await issue_due(database, signing)
    after = [
        (await contributor.get(url, headers={"Accept": kind})).content
        for kind in ("application/json", "application/pdf")
    ]

    assert before == after
    with pytest.raises(psycopg.errors.RestrictViolation):
        async with transaction(database) as connection:
            await connection.execute("UPDATE statements SET closing_micros = 0 WHERE id = %s", [months[0]["id"]])


NEWEST = """
    INSERT INTO statements
    VALUES (uuidv7(), %s, date_trunc('month', now()) - interval '1 month', 'EUR', 0, 0, 0, '', sha256(''), now())
"""


async def test_lines_that_are_in_statements_are_not_read_again(
    contributor: Client, other: Client, database: Pool
) -> None:
    """Every hour everything that was ever earned was read; nothing is passed over that has no statement yet."""
    account = await account_of(contributor, database)
    await line(database, account, 1_000_000, months_ago(2))

    async def mine(connection: Connection) -> list[UUID]:
        return [due.account_id for due in await statements.due(connection, 100_000) if due.account_id == account]

    async with database.connection() as connection, connection.transaction(force_rollback=True):
        before = await mine(connection)
        await connection.execute(NEWEST, [await account_of(other, database)])
        await connection.execute("SELECT statements_done()")
        waiting = await mine(connection)
        await connection.execute("UPDATE statement_horizon SET before = statements_end()")
        after = await mine(connection)

    assert ([account], [account], []) == (before, waiting, after)


AHEAD = """
    CREATE OR REPLACE FUNCTION statements_end() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT date_trunc('month', now() + interval '1 year')
    $$
"""
ISSUED = """
    INSERT INTO statements SELECT uuidv7(), account_id, month, currency, 0, 0, 0, '', sha256(''), now()
    FROM statements_due(100000)
"""


async def test_a_clock_that_was_ahead_leaves_no_month_out(contributor: Client, database: Pool, owner_url: str) -> None:
    """For a minute, by a year: what is earned within that year wants statements all the same."""
    await line(database, await account_of(contributor, database), 1_000_000, datetime.now(UTC))

    with psycopg.connect(owner_url) as connection:
        connection.execute(AHEAD)
        while connection.execute(ISSUED).rowcount:
            pass
        connection.execute("SELECT statements_done()")
        query = "SELECT before - date_trunc('month', now()), before > now() FROM statement_horizon"
        found = connection.execute(query).fetchone()
        connection.rollback()

    assert found is not None
    assert (True, True) == (found[0] <= timedelta(days=31), found[1])


@early
async def test_another_s_statement_does_not_exist(other: Client, months: list[dict[str, Any]]) -> None:
    for kind in ("application/json", "application/pdf"):
        assert 404 == (await other.get(months[0]["url"], headers={"Accept": kind})).status_code
    assert [] == (await other.get("/v1/statements")).json()["data"]


def at_a_border(count: int) -> datetime:
    """Within two microseconds of the beginning of a month that has ended (UTC), or some day of it."""
    first = months_ago(count, 1).replace(hour=0)
    return first + random.choice(
        [timedelta(microseconds=random.randint(-2, 2)), timedelta(hours=random.randint(-14, 14)), timedelta(days=17)]
    )


@early
async def test_whatever_a_year_held_every_line_is_in_the_statement_of_its_month(
    contributor: Client, database: Pool, signing: Signatures
) -> None:
    """At the borders of months and of time zones, in two currencies, issued while more comes; all months chain."""
    account = await account_of(contributor, database)
    written: dict[str, list[tuple[datetime, int]]] = {"EUR": [], "JPY": []}
    for count in range(6, 1, -1):
        for currency, lines in written.items():
            for _ in range(random.randint(0, 4)):
                # None before what was issued already: time only goes on.
                at = max([at_a_border(count), *(before for before, _ in lines)])
                lines.append((at, random.randint(1, 10**9)))
                await line(database, account, lines[-1][1], at, currency)
    await asyncio.gather(*(issue_due(database, signing) for _ in range(2)))
    await issue_due(database, signing)

    issued_here = (await contributor.get("/v1/statements", params={"limit": 200})).json()["data"]
    for currency, lines in written.items():
        mine = sorted(
            (one for one in issued_here if one["closing"]["currency"] == currency), key=lambda one: one["month"]
        )
        assert sorted({f"{at:%Y-%m}" for at, _ in lines}) == [one["month"] for one in mine]
        for one in mine:
            until = [micros for at, micros in lines if f"{at:%Y-%m}" <= one["month"]]
            within = [micros for at, micros in lines if f"{at:%Y-%m}" == one["month"]]
            document = (await contributor.get(one["url"])).json()
            assert sum(until) == one["closing"]["micros"] == document["closing_micros"]
            assert within == [entry["net_micros"] for entry in document["lines"]]
            assert sum(until) - sum(within) == one["opening"]["micros"]


async def test_an_amount_that_no_statement_can_hold_keeps_nobody_else_s(
    contributor: Client, other: Client, database: Pool, signing: Signatures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Canonical JSON ends at 2^53, which is not so much in small coins; and however many such come first."""
    monkeypatch.setattr(issuing, "AT_A_TIME", 1)
    mine, theirs = await account_of(contributor, database), await account_of(other, database)
    await line(database, mine, 2**53, months_ago(7), "IRR")
    await line(database, theirs, 5_000_000, months_ago(2))
    await issue_due(database, signing)

    assert [] == (await contributor.get("/v1/statements")).json()["data"]
    assert 1 == len((await other.get("/v1/statements")).json()["data"])


AMOUNTS = st.tuples(st.integers(-(10**12), 10**12), st.integers(0, 10**9), st.integers(0, 10**9))


def row(gross: int, fee: int, tax: int, number: int) -> BalanceTransaction:
    at = NOW + timedelta(seconds=number)
    return BalanceTransaction(
        uuid4(), uuid4(), "adjustment", "EUR", gross, fee, tax, gross - fee - tax, None, None, None, None, None, None,
        "=1+1", uuid4(), at, at, at,
    )  # fmt: skip


@given(st.integers(-(10**12), 10**12), st.lists(AMOUNTS, max_size=20))
def test_opening_plus_lines_is_closing(opening: int, amounts: list[tuple[int, int, int]]):
    """In the document and in the table, for any lines; and the document is read back from its own bytes."""
    month = Month(uuid4(), "contributor-x", opening, [row(*amount, number) for number, amount in enumerate(amounts)])

    made = issued(SIGNER, Due(uuid4(), "EUR", date(2026, 11, 1)), month, NOW)

    document = msgspec.json.decode(made.document, type=Document)
    table = list(csv.DictReader(io.StringIO(csv_of(document).decode())))
    assert opening + sum(gross - fee - tax for gross, fee, tax in amounts) == made.closing_micros
    assert (
        made.closing_micros
        == document.closing_micros
        == document.opening_micros + sum(entry.net_micros for entry in document.lines)
    )
    assert decimal(made.closing_micros) == table[-1]["balance"]
    assert lines_of(month) == list(document.lines)


@given(st.integers(0, 10**12), st.lists(AMOUNTS, max_size=20))
def test_the_paper_adds_up_by_hand(opening: int, amounts: list[tuple[int, int, int]]):
    """Every digit of every amount is on it, and an operator's reason."""
    month = Month(uuid4(), "contributor-x", opening, [row(*amount, number) for number, amount in enumerate(amounts)])
    made = issued(SIGNER, Due(uuid4(), "EUR", date(2026, 11, 1)), month, NOW)

    paper = facts(msgspec.json.decode(made.document, type=Document))

    def read(shown: str) -> Decimal:
        return Decimal(shown.replace("€", "").replace(",", ""))

    assert read(paper["closing"]) == read(paper["opening"]) + sum(read(line[6]) for line in paper["lines"])
    assert all("adjustment: =1+1" == line[1] for line in paper["lines"])


def test_a_line_on_paper_names_what_it_was_earned_with():
    """The recording and the sale, in the facts and on the paper itself; a correction names neither."""
    earned, sale, corrected = row(7, 0, 0, 0), uuid4(), row(7, 0, 0, 1)
    earned = msgspec.structs.replace(earned, recording_id=uuid4(), sale_id=sale)
    month = Month(uuid4(), "contributor-x", 0, [earned, corrected])
    made = issued(SIGNER, Due(uuid4(), "EUR", date(2026, 11, 1)), month, NOW)

    paper = facts(msgspec.json.decode(made.document, type=Document))
    nameless = {**paper, "lines": [[*line[:2], [], *line[3:]] for line in paper["lines"]]}

    assert [[f"recording {earned.recording_id}", f"sale {sale}"], []] == [line[2] for line in paper["lines"]]
    assert pdf("statement", paper, NOW) != pdf("statement", nameless, NOW)
