"""Pay day: everybody opens the earnings, and asks for a payout."""

from locust import between, task

from load_tests.phone import PASSWORD, Phone

#: The example of the German banking association: passes every check, belongs to nobody.
IBAN = "DE89370400440532013000"
PAGES = (
    ("/v1/balances", "balances"),
    ("/v1/balance-transactions", "balance transactions"),
    ("/v1/earnings/summary", "earnings summary"),
    ("/v1/payouts", "payouts"),
)


class Payee(Phone):
    """Somebody who looks at the money all day."""

    wait_time = between(0.5, 2)

    def on_start(self) -> None:
        """Earn something, and name a bank account."""
        super().on_start()
        self.submit()
        self.post("/v1/sessions/current/confirmations", "confirm", {"password": PASSWORD}, 201)
        bank = {"method": "sepa", "holder": "Load Test", "iban": IBAN}
        self.destination = self.post("/v1/payout-destinations", "add destination", bank, 201)

    @task(5)  # type: ignore[untyped-decorator]
    def look(self) -> None:
        """Open every page of the earnings."""
        for path, name in PAGES:
            self.get(path, name)

    @task(1)  # type: ignore[untyped-decorator]
    def ask(self) -> None:
        """Ask for a payout; that it is too early or too little is an answer."""
        if self.destination:
            wish = {"destination": self.destination["id"]}
            self.json("POST", "/v1/payouts", "ask for payout", (201, 403, 409), json=wish)
