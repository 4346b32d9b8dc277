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

import httpx

#: Tokens are renewed before they end; seconds.
RENEW_S = 600.0
#: A run of hours acknowledges more than can be read back; this many, drawn at random, speak for all.
MOST = 2_000
COUNTED = ("hashes read back", "hashes that differ", "acknowledged and lost", "event gaps")


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

    def renewed(self, tokens: dict[str, str]) -> None:
        """Take the new pair."""
        self.access, self.refresh, self.since = tokens["access_token"], tokens["refresh_token"], time.monotonic()


@dataclass(frozen=True)
class Acknowledged:
    """A recording whose bytes the service said it has."""

    recording: str
    sha256: str
    keys: Keys


@dataclass
class Truth:
    """What was promised to this run's phones, and what was found to be wrong with it."""

    acknowledged: list[Acknowledged] = field(default_factory=list)
    phones: list[Keys] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)

    def keep(self, recording: str, sha256: str, keys: Keys) -> None:
        """Remember that the service has acknowledged every byte."""
        self.acknowledged.append(Acknowledged(recording, sha256, keys))

    def check(self, host: str) -> None:
        """Ask again, and count: what was read back, what differs, what was lost, and gaps in events."""
        self.counts = dict.fromkeys(COUNTED, 0)
        chosen = random.sample(self.acknowledged, min(MOST, len(self.acknowledged)))
        with httpx.Client(base_url=host, timeout=30) as client:
            for promise in chosen:
                self._read_back(client, promise)
            for keys in random.sample(self.phones, min(MOST, len(self.phones))):
                self.counts["event gaps"] += gaps(client, keys)
        if (wrong := audited()) is not None:
            self.counts["ledger findings"] = wrong

    def _read_back(self, client: httpx.Client, promise: Acknowledged) -> None:
        answer = asked(client, f"/v1/recordings/{promise.recording}/media", promise.keys)
        if answer.status_code == httpx.codes.OK:
            self.counts["hashes read back"] += 1
            self.counts["hashes that differ"] += hashlib.sha256(answer.content).hexdigest() != promise.sha256
            return
        seen = asked(client, f"/v1/recordings/{promise.recording}", promise.keys)
        # Bytes that are still in quarantine are not lost; neither are those whose owner may no longer ask.
        waiting = seen.status_code in {401, 429, 503} or seen.json().get("recording", {}).get("state") in WAITING
        self.counts["acknowledged and lost"] += not waiting


WAITING = frozenset({"uploading", "validating", "failed"})


def asked(client: httpx.Client, path: str, keys: Keys) -> httpx.Response:
    """Ask with tokens that hold, and again for as long as the service says that it has too much to do."""
    if keys.old:
        renewal = client.post("/v1/sessions/refresh", json={"refresh_token": keys.refresh})
        if renewal.status_code == httpx.codes.OK:
            keys.renewed(renewal.json())
    for _ in range(20):
        answer = client.get(path, headers=keys.headers)
        if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
            break
        time.sleep(float(answer.headers.get("Retry-After", "1")))
    return answer


def gaps(client: httpx.Client, keys: Keys) -> int:
    """Count the numbers that are missing among somebody's events."""
    numbers: list[int] = []
    cursor: str | None = None
    while True:
        query = "" if cursor is None else f"?cursor={cursor}"
        answer = asked(client, f"/v1/events{query}", keys)
        if answer.status_code != httpx.codes.OK:
            return 0
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
