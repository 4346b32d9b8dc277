"""Money for tests: lines on somebody's balance that no recording had to be accepted for."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from storage.balance_transactions import Draft, write
from storage.database import Pool, one, transaction
from storage.ledger import accounts
from storage.ledger.posting import Leg, post
from storage.steps import Fee, Rate, Sheet, Tax, for_accepting
from tests.api.trading import Owner


async def owner(database: Pool, recording: str | UUID) -> UUID:
    """Whose a recording is."""
    async with transaction(database) as connection:
        found = await one(connection, Owner, "SELECT account_id FROM recordings WHERE id = %(id)s", id=recording)
    assert found is not None
    return found.account_id


async def earned(database: Pool, recording: str, ms: int = 11_000, currency: str = "EUR") -> str:
    """Let a recording earn 12 an hour less a tenth, whatever its state; return the line's id."""
    account = await owner(database, recording)
    worked = for_accepting(
        Rate(12_000_000, 3_600_000, None), ms, [], [Fee("platform", 1000)], Tax(0, "nothing-withheld"), Sheet("test", 1)
    )
    async with transaction(database) as connection:
        pending = await accounts.of(connection, account, "contributor_pending", currency)
        costs = await accounts.ours(connection, "recording_costs", currency)
        fees = await accounts.ours(connection, "platform_fees", currency)
        legs = [Leg(costs, pending, worked.gross), Leg(pending, fees, worked.fee)]
        posted = await post(connection, f"test {uuid4()}", "accrual", legs)
        draft = Draft(
            account_id=account,
            type="earning",
            currency=currency,
            gross=worked.gross,
            fee=worked.fee,
            recording_id=UUID(recording),
            worked=worked,
            available_at=datetime.now(UTC) + timedelta(days=7),
        )
        return str((await write(connection, posted, [draft]))[0].id)
