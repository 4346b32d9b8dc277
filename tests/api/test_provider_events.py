"""A payment provider over HTTP: payouts are handed over once, its reports are believed only when they are signed."""

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

from api.errors import ProviderUnavailable
from api.provider_events import submit_approved
from api.settings import Settings
from storage import payouts
from storage.database import Pool, transaction
from tests.api.conftest import PROVIDER_SECRET
from tests.api.paying import account_of, destination, earned
from tests.api.taking import slug

Client = httpx.AsyncClient


class Provider(ThreadingHTTPServer):
    """A payment provider on this machine: takes payouts, remembers what it was given."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Counter)
        self.taken: dict[str, dict[str, Any]] = {}
        self.refusing = False
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class Counter(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        provider: Provider = self.server  # type: ignore[assignment]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(503 if provider.refusing else 201)
        self.end_headers()
        if not provider.refusing:
            provider.taken[self.headers["Idempotency-Key"]] = body
            self.wfile.write(json.dumps({"reference": f"p-{body['end_to_end_id']}"}).encode())

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


def signed(kind: str, payout: str, *, secret: str = PROVIDER_SECRET, age: timedelta = timedelta()) -> dict[str, Any]:
    """An event as the provider sends it."""
    event_id, at = f"msg_{uuid4()}", datetime.now(UTC) - age
    body = json.dumps({"type": kind, "data": {"end_to_end_id": payout, "because": "account closed", "code": "AC04"}})
    headers = {
        "webhook-id": event_id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(event_id, at, body),
    }
    return {"content": body, "headers": headers}


async def test_an_approved_payout_is_handed_over_and_its_way_reported(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """From the request to the bank without anybody's hands."""
    await submit_approved(database, settings.master_key, provider.url)
    handed = await state(contributor, approved)
    for kind in ("payout.in_transit", "payout.paid"):
        assert 204 == (await client.post("/v1/provider-events", **signed(kind, approved))).status_code

    given = provider.taken[approved]
    assert ("submitted", "paid") == (handed, await state(contributor, approved))
    assert (12_340_000, "DE89370400440532013000") == (given["micros"], given["creditor"]["iban"])


async def test_a_provider_that_is_away_gets_it_later_under_the_same_number(
    contributor: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Nobody can cancel it meanwhile, and it is not handed over twice."""
    provider.refusing = True
    with pytest.raises(ProviderUnavailable):
        await submit_approved(database, settings.master_key, provider.url)
    refused = await contributor.post(f"/v1/payouts/{approved}/cancel")
    provider.refusing = False
    await submit_approved(database, settings.master_key, provider.url)
    await submit_approved(database, settings.master_key, provider.url)

    assert 409 == refused.status_code
    assert approved in provider.taken
    async with transaction(database) as connection:
        handed = await payouts.handed_to(connection, "hooked", UUID(approved))
    assert f"p-{UUID(approved).hex}" == handed.reference


async def test_an_event_counts_once_and_a_late_one_not_at_all(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """Providers deliver twice, and out of order."""
    await submit_approved(database, settings.master_key, provider.url)
    failed = signed("payout.failed", approved)
    for event in (failed, failed, signed("payout.in_transit", approved)):
        assert 204 == (await client.post("/v1/provider-events", **event)).status_code

    shown = (await contributor.get(f"/v1/payouts/{approved}")).json()
    assert ("failed", "account closed", "AC04") == (shown["state"], shown["because"], shown["failure"]["code"])
    assert 1 == sum(step["state"] == "failed" for step in shown["timeline"])


async def test_an_event_that_is_not_the_provider_s_is_refused(
    contributor: Client, client: Client, database: Pool, settings: Settings, provider: Provider, approved: str
) -> None:
    """A wrong secret, an old event, a changed body, and none of the headers."""
    await submit_approved(database, settings.master_key, provider.url)
    strange = signed("payout.paid", approved, secret="whsec_" + "A" * 32)
    old = signed("payout.paid", approved, age=timedelta(minutes=6))
    changed = signed("payout.failed", approved)
    changed["content"] = changed["content"].replace("failed", "paid")
    for event in (strange, old, changed, {"content": "{}"}, {"content": b"\xff"}):
        answer = await client.post("/v1/provider-events", **event)
        assert (401, "provider-event-refused") == (answer.status_code, slug(answer))

    assert "submitted" == await state(contributor, approved)


async def test_a_payout_that_the_provider_never_had_cannot_be_moved_by_it(client: Client, approved: str) -> None:
    """A provider speaks of its own payouts only."""
    answer = await client.post("/v1/provider-events", **signed("payout.paid", approved))

    assert (404, "payout-missing") == (answer.status_code, slug(answer))
