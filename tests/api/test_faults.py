"""What is killed in the middle of work: the API, the database, the object store. Nothing acknowledged is ever lost.

Each test kills real processes with SIGKILL at random moments while phones go on sending and asking. A few rounds run
with every other test; `make faults` runs many, by COMPANION_FAULT_ROUNDS.
"""

import asyncio
import hashlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from httpx_sse import aconnect_sse

from api.events import HEARTBEAT_S
from api.supervisor import HEALTHY_S
from api.validation import Workplace
from storage.database import transaction
from storage.sweeping import remove_doomed
from tests.api.conftest import free_port, running
from tests.api.households import MAY_BE_HEARD, ended, household, judged
from tests.api.phones import Phone
from tests.api.taking import examined, speech
from tests.companions import Companion
from tests.processes import until

ROUNDS = int(os.environ.get("COMPANION_FAULT_ROUNDS", "2"))
API_KILLS = int(os.environ.get("COMPANION_FAULT_API_KILLS", str(ROUNDS)))
Campaign = dict[str, Any]
Client = httpx.AsyncClient
SignIn = Callable[[], Awaitable[Client]]
#: Recordings that are under way when the API is killed, at most.
MOST_UNFINISHED = 6
#: A killed engine is back before a phone's owner gives up; seconds.
BACK_WITHIN_S = 10
pytestmark = pytest.mark.timeout(300 + 90 * max(ROUNDS, API_KILLS))


async def test_a_killed_api_loses_no_acknowledged_byte(
    sign_in: SignIn, campaign: Campaign, place: Workplace, process_environment: dict[str, str], tmp_path: Path
) -> None:
    """The offset after a restart is never below an acknowledged one, and what is read back is what was sent."""
    environment = process_environment | {"COMPANION_PORT": str(free_port())}
    url, log = f"http://127.0.0.1:{environment['COMPANION_PORT']}", tmp_path / "api.log"
    phones: list[Phone] = []
    deliveries: list[asyncio.Task[None]] = []
    try:
        for _ in range(API_KILLS):
            with running("api", environment, log) as api:
                assert await until(lambda: answers(url), 240), log.read_text()
                for _ in range(2):
                    inside = await sign_in()
                    outside = Client(base_url=url, headers=inside.headers, timeout=30)
                    phones.append(Phone(outside, campaign))
                    deliveries.append(asyncio.create_task(delivered(phones[-1], inside, place)))
                await asyncio.sleep(random.uniform(0.2, 1.6))
                # On a slow machine a life this short finishes less than it is given: some are let through first.
                await until(lambda: sum(not delivery.done() for delivery in deliveries) <= MOST_UNFINISHED, 60)
                api.send_signal(signal.SIGKILL)
                api.wait()
            await lapse(place)
        with running("api", environment, log):
            await asyncio.gather(*deliveries)
    finally:
        await ended(deliveries)
        for phone in phones:
            await phone.client.aclose()

    cut = sum(phone.cut for phone in phones)
    print(f"\n{API_KILLS} kills of the API cut {cut} bodies; {len(phones)} recordings arrived whole")
    assert cut > 0
    assert set.union(*(phone.heard() for phone in phones)) <= {200, 201, 204, 423}


async def lapse(place: Workplace) -> None:
    """Let the leases of the dead writers end, all of which were the killed API's; by the clock it takes 12 s."""
    async with transaction(place.database) as connection:
        await connection.execute("UPDATE uploads SET busy_until = now() WHERE busy_until > now()")


async def delivered(phone: Phone, inside: Client, place: Workplace) -> None:
    """Deliver a recording of 3 MB, read it back, and delete it again; the bytes need not be sound for that."""
    data = os.urandom(3_000_000)
    recording = await phone.deliver(data, pause_s=0.03)
    await examined(place, inside, recording)
    media = await inside.get(f"/v1/recordings/{recording}/media")
    assert hashlib.sha256(data).digest() == hashlib.sha256(media.content).digest()
    await inside.delete(f"/v1/recordings/{recording}")
    await remove_doomed(place.database, place.store)


def answers(url: str) -> bool:
    """Tell whether the service can serve."""
    try:
        return httpx.get(f"{url}/readyz", timeout=5).status_code == 200
    except httpx.TransportError:
        return False


