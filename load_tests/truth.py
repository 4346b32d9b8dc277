"""What the service acknowledged, remembered, and asked for again when the load is over.

A fast wrong answer is worth less than none: every upload whose last byte was acknowledged is read back and hashed,
every stream of events is looked through for gaps, and the books of a service that runs here are audited.
"""

from __future__ import annotations

import hashlib
import os
import random
import subprocess
import sys
import time
from dataclasses import dataclass, field
from fractions import Fraction

import httpx

#: Tokens are renewed before they end, and who is turned away asks again; seconds.
RENEW_S, AGAIN_S = 600.0, 10.0
#: A run of hours acknowledges more than can be read back; this many, drawn at random, speak for all.
MOST = 2_000
#: What was acknowledged last may still wait for a worker; so long, in seconds, its end is waited for.
PATIENCE_S = 180.0
COUNTED = (
    "hashes read back",
    "hashes that differ",
    "acknowledged and lost",
    "still in validation",
    "amounts checked",
    "amounts that differ",
    "lies told",
    "lies believed",
    "event streams read",
    "event streams unread",
    "event gaps",
)


@dataclass
class Keys:
    """A phone's tokens; they are renewed, because one lives for a quarter of an hour."""

    access: str
    refresh: str
    since: float = field(default_factory=time.monotonic)

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks."""
        return {"Authorization": f"Bearer {self.access}"}

    @property
    def old(self) -> bool:
        """Whether it is time for new ones."""
        return time.monotonic() - self.since > RENEW_S

    def again_soon(self) -> None:
        """Ask once more in a moment: whoever was turned away has minutes until the old ones end."""
        self.since = time.monotonic() - RENEW_S + AGAIN_S

    def renewed(self, tokens: dict[str, str]) -> None:
        """Take the new pair."""
        self.access, self.refresh, self.since = tokens["access_token"], tokens["refresh_token"], time.monotonic()


@dataclass(frozen=True)
class Acknowledged:
    """A recording whose bytes the service said it has; accepted, it is paid `rate`: so many micros for so many ms.

    A `lie` was announced with the hash of other bytes, and is to be rejected.
    """

    recording: str
    sha256: str
    keys: Keys
    rate: tuple[int, int] = (0, 1)
    lie: bool = False


@dataclass
class Truth:
    """What was promised to this run's phones, and what was found to be wrong with it.

    `announced` counts recordings that somebody set out to send, `refused` bytes that were refused at once, because they
    were others than had been announced.
    """

    acknowledged: list[Acknowledged] = field(default_factory=list)
    phones: list[Keys] = field(default_factory=list)
    announced: int = 0
    refused: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def keep(self, promise: Acknowledged) -> None:
        """Remember that the service has acknowledged every byte."""
        self.acknowledged.append(promise)

    def completion(self) -> float:
        """Give the share of recordings, of those that somebody set out to send, whose every byte was acknowledged."""
        whole = sum(not promise.lie for promise in self.acknowledged)
        return whole / self.announced if self.announced else 1.0

    def check(self, host: str) -> None:
        """Ask again, and count: what was read back, what differs, what was lost, and gaps in events."""
        self.counts = {**dict.fromkeys(COUNTED, 0), "lies told": self.refused}
        chosen = random.sample(self.acknowledged, min(MOST, len(self.acknowledged)))
        deadline = time.monotonic() + PATIENCE_S
        with httpx.Client(base_url=host, timeout=30) as client:
            while chosen:
                chosen = [promise for promise in chosen if not self._read_back(client, promise)]
                if time.monotonic() > deadline:
                    self.counts["still in validation"] = len(chosen)
                    break
                time.sleep(1 if chosen else 0)
            for keys in random.sample(self.phones, min(MOST, len(self.phones))):
                self._listen_back(client, keys)
        if (wrong := audited()) is not None:
            self.counts["ledger findings"] = wrong

    def _read_back(self, client: httpx.Client, promise: Acknowledged) -> bool:
        """Look at one promise; false while its bytes are still in quarantine, where nobody can read them."""
        seen = asked(client, f"/v1/recordings/{promise.recording}", promise.keys)
        shown = seen.json()["recording"] if seen.is_success else {"state": "gone"}
        if seen.status_code in ASK_AGAIN or shown["state"] in WAITING:
            return False
        if promise.lie:
            self.counts["lies told"] += 1
            self.counts["lies believed"] += (shown["state"], shown["because"]) != ("rejected", "hash-mismatch")
            return True
        answer = asked(client, f"/v1/recordings/{promise.recording}/media", promise.keys)
        if answer.status_code in ASK_AGAIN:
            return False
        if answer.is_success:
            self.counts["hashes read back"] += 1
            self.counts["hashes that differ"] += hashlib.sha256(answer.content).hexdigest() != promise.sha256
        else:
            self.counts["acknowledged and lost"] += 1
        if shown["state"] == "accepted":
            self._work_out(client, promise, int(shown["duration_ms"]))
        return True

    def _work_out(self, client: httpx.Client, promise: Acknowledged, duration_ms: int) -> None:
        """Work out what a recording earned, in a way of our own, and compare; a half goes to the even micro."""
        micros, per_ms = promise.rate
        expected = round(Fraction(micros * duration_ms, per_ms))
        path = f"/v1/balance-transactions?type=earning&recording={promise.recording}"
        answer = asked(client, path, promise.keys)
        if answer.is_success:
            earned = sum(line["gross"]["micros"] for line in answer.json()["data"])
            self.counts["amounts checked"] += 1
            self.counts["amounts that differ"] += earned != expected

    def _listen_back(self, client: httpx.Client, keys: Keys) -> None:
        """Look through one stream of events."""
        missing = gaps(client, keys)
        self.counts["event streams read" if missing is not None else "event streams unread"] += 1
        self.counts["event gaps"] += missing or 0


WAITING = frozenset({"uploading", "validating", "failed"})
ASK_AGAIN = frozenset({401, 429, 503})


def asked(client: httpx.Client, path: str, keys: Keys) -> httpx.Response:
    """Ask with tokens that hold, and again for as long as the service says that it has too much to do."""
    if keys.old:
        renewal = client.post("/v1/sessions/refresh", json={"refresh_token": keys.refresh})
        if renewal.status_code == httpx.codes.OK:
            keys.renewed(renewal.json())
    for _ in range(20):
        answer = client.get(path, headers=keys.headers)
        if answer.status_code not in {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}:
            break
        time.sleep(min(float(answer.headers.get("Retry-After", "1")), 5))
    return answer


def gaps(client: httpx.Client, keys: Keys) -> int | None:
    """Count the numbers that are missing among somebody's events; None where they could not be read."""
    numbers: list[int] = []
    cursor: str | None = None
    while True:
        query = "" if cursor is None else f"?cursor={cursor}"
        answer = asked(client, f"/v1/events{query}", keys)
        if answer.status_code != httpx.codes.OK:
            return None
        found = answer.json()
        numbers += [event["number"] for event in found["data"]]
        cursor = found["next_cursor"]
        if not found["more"]:
            return (numbers[-1] - len(numbers)) if numbers else 0


def audited() -> int | None:
    """Audit the books of the service that runs in COMPANION_LOAD_DATA; None where that is elsewhere."""
    data = os.environ.get("COMPANION_LOAD_DATA")
    if not data:
        return None
    command = [sys.executable, "-m", "api.cli", "ledger", "audit"]
    audit = subprocess.run(command, env={**os.environ, "COMPANION_DATA": data}, check=False)
    return 0 if audit.returncode == 0 else 1


#: What this process's phones were promised.
TRUTH = Truth()
