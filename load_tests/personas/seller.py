"""The operator at the desk: sells everything that was collected, in one sale, and sees that everybody is paid."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import gevent
from locust import constant, task

from load_tests.goods import PRICE, Person, goods
from load_tests.phone import Phone

#: A sale is written in one piece, and its contributors are paid piece by piece; nobody waits longer, in seconds.
PATIENCE_S = 900.0


class Seller(Phone):
    """Somebody who sells a hundred thousand recordings, once."""

    fixed_count = 1
    wait_time = constant(5)
    network_timeout = PATIENCE_S
    connection_timeout = PATIENCE_S

    def on_start(self) -> None:
        """Sit down; the account is there already."""
        self.keys = goods().operator.keys()
        self.sale: str | None = None

    @task  # type: ignore[untyped-decorator]
    def sell(self) -> None:
        """Write the sale, once, and wait until the last contributor was paid; afterwards look at it."""
        if self.sale is not None:
            self.get(f"/v1/operator/sales/{self.sale}", "read sale")
            return
        begun = time.perf_counter()
        made = self.post("/v1/operator/sales", "sell", offer(), 201)
        if made:
            self.sale = made["id"]
            self.see_paid(begun)

    def see_paid(self, begun: float) -> None:
        """Wait until the contributors whose phones are known have what they are owed; all of it is a figure."""
        left = goods().people
        while left and time.perf_counter() - begun < PATIENCE_S:
            gevent.sleep(1)
            left = [person for person in left if not self.paid(person)]
        missing = TimeoutError(f"{len(left)} of {len(goods().people)} have not what they are owed.") if left else None
        self.waited(begun, missing, "everybody paid")

    def paid(self, person: Person) -> bool:
        """Whether a contributor has exactly what a sale of all recordings brings them."""
        headers = {"Authorization": f"Bearer {person.access}"}
        found = self.json("GET", "/v1/balances", "balances", (200,), headers=headers)
        return bool(found) and goods().owed_micros == sum(one["pending"]["micros"] for one in found["data"])


def offer() -> dict[str, Any]:
    """Everything, for a year."""
    return {
        "buyer": str(goods().buyer),
        "dataset": str(goods().dataset),
        "version": 1,
        "uses": ["asr_training"],
        "purpose": "Speech recognition for hospitals.",
        "ends_at": (datetime.now(UTC) + timedelta(days=365)).isoformat(),
        "currency": "EUR",
        "price_micros": PRICE * goods().recordings,
    }
