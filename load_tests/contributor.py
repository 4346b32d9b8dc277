"""The main journey: sign in, announce a recording, send it, and read its report.

Every recording is different, in its bytes and in what is heard, because a service that has seen a file before may
answer without work. Response times are grouped by the operation and not by the address.
"""

import hashlib
import io
import random
import time
import uuid
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gevent
import numpy as np
from locust import FastHttpUser, between, events, task

from load_tests import thresholds

SAMPLE_RATE = 16_000
LENGTH_S = 4
PASSWORD = "a sentence nobody else says"  # noqa: S105 – the accounts live for a minute.
PATIENCE_S = 60
POLL_S = 0.25
TUS = {"Tus-Resumable": "1.0.0"}


def recording() -> bytes:
    """Four seconds like speech, never the same twice: a new voice pitch, new syllables, new room noise."""
    random_numbers = np.random.default_rng()
    at_s = np.arange(SAMPLE_RATE * LENGTH_S) / SAMPLE_RATE
    pitch = random_numbers.uniform(90, 250)
    voice = sum(np.sin(2 * np.pi * pitch * n * at_s) / n for n in range(1, 12))
    syllables = np.repeat(random_numbers.uniform(0, 1, 4 * LENGTH_S) > 0.3, SAMPLE_RATE // 4)
    samples = 0.1 * voice * syllables + random_numbers.normal(scale=5e-4, size=at_s.size)
    file = io.BytesIO()
    with wave.open(file, "wb") as output:
        output.setnchannels(1)
        output.setsampwidth(2)
        output.setframerate(SAMPLE_RATE)
        output.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    return file.getvalue()


def asks_to_wait(answer: Any) -> bool:
    """Whether the service said that it has too much to do, and for how long."""
    return answer.status_code == 503 and "Retry-After" in (answer.headers or {})


class Contributor(FastHttpUser):  # type: ignore[misc]
    """One person with a phone, who records, sends, and waits for the verdict."""

    wait_time = between(1, 3)

    def on_start(self) -> None:
        """Open an account, once; signing in is part of every journey."""
        self.email = f"{uuid.uuid4()}@example.org"
        self.post("/v1/accounts", "sign up", {"email": self.email, "password": PASSWORD}, 201)

    @task  # type: ignore[untyped-decorator]
    def submit(self) -> None:
        """The whole journey; a step that fails is counted and ends it."""
        tokens = self.post("/v1/sessions", "sign in", {"email": self.email, "password": PASSWORD}, 201)
        if tokens is None:
            return
        headers = {"Authorization": f"Bearer {tokens['access_token']}"}
        content = recording()
        claimed = self.claim(content, headers)
        if claimed is not None and self.send(content, claimed["upload"]["url"], headers):
            self.read_report(claimed["id"], headers)

    def claim(self, content: bytes, headers: dict[str, str]) -> Any:
        """Choose a campaign and announce the recording."""
        campaigns = self.get("/v1/campaigns?media=audio", "list campaigns", headers)
        if not campaigns:
            return None
        wish = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "media_type": "audio/wav",
            "campaign": campaigns["data"][0]["id"],
            "language": random.choice(campaigns["data"][0]["languages"]),
        }
        return self.post("/v1/recordings", "claim", wish, 201, headers)

    def send(self, content: bytes, url: str, headers: dict[str, str]) -> bool:
        """Send every byte in one request."""
        tus = {**headers, **TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
        with self.judged("PATCH", url, "upload", data=content, headers=tus) as answer:
            if answer.status_code != 204 and not asks_to_wait(answer):
                answer.failure(f"{answer.status_code}: {answer.text}")
            return bool(answer.status_code == 204)

    def read_report(self, recording: str, headers: dict[str, str]) -> None:
        """Wait for the report as an app does, and read it; the wait itself is a figure."""
        begun = time.perf_counter()
        while time.perf_counter() - begun < PATIENCE_S:
            found = self.get(f"/v1/recordings/{recording}", "read recording", headers)
            if found and found["report_url"]:
                self.waited(begun, None)
                self.get(found["report_url"], "read report", headers)
                return
            gevent.sleep(POLL_S)
        self.waited(begun, TimeoutError(f"No report after {PATIENCE_S} s."))

    def waited(self, begun: float, problem: Exception | None) -> None:
        """Record how long the report took from the last byte on."""
        took_ms = (time.perf_counter() - begun) * 1000
        self.environment.events.request.fire(
            request_type="WAIT",
            name="report ready",
            response_time=took_ms,
            response_length=0,
            exception=problem,
            context={},
        )

    def get(self, path: str, name: str, headers: dict[str, str]) -> Any:
        """Read JSON; None when that failed, which is counted."""
        return self.json("GET", path, name, 200, headers=headers)

    def post(self, path: str, name: str, body: Any, status: int, headers: dict[str, str] | None = None) -> Any:
        """Send and read JSON; None when that failed, which is counted."""
        return self.json("POST", path, name, status, json=body, headers=headers or {})

    def json(self, method: str, path: str, name: str, status: int, **options: Any) -> Any:
        """Make a request that must answer with one status and JSON."""
        with self.judged(method, path, name, **options) as answer:
            if answer.status_code == status:
                return answer.json()
            if not asks_to_wait(answer):
                answer.failure(f"{answer.status_code}: {answer.text}")
            return None

    @contextmanager
    def judged(self, method: str, path: str, name: str, **options: Any) -> Iterator[Any]:
        """Make a request; a service that asks to come back later is obeyed, and that is no failure."""
        with self.client.request(method, path, name=name, catch_response=True, **options) as answer:
            if asks_to_wait(answer):
                answer.success()
                gevent.sleep(float(answer.headers["Retry-After"]))
            yield answer


events.quitting.add_listener(thresholds.judge)
