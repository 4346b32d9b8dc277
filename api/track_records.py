"""Track records: how it went for those who recorded for a campaign before."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from msgspec import Meta

from api.money import HOUR_MS, Money, money
from storage.track_records import DAYS, Decisions
from storage.track_records import TrackRecord as Row


class TrackRecord(Decisions, frozen=True):
    """What became of the recordings that were decided in the `days` days that end with `until`.

    A recording counts once, as its newest decision left it. `examined_in` is from the last byte to the report,
    `reviewed_in` from the doubt to the decision of a person. `earned_per_hour` is what an hour of recording earned at
    acceptance, with the hours that were not accepted counted too, before sales, fees and taxes.
    """

    until: date
    days: Annotated[int, Meta(gt=0, examples=[DAYS])]
    earned_per_hour: Money | None


def track_record_of(row: Row, currency: str, locale: str) -> TrackRecord:
    """Show a record to a reader of `locale`; an hour of what has no length earned nothing that could be told."""
    hourly = row.earned_micros * HOUR_MS // row.recorded_ms if row.recorded_ms else None
    decided = {name: getattr(row, name) for name in Decisions.__struct_fields__}
    earned = None if hourly is None else money(currency, hourly, locale)
    return TrackRecord(**decided, until=row.day, days=DAYS, earned_per_hour=earned)