class Reader:
    """Somebody who looks at their recordings all the time, and knows when that last worked."""

    def __init__(self, phone: Phone) -> None:
        """Begin with nothing seen."""
        self.phone = phone
        self.statuses: list[int] = []
        self.seen = 0.0

    async def read(self) -> None:
        """Read until cancelled."""
        while True:
            answer = await self.phone.client.get("/v1/recordings")
            self.statuses.append(answer.status_code)
            if answer.status_code == 200:
                self.seen = time.monotonic()
            await asyncio.sleep(0.05)


async def survived(companion: Companion, phone: Phone, reader: Reader, victim: str) -> list[float]:
    """Kill an engine again and again while a phone delivers and a reader reads; check everything that was promised.

    Return how many seconds passed after each kill until the service could serve again.
    """
    absences, sent, deliveries = [], [], []
    reading = asyncio.create_task(reader.read())
    try:
        for _ in range(ROUNDS):
            for data in (speech(), os.urandom(4_000_000)):
                sent.append(data)
                deliveries.append(asyncio.create_task(phone.deliver(data, pause_s=0.01)))
            await asyncio.sleep(random.uniform(0.1, 1.5))
            pid = companion.child(victim)
            assert pid
            os.kill(pid, signal.SIGKILL)
            killed = time.monotonic()
            while (await phone.client.get("/readyz")).status_code != 200 or reader.seen < killed:
                assert time.monotonic() < killed + 240
                await asyncio.sleep(0.05)
            absences.append(time.monotonic() - killed)
            if len(absences) % 3 == 0:
                # What dies young is started again more and more slowly; that is not what is measured here.
                await asyncio.sleep(HEALTHY_S)
        for data, recording in zip(sent, await asyncio.gather(*deliveries), strict=True):
            expected = ("needs_consent", "consent-missing") if data[:4] == b"RIFF" else ("rejected", "unreadable")
            assert expected == await judged(phone, recording), companion.lines[-50:]
            media = await phone.insist("GET", f"/v1/recordings/{recording}/media")
            assert hashlib.sha256(data).digest() == hashlib.sha256(media.content).digest()
    finally:
        await ended([reading, *deliveries])
    print(f"\n{victim} killed {ROUNDS} times; served again after {', '.join(f'{s:.1f}' for s in absences)} s")
    return absences


async def listen(client: Client, heard: list[int], open_now: asyncio.Event) -> None:
    """Keep the numbers of the events that one stream tells, which no absence of the database ends."""
    # Signing in by itself, the client would read every body to its end, and a stream has none.
    token = (await client.get("/v1/events")).request.headers["Authorization"]
    async with aconnect_sse(client, "GET", "/v1/events", auth=None, headers={"Authorization": token}) as stream:
        open_now.set()
        async for event in stream.aiter_sse():
            heard += [int(event.id)]


async def newest_event(phone: Phone) -> int:
    """Ask for the number of the last event, page by page."""
    page = (await phone.insist("GET", "/v1/events")).json()
    while page["data"]:
        last = page["next_cursor"]
        page = (await phone.insist("GET", "/v1/events", params={"cursor": last})).json()
    return int(last)


async def test_a_killed_database_is_a_pause_and_no_error() -> None:
    """Phones hear 503 and when to come back, within ten seconds it is back, and every acknowledged row is there.

    A phone that listens to events hears every one of them, once, on the same connection.
    """
    async with household() as (companion, client, campaign):
        phone = Phone(client, campaign)
        heard: list[int] = []
        open_now = asyncio.Event()
        listening = asyncio.create_task(listen(client, heard, open_now))
        await open_now.wait()

        absences = await survived(companion, phone, Reader(phone), "postgres")

        last = await newest_event(phone)
        # A bell that was not heard while the database was away is made up for by the next heartbeat.
        everything = await until(lambda: last == len(heard) or listening.done(), 2 * HEARTBEAT_S)
        assert not listening.done(), listening
        await ended([listening])
        assert everything, (last, heard[-3:])
        assert list(range(1, last + 1)) == heard

    assert phone.heard() <= MAY_BE_HEARD
    assert 503 in phone.heard()
    assert max(absences) < BACK_WITHIN_S


async def test_a_killed_object_store_delays_recordings_and_loses_none() -> None:
    """Uploads hear 503 and when to come back; whoever only reads notices nothing; what was sent is examined later."""
    async with household() as (companion, client, campaign):
        phone = Phone(client, campaign)
        reader = Reader(phone)

        await survived(companion, phone, reader, "weed")

    assert phone.heard() <= MAY_BE_HEARD
    assert 503 in phone.heard()
    assert {200} == set(reader.statuses)
