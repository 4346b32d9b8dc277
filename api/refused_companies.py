"""Refused companies: say to whom nothing of yours is sold."""

from __future__ import annotations

from typing import Annotated

from litestar import get, put
from litestar.params import JSONBody
from msgspec import Meta, Struct

from api.dependencies import Caller, Database
from api.problems import problems
from storage import refused_companies
from storage.database import reading, transaction
from storage.refused_companies import MOST, RefusedCompany

Name = Annotated[str, Meta(min_length=1, max_length=200, pattern=r"^[^\x00]*\Z", examples=["Harbour Speech GmbH"])]


class CompanyRefusals(Struct, frozen=True):
    """The companies that are to get nothing, by name; the list replaces the one before."""

    names: Annotated[list[Name], Meta(max_length=MOST, examples=[["Harbour Speech GmbH"]])]


class RefusedCompanies(Struct, frozen=True):
    """The companies that get nothing of yours, and since when."""

    data: list[RefusedCompany]


@get("/v1/me/refused-companies", responses=problems(), tags=["Accounts"])
async def list_refused_companies(account: Caller, database: Database) -> RefusedCompanies:
    """List the companies that get nothing of yours."""
    async with reading(database) as connection:
        return RefusedCompanies(await refused_companies.listing(connection, account.id))


@put("/v1/me/refused-companies", responses=problems(), tags=["Accounts"])
async def refuse_companies(data: JSONBody[CompanyRefusals], account: Caller, database: Database) -> RefusedCompanies:
    """Say which companies get nothing of yours, whatever the terms allow.

    It counts for every sale from now on, of all your recordings. Names are compared without case, accents, legal forms
    and the order of words, as in `…/uses`; a subsidiary of another name is another company. What a company has licensed
    already goes on until you withdraw it.
    """
    async with transaction(database) as connection:
        return RefusedCompanies(await refused_companies.replace(connection, account.id, data.names))


handlers = [list_refused_companies, refuse_companies]
