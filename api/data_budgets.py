"""A contributor's data budget: how many bytes a day their phone may spend here, and whether it waits for Wi-Fi."""

from __future__ import annotations

from typing import Annotated

from litestar import get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.dependencies import Caller, Database
from api.problems import problems
from storage import data_budgets
from storage.data_budgets import DataBudget
from storage.database import transaction

BytesPerDay = Annotated[int, Meta(ge=1, le=2**53 - 1, description="Bytes within 24 hours.", examples=[200000000])]


class NewDataBudget(Struct, frozen=True):
    """What the phone may spend over mobile networks; null takes as many bytes as it needs."""

    bytes_per_day: BytesPerDay | None = None
    wifi_only: bool = False


class DataBudgetView(Struct, frozen=True):
    """The budget, and what arrived in the last 24 hours over whatever network: this service cannot see which."""

    bytes_per_day: BytesPerDay | None
    wifi_only: bool
    spent_bytes: Annotated[int, Meta(examples=[48211000])]


@get("/v1/me/data-budget", responses=problems(), tags=["Uploads"])
async def read_data_budget(account: Caller, database: Database) -> DataBudgetView:
    """Read your data budget and what is spent of it."""
    async with transaction(database) as connection:
        budget = await data_budgets.find(connection, account.id)
        spent = await data_budgets.spent(connection, account.id)
    return DataBudgetView(budget.bytes_per_day, budget.wifi_only, spent)


@put("/v1/me/data-budget", responses=problems(), tags=["Uploads"])
async def set_data_budget(data: JSONBody[NewDataBudget], account: Caller, database: Database) -> DataBudgetView:
    """Set your data budget; upload plans keep to it on every device of yours."""
    async with transaction(database) as connection:
        await data_budgets.store(connection, account.id, DataBudget(data.bytes_per_day, data.wifi_only))
        spent = await data_budgets.spent(connection, account.id)
    return DataBudgetView(data.bytes_per_day, data.wifi_only, spent)


handlers = [read_data_budget, set_data_budget]
