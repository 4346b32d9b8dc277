"""A contributor whose recordings are being sold: looks at the money, names a recording, and takes one back."""

import itertools

from locust import between, task

from load_tests.goods import goods
from load_tests.phone import Phone
from load_tests.truth import TRUTH

COUNT = itertools.count()


class Sold(Phone):
    """Somebody who heard of the sale, and looks what becomes of it."""

    wait_time = between(1, 3)

    def on_start(self) -> None:
        """Take the phone of one of those who are sold."""
        person = goods().people[next(COUNT) % len(goods().people)]
        self.keys, self.recording = person.keys(), person.recording
        self.withdrawn = False
        TRUTH.phones.append(self.keys)

    @task(6)  # type: ignore[untyped-decorator]
    def look(self) -> None:
        """Open the earnings and what happened."""
        self.get("/v1/balances", "balances")
        self.get("/v1/balance-transactions", "balance transactions")
        self.get("/v1/events", "events")

    @task(2)  # type: ignore[untyped-decorator]
    def name(self) -> None:
        """Give a recording a title: a sale that holds it for long would be noticed here."""
        self.json("PATCH", f"/v1/recordings/{self.recording}", "rename", (200, 409), json={"title": "Reading"})

    @task(1)  # type: ignore[untyped-decorator]
    def take_back(self) -> None:
        """Withdraw a recording once its sale is seen."""
        uses = self.get(f"/v1/recordings/{self.recording}/uses", "uses")
        if uses and uses["data"] and not self.withdrawn:
            body = {"uses": ["*"]}
            path = f"/v1/recordings/{self.recording}/withdrawals"
            self.withdrawn = self.json("POST", path, "withdraw", (200, 201, 202), json=body) is not None
