"""A payment provider on this machine for tests, and a payout for it: what it was given, what it answers and reports."""

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from storage import payouts
from storage.database import Pool, transaction
from tests.api.paying import account_of, destination, earned

Client = httpx.AsyncClient
#: What the tests' payment provider signs with.
PROVIDER_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Provider(ThreadingHTTPServer):
    """A payment provider on this machine: takes payouts, remembers what it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counter)
        self.taken: dict[str, dict[str, Any]] = {}
        #: Where each payout is, as it answers when it is asked, and how often it was.
        self.standings: dict[str, dict[str, Any]] = {}
        self.asked: list[str] = []
        self.refusing = False
        #: Questions only are answered with 503.
        self.refusing_questions = False
        #: Every payout that somebody tried to hand over.
        self.given: list[str] = []
        #: What it answers to a payout, by its number, instead of taking it.
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Counter(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        provider: Provider = self.server  # type: ignore[assignment]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        number = self.headers["Idempotency-Key"]
        taken = 201, json.dumps({"reference": f"p-{body['end_to_end_id']}"}).encode()
        status, answer = (503, b"") if provider.refusing else provider.answers.get(number, taken)
        provider.given.append(number)
        if status == 0:
            self.close_connection = True
            return
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer)
        if status == 201:
            provider.taken[number] = body

    def do_GET(self) -> None:
        provider: Provider = self.server  # type: ignore[assignment]
        number = str(UUID(self.path.rpartition("/")[2]))
        provider.asked.append(number)
        known = provider.standings.get(number)
        if known == {"state": "hang up"}:
            self.close_connection = True
            return
        self.send_response(503 if provider.refusing or provider.refusing_questions else 200 if known else 404)
        self.end_headers()
        self.wfile.write(json.dumps(known or {}).encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def provider() -> Iterator[Provider]:
    with Provider() as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield serving
        serving.shutdown()
        thread.join()


@pytest.fixture
async def approved(contributor: Client, database: Pool) -> str:
    """A payout that may go."""
    account = await account_of(contributor, database)
    await earned(database, account, 12_340_000)
    target = await destination(contributor, database, account)
    made = (await contributor.post("/v1/payouts", json={"destination": target})).json()
    async with transaction(database) as connection:
        await payouts.move(connection, UUID(made["id"]), "approved", by="operator")
    return str(made["id"])


async def state(contributor: Client, payout: str) -> str:
    return str((await contributor.get(f"/v1/payouts/{payout}")).json()["state"])


def signed(
    kind: str, payout: str, *, secret: str = PROVIDER_SECRET, age: timedelta = timedelta(), **more: str
) -> dict[str, Any]:
    """An event as the provider sends it."""
    event_id, at = f"msg_{uuid4()}", datetime.now(UTC) - age
    data = {"end_to_end_id": payout, "because": "account closed", "code": "AC04", **more}
    body = json.dumps({"type": kind, "data": data})
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, body),
    }
    return {"content": body, "headers": headers}


async def passed(database: Pool, payout: str, minutes: int) -> None:
    """Let nothing have been heard of a payout for so long."""
    query = "UPDATE payouts SET updated_at = updated_at - %(by)s, asked_at = asked_at - %(by)s WHERE id = %(payout)s"
    async with transaction(database) as connection:
        await connection.execute(query, {"by": timedelta(minutes=minutes), "payout": payout})
