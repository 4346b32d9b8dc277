"""Long lists, page by page: a cursor says after which row to go on.

The cursor is a position and not a number of rows, so nothing is shown twice or left out when rows are added meanwhile.
"""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Generic, TypeAlias, TypeVar
from uuid import UUID

from litestar.params import QueryParameter
from msgspec import Meta, Struct

from api.errors import CursorInvalid

Row = TypeVar("Row")

#: `limit: Limit = 50`
Limit: TypeAlias = Annotated[int, QueryParameter(ge=1, le=200, description="How many to show, at most.")]
#: `cursor: Cursor = None`
Cursor: TypeAlias = Annotated[str | None, QueryParameter(description="`next_cursor` of the page before this one.")]


class Page(Struct, Generic[Row], frozen=True):
    """One page of a list; `next_cursor` asks for the next one and is null on the last."""

    data: list[Row]
    next_cursor: Annotated[str | None, Meta(examples=["AZjC9GpRfD6dG18_CgxAOw"])] = None


def page(rows: Sequence[Row], limit: int, position: Callable[[Row], UUID]) -> Page[Row]:
    """Make a page of rows that were asked for with one more than `limit`: the surplus row tells that there are more."""
    shown = list(rows[:limit])
    return Page(shown, cursor_of(position(shown[-1])) if len(rows) > limit else None)


def cursor_of(row: UUID) -> str:
    """Write a row's id as a cursor."""
    return base64.urlsafe_b64encode(row.bytes).decode().rstrip("=")


def position_of(cursor: str | None) -> UUID | None:
    """Read a cursor back. Raises CursorInvalid."""
    if cursor is None:
        return None
    try:
        return UUID(bytes=base64.b64decode(cursor + "==", altchars=b"-_", validate=True))
    except (binascii.Error, ValueError) as error:
        raise CursorInvalid from error
