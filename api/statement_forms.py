"""The forms of a statement: signed JSON is the source, the table and the paper are made from it alone."""

from __future__ import annotations

import csv
import hashlib
import io
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import msgspec
import rfc8785
from msgspec import Meta, Struct

from api.money import exact
from api.signing import Signer, sign_detached
from capture_validation.spreadsheets import inert
from storage.balance_transactions import BalanceTransaction
from storage.statements import Due, Month, Statement

JSON, CSV, PDF, JOSE = "application/json", "text/csv", "application/pdf", "application/jose"
TYP = "statement+jws"
Micros = Annotated[int, Meta(description="Millionths of the currency's unit.", examples=[12_345_678])]


class Line(Struct, frozen=True):
    """One line: what it was, what it brought or took, and what stood there after it."""

    id: UUID
    at: datetime
    type: Annotated[str, Meta(examples=["earning"])]
    gross_micros: Micros
    fee_micros: Micros
    tax_micros: Micros
    net_micros: Micros
    balance_micros: Micros
    recording: UUID | None
    sale: UUID | None
    payout: UUID | None
    because: Annotated[str | None, Meta(description="An operator's reason.", examples=["Paid twice in October."])]


class Document(Struct, frozen=True):
    """A statement. `opening_micros` plus the `net_micros` of all lines is `closing_micros`.

    `signature` is a detached JWS over the rest of the document in canonical form (RFC 8785).
    """

    id: UUID
    contributor: Annotated[str, Meta(description="The pseudonym.", examples=["contributor-7k2mq4zd"])]
    month: Annotated[str, Meta(examples=["2026-11"])]
    currency: Annotated[str, Meta(examples=["EUR"])]
    opening_micros: Micros
    lines: list[Line]
    closing_micros: Micros
    issued_at: datetime
    kind: Annotated[str, Meta(examples=["statement/1"])] = "statement/1"
    signature: Annotated[str, Meta(examples=["eyJhbGciOiJFZDI1NTE5In0..0J3k0T8zq1mXv5cB7wYhQn2sLr4u"])] = ""


def issued(signer: Signer, due: Due, month: Month, at: datetime) -> Statement:
    """Close a month: number it, add it up, sign it."""
    lines = lines_of(month)
    closing = lines[-1].balance_micros if lines else month.opening_micros
    document = Document(
        month.id, month.pseudonym, f"{due.month:%Y-%m}", due.currency, month.opening_micros, lines, closing, at
    )
    content = msgspec.to_builtins(document)
    del content["signature"]
    content["signature"] = sign_detached(signer, content, typ=TYP)
    body = rfc8785.dumps(content)
    return Statement(
        document.id,
        due.account_id,
        due.month,
        due.currency,
        month.opening_micros,
        closing,
        len(lines),
        body,
        hashlib.sha256(body).digest(),
        at,
    )


def lines_of(month: Month) -> list[Line]:
    """Write the lines with the balance after each."""
    balance, lines = month.opening_micros, []
    for row in month.lines:
        balance += row.net_micros
        lines.append(_line(row, balance))
    return lines


def _line(row: BalanceTransaction, balance: int) -> Line:
    return Line(
        row.id,
        row.created_at,
        row.type,
        row.gross_micros,
        row.fee_micros,
        row.tax_micros,
        row.net_micros,
        balance,
        row.recording_id,
        row.sale_id,
        row.payout_id,
        row.because,
    )


COLUMNS = ("at", "type", "currency", "gross", "fee", "tax", "net", "balance", "recording", "sale", "payout", "because")


def csv_of(document: Document) -> bytes:
    """Write a statement as a table (RFC 4180), amounts with six decimals, opening first and closing last."""
    written = io.StringIO()
    rows = csv.writer(written)
    rows.writerow(COLUMNS)
    rows.writerow(["", "opening", document.currency, "", "", "", "", decimal(document.opening_micros), "", "", "", ""])
    for line in document.lines:
        amounts = (line.gross_micros, line.fee_micros, line.tax_micros, line.net_micros, line.balance_micros)
        about = (line.recording, line.sale, line.payout, inert(line.because))
        rows.writerow(
            [line.at.isoformat(), line.type, document.currency, *map(decimal, amounts), *(cell or "" for cell in about)]
        )
    rows.writerow(["", "closing", document.currency, "", "", "", "", decimal(document.closing_micros), "", "", "", ""])
    return written.getvalue().encode()


def decimal(micros: int) -> str:
    """Write an amount exactly, with a point and six decimals."""
    whole, rest = divmod(abs(micros), 1_000_000)
    return f"{'-' if micros < 0 else ''}{whole}.{rest:06d}"


def what(line: Line) -> str:
    """Name a line on paper, with the reason that an operator gave."""
    name = line.type.replace("_", " ")
    return f"{name}: {line.because}" if line.because else name


def about(line: Line) -> list[str]:
    """Name the recording, the sale and the payout of a line, by which its owner finds them again."""
    named = {"recording": line.recording, "sale": line.sale, "payout": line.payout}
    return [f"{kind} {number}" for kind, number in named.items() if number is not None]


def facts(document: Document) -> dict[str, Any]:
    """Gather what the paper shows; it is in English, because a statement is shown to banks and offices anywhere.

    Amounts have all of their digits, so that adding up the paper gives its closing balance.
    """

    def shown(micros: int) -> str:
        return exact(document.currency, micros)

    return {
        "locale": "en",
        "title": f"Statement {document.month}, {document.currency}",
        "contributor": document.contributor,
        "id": str(document.id),
        "issued": f"{document.issued_at:%Y-%m-%d}",
        "opening": shown(document.opening_micros),
        "closing": shown(document.closing_micros),
        "lines": [
            [f"{line.at:%Y-%m-%d}", what(line), about(line), *map(shown, (line.gross_micros, line.fee_micros,
             line.tax_micros, line.net_micros, line.balance_micros))]
            for line in document.lines
        ],
    }  # fmt: skip
