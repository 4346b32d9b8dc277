"""Statements: every month of the balance, closed and signed, as data, as a table and as a paper."""

from __future__ import annotations

import hashlib
import logging
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
from litestar import Request, Response, get
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath
from msgspec import Meta, Struct

from api.conditional import KEPT, PRIVATE, conditional_bytes
from api.dependencies import Caller, Database, Signing
from api.errors import CursorInvalid
from api.localised import locale_of, localised
from api.media_types import wanted
from api.money import Money, money
from api.pages import Cursor, Limit, Page, page, position_of
from api.problems import problems
from api.signing import Signatures, Signer, sign
from api.statement_forms import CSV, JOSE, JSON, PDF, Document, csv_of, facts, issued
from api.typesetting import set_paper
from storage import statements
from storage.database import Pool, reading, transaction
from storage.errors import Unavailable
from storage.events import tell
from storage.payout_errors import StatementMissing
from storage.statements import Due, Paper, Statement

logger = logging.getLogger("companion.statements")
FORMS = (JSON, CSV, PDF, JOSE)
#: What the signature over the hashes of all forms says it is.
TYP = "statement-forms+jws"


class StatementView(Struct, frozen=True):
    """One month in one currency: what stood there, what came and went, what stands there."""

    id: UUID
    url: Annotated[str, Meta(examples=["/v1/statements/0198c2f4-6a51-7c3e-9d1b-5f3f0a1c2b3d"])]
    month: Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}\Z", examples=["2026-11"])]
    opening: Money
    closing: Money
    lines: Annotated[int, Meta(ge=0, examples=[42])]
    sha256: Annotated[str, Meta(description="Of the JSON form.", examples=["6ca13d52" * 8])]
    issued_at: datetime


def view(row: Statement, locale: str) -> StatementView:
    """Show a row in a list."""
    return StatementView(
        row.id,
        f"/v1/statements/{row.id}",
        f"{row.month:%Y-%m}",
        money(row.currency, row.opening_micros, locale),
        money(row.currency, row.closing_micros, locale),
        row.lines,
        row.sha256.hex(),
        row.issued_at,
    )


@get("/v1/statements", responses=problems(CursorInvalid), tags=["Earnings"])
async def list_statements(
    request: Request[Any, Any, Any], account: Caller, database: Database, cursor: Cursor = None, limit: Limit = 50
) -> Response[Page[StatementView]]:
    """List your monthly statements, newest first. A month without a line has none."""
    locale = locale_of(request)
    async with reading(database) as connection:
        rows = await statements.listing(connection, account.id, position_of(cursor), limit + 1)
    found = page([view(row, locale) for row in rows], limit, lambda row: row.id)
    return localised(request, found, locale, PRIVATE)


@get(
    "/v1/statements/{statement:uuid}",
    opt={"forms": (CSV, PDF, JOSE)},
    responses={
        200: ResponseSpec(
            Document,
            generate_examples=False,
            description="The statement as signed JSON, or by Accept as text/csv, as application/pdf, or as "
            "application/jose: the signed SHA-256 of all three.",
        ),
        **problems(StatementMissing),
    },
    tags=["Earnings"],
)
async def read_statement(
    statement: FromPath[UUID], request: Request[Any, Any, Any], account: Caller, database: Database, signing: Signing
) -> Response[Any]:
    """Read one statement, to keep; it never changes.

    `companion verify` checks the JSON offline: its `signature` is over the rest of it.
    """
    async with reading(database) as connection:
        found = await statements.find(connection, account.id, statement)
    kind = wanted(request.headers.get("accept"), FORMS)
    body = await form(database, signing, found, kind)
    name = f"statement-{found.month:%Y-%m}-{found.currency}.{ENDINGS[kind]}"
    headers = {"Vary": "Accept, Authorization", "Content-Disposition": f'inline; filename="{name}"'}
    return conditional_bytes(request, body, kind, KEPT, headers)


#: Statements that are looked for at a time.
AT_A_TIME = 500
ENDINGS = {JSON: "json", CSV: "csv", PDF: "pdf", JOSE: "jws"}


async def form(database: Pool, signing: Signatures, statement: Statement, kind: str) -> bytes:
    """Give a statement in one of its forms."""
    if kind == JSON:
        return statement.document
    document = msgspec.json.decode(statement.document, type=Document)
    if kind == CSV:
        return csv_of(document)
    async with reading(database) as connection:
        present = await statements.paper(connection, statement.id)
    if present is None:
        made = await made_paper(await signing.signer(), statement, document)
        async with transaction(database) as connection:
            present = await statements.keep_paper(connection, statement.id, made)
    return present.pdf if kind == PDF else present.jws.encode()


async def made_paper(signer: Signer, statement: Statement, document: Document) -> Paper:
    """Set the paper, and sign the hashes of all forms."""
    pdf = await set_paper("statement", facts(document), document.issued_at)
    forms = {JSON: statement.document, CSV: csv_of(document), PDF: pdf}
    hashes = {kind: hashlib.sha256(body).hexdigest() for kind, body in forms.items()}
    return Paper(pdf, sign(signer, {"statement": str(statement.id), "sha256": hashes}, typ=TYP))


async def issue_due(database: Pool, signing: Signatures) -> None:
    """Issue everything that is due, a few at a time; the clock calls this.

    One that cannot be written, such as an amount beyond what canonical JSON holds, keeps nobody else's, however many
    such there are.
    """
    failed: set[Due] = set()
    while waiting := await _due(database, failed):
        signer = await signing.signer()
        for due in waiting:
            try:
                await _issue(database, signer, due)
            except Unavailable:
                raise
            except Exception:
                # Whatever is wrong with it is wrong with it alone, and is told below.
                failed.add(due)
                about = {"account": str(due.account_id), "month": str(due.month)}
                logger.exception("statement not issued", extra=about)


async def _due(database: Pool, failed: set[Due]) -> list[Due]:
    """List the next few that are due, the oldest first, without those that failed a moment ago."""
    async with transaction(database) as connection:
        waiting = await statements.due(connection, AT_A_TIME + len(failed))
    return [due for due in waiting if due not in failed]


async def _issue(database: Pool, signer: Signer, due: Due) -> None:
    async with transaction(database) as connection:
        content = await statements.month(connection, due)
        made = issued(signer, due, content, datetime.now(UTC))
        if await statements.issue(connection, made):
            facts_told = {"statement": str(made.id), "month": f"{due.month:%Y-%m}", "currency": due.currency}
            await tell(connection, due.account_id, "statement.issued", by="clock", data=facts_told)


handlers = [list_statements, read_statement]
