"""Explanations: every amount step by step, in words and in numbers, so that its owner can compute it again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

from babel.numbers import format_percent
from babel.units import format_unit
from litestar import Request, Response, get
from litestar.params import FromPath
from msgspec import Meta, Struct
from msgspec.structs import asdict

from api.conditional import KEPT
from api.dependencies import Caller, Database
from api.explanation_texts import language_of, texts
from api.localised import locale_of, localised
from api.money import HOUR_MS, Money, display, hourly, money
from api.problems import problems
from storage import balance_transactions, tax
from storage.balance_transactions import EARNED, Type
from storage.database import Connection, transaction
from storage.errors import EarningMissing
from storage.ledger.amounts import BPS
from storage.steps import Step


class ExplainedStep(Step, frozen=True, kw_only=True, omit_defaults=True):
    """One step in words; its other fields are the numbers that `how` speaks of.

    Fields that do not belong to a step are left out.
    """

    label: Annotated[str, Meta(examples=["Accepted time"])]
    value: Annotated[str, Meta(examples=["11 s"])]
    how: Annotated[str, Meta(examples=["rate.micros × times.ms ÷ rate.per_ms, rounded to the nearest micro."])]


class Explanation(Struct, frozen=True):
    """How one amount came to be: the first step to the last, which is what arrives."""

    id: UUID
    type: Type
    title: Annotated[str, Meta(examples=["Earned for an accepted recording"])]
    recording: UUID | None
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z", examples=["EUR"])]
    net: Money
    steps: list[ExplainedStep]
    available_at: datetime
    created_at: datetime
    transaction_id: Annotated[UUID, Meta(description="The posting in the ledger.")]


def explained(
    steps: Iterable[Step],
    currency: str,
    locale: str,
    rules: Mapping[str, str] = MappingProxyType({}),
    *,
    estimate: bool = False,
) -> list[ExplainedStep]:
    """Put steps into the words and numbers of a reader's locale; `rules` are sentences of tax rules, by their code.

    Of an `estimate` nothing was announced or promised yet: its rate is the one of this moment.
    """
    words = {f"tax.{code}": sentence for code, sentence in rules.items()} | texts(language_of(locale))
    told: list[ExplainedStep] = []
    for step in steps:
        label, how = _keys(step, told)
        if estimate and step.op == "rate":
            label = "label.rate.estimate"
        told.append(
            ExplainedStep(
                **asdict(step),
                label=words.get(f"{label}.{step.code}", words[label]).format(code=step.code),
                value=_value(step, currency, locale),
                how=_how(words, how, step),
            )
        )
    return told


def _keys(step: Step, before: list[ExplainedStep]) -> tuple[str, str]:
    """Name the texts of a step: what it is called, and how its number comes to be."""
    match step.op:
        case "rate":
            by = "sheet" if step.term_sheet else "quote" if step.quote else "campaign"
            return f"label.rate.{by}", "how.rate"
        case "times" | "price" | "share":
            return f"label.{step.op}", f"how.{step.op}"
        case "minus":
            kind = "tax" if step.code == "tax" else "fee"
            return f"label.{kind}", f"how.{kind}"
        case "equals":
            if any(earlier.op == "equals" for earlier in before):
                return "label.net", "how.net"
            return "label.gross", "how.gross.accepted" if before[0].op == "rate" else "how.gross.sold"


def _how(words: dict[str, str], key: str, step: Step) -> str:
    """Say how a number comes to be; of tax, also why: in the reader's language, or as the rule has it."""
    rule = words.get(f"tax.{step.rule}") if step.code == "tax" else None
    return f"{words[key]} {rule}" if rule else words[key]


def _value(step: Step, currency: str, locale: str) -> str:
    """Write the number of a step for a person."""
    if step.op == "rate":
        return hourly(currency, step.micros or 0, step.per_ms or HOUR_MS, locale)
    if step.op == "times":
        return _length(step.ms or 0, locale)
    if step.op == "share":
        return format_percent((step.bps or 0) / BPS, locale=locale.replace("-", "_"), decimal_quantization=False)
    micros = step.micros or 0
    return display(currency, -micros if step.op == "minus" and micros else micros, locale)


def _length(ms: int, locale: str) -> str:
    """Write a length in minutes and seconds, with the fraction that was paid."""
    minutes, rest = divmod(ms, 60_000)
    name = locale.replace("-", "_")
    seconds = format_unit(rest / 1000, "duration-second", "short", format="#,##0.###", locale=name)
    return f"{format_unit(minutes, 'duration-minute', 'short', locale=name)} {seconds}" if minutes else seconds


@get("/v1/earnings/{earning:uuid}/explanation", responses=problems(EarningMissing), tags=["Earnings"])
async def explain_earning(
    request: Request[Any, Any, Any], earning: FromPath[UUID], account: Caller, database: Database
) -> Response[Explanation]:
    """Read how one amount came to be, step by step; the numbers in it are all that it takes to compute it again."""
    locale = locale_of(request)
    async with transaction(database) as connection:
        line = await balance_transactions.find(connection, account.id, earning)
        if line.type not in EARNED:
            raise EarningMissing
        steps = await balance_transactions.steps(connection, line)
        rules = await _rules(connection, steps, line.created_at)
    shown = Explanation(
        id=line.id,
        type=line.type,
        title=texts(language_of(locale))[f"title.{line.type}"],
        recording=line.recording_id,
        currency=line.currency,
        net=money(line.currency, line.net_micros, locale),
        steps=explained(steps, line.currency, locale, rules),
        available_at=line.available_at,
        created_at=line.created_at,
        transaction_id=line.transaction_id,
    )
    return localised(request, shown, locale, KEPT)


async def _rules(connection: Connection, steps: Iterable[Step], at: datetime) -> dict[str, str]:
    """Find the sentences of the tax rules in these steps, as they stood at a moment."""
    codes = {step.rule for step in steps if step.code == "tax" and step.rule}
    found = {code: await tax.reason(connection, code, at) for code in codes}
    return {code: sentence for code, sentence in found.items() if sentence}


handlers = [explain_earning]
