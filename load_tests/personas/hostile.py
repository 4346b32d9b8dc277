"""The hostile uploader: the same file again and again, garbage, lies, and hundreds of requests at once."""

import hashlib
import os
import random

import gevent
from locust import between, task

from load_tests.phone import Phone, kind_of
from load_tests.sounds import recording

#: What a service may answer to somebody like this; anything else is its failure.
REFUSALS = (200, 201, 204, 400, 404, 408, 409, 411, 412, 413, 415, 422, 429, 460, 503)


class Hostile(Phone):
    """Somebody who means harm, or whose app is broken."""

    wait_time = between(0.5, 1)
    honest = False

    def on_start(self) -> None:
        """Keep one file to send again and again."""
        super().on_start()
        self.same = recording()

    def ask(self, method: str, path: str, **options: object) -> None:
        """Ask for something that should be refused; only an internal error is a failure."""
        options.setdefault("headers", self.headers)
        with self.client.request(method, path, name="hostile", catch_response=True, **options) as answer:
            if answer.status_code in REFUSALS:
                answer.success()
            elif answer.status_code:
                answer.failure(kind_of(answer))

    @task(3)  # type: ignore[untyped-decorator]
    def duplicate(self) -> None:
        """Announce the same file again, and send it again."""
        campaign = self.campaign()
        claimed = campaign and self.claim(campaign, self.same)
        if claimed and claimed.get("upload"):
            self.send(self.path_of(claimed), self.same, name="hostile")

    @task(2)  # type: ignore[untyped-decorator]
    def garbage(self) -> None:
        """Send noise under the name of a recording."""
        campaign, content = self.campaign(), os.urandom(100_000)
        claimed = campaign and self.claim(campaign, content)
        if claimed and claimed.get("upload"):
            self.send(self.path_of(claimed), content, name="hostile")

    @task(2)  # type: ignore[untyped-decorator]
    def lie(self) -> None:
        """Announce one thing and send another."""
        campaign = self.campaign()
        if campaign is None:
            return
        wish = {
            "sha256": hashlib.sha256(os.urandom(8)).hexdigest(),
            "size_bytes": random.choice([1, 10_000]),
            "media_type": "audio/wav",
            "campaign": campaign["id"],
            "language": campaign["languages"][0],
        }
        self.ask("POST", "/v1/recordings", json=wish)

    @task(2)  # type: ignore[untyped-decorator]
    def malform(self) -> None:
        """Bodies that no client sends by mistake."""
        for body in (b"[" * 400_000, b'{"a":' * 1000, b"\xff\xfe", b""):
            self.ask("POST", "/v1/recordings", data=body)

    @task(1)  # type: ignore[untyped-decorator]
    def flood(self) -> None:
        """A hundred requests at once, from one account."""
        gevent.joinall([gevent.spawn(self.ask, "GET", "/v1/recordings") for _ in range(100)], timeout=30)
