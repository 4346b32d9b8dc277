"""A phone: signs up, asks as the service tells it to, and remembers what was promised to it.

Response times are grouped by the operation and not by the address. A service that asks to come back later is obeyed,
and that is no failure.
"""

from __future__ import annotations

import hashlib
import os
import random
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import gevent
import gevent.ssl
from locust import FastHttpUser

from load_tests.sounds import recording
from load_tests.truth import TRUTH, Acknowledged, Keys
from load_tests.watching import TURNED_AWAY

PASSWORD = "a sentence nobody else says"  # noqa: S105 – the accounts live for a run.
PATIENCE_S = 120
FRESH = {"Connection": "close"}
#: How often an app looks whether its report is there, where it does not listen to events: as the README's curl does.
POLL_S = 1.0
#: An app tries to send a recording as often as this before it leaves it for tomorrow.
SENDINGS = 10
TUS = {"Tus-Resumable": "1.0.0"}
SEND = {**TUS, "Content-Type": "application/offset+octet-stream"}


@cache
def tls() -> Any:
    """Read the machine's certificates once: every phone would else spend 40 ms of the generator on it."""
    return gevent.ssl.create_default_context()


def asks_to_wait(answer: Any) -> bool:
    """Whether the service said that it has too much to do, and for how long."""
    return answer.status_code in {429, 503} and "Retry-After" in (answer.headers or {})


def whole(answer: Any) -> Any:
    """Read JSON, {} where there is none; None when the connection was cut within it."""
    try:
        return answer.json() if answer.text else {}
    except ValueError:
        return None


def kind_of(answer: Any) -> str:
    """Name the kind of an error, the status and the problem's slug, so that alike ones are counted together."""
    if not answer.status_code:
        return f"no answer: {type(answer.error).__name__}"
    try:
        return f"{answer.status_code} {answer.json()['type'].rpartition('/')[2]}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return f"{answer.status_code} {answer.text[:60] if answer.text else ''}"


class Phone(FastHttpUser):  # type: ignore[misc]
    """One person with a phone; personas say what they do with it."""

    abstract = True
    #: Whether what is announced is meant to be sent; whoever means harm announces anything.
    honest = True
    #: What is added to the name of every operation, where a bad network is a part of what it takes.
    way = ""
    ssl_context_factory = staticmethod(tls)
    network_timeout = 60.0
    connection_timeout = 60.0

    def on_start(self) -> None:
        """Open an account, as often as it takes until the service has time for it."""
        self.keys: Keys | None = None
        self.rate = (0, 1)
        self.email = f"{uuid.uuid4()}@example.org"
        while self.keys is None:
            # Whoever was asked to wait longer than a connection is kept open comes back on another one.
            account = {"email": self.email, "password": PASSWORD}
            signed_up = self.json("POST", "/v1/accounts", "sign up", (201,), json=account, headers=FRESH)
            if signed_up:
                self.keys = Keys(signed_up["tokens"]["access_token"], signed_up["tokens"]["refresh_token"])
                TRUTH.phones.append(self.keys)

    @property
    def headers(self) -> dict[str, str]:
        """What says who asks; nobody before there is an account."""
        return {} if self.keys is None else self.keys.headers

    def renew(self) -> None:
        """Get new tokens before the old ones end."""
        if self.keys is None or not self.keys.old:
            return
        self.keys.since = time.monotonic()
        renewed = self.post("/v1/sessions/refresh", "renew", {"refresh_token": self.keys.refresh}, 200)
        if renewed:
            self.keys.renewed(renewed)
        else:
            self.keys.again_soon()

    def campaign(self) -> dict[str, Any] | None:
        """Choose the campaign for read speech."""
        listed = self.get("/v1/campaigns?media=audio", "list campaigns")
        found = self.get(listed["data"][0]["url"], "read campaign") if listed else None
        if found:
            self.rate = (found["rate"]["micros"], found["rate"]["per_ms"])
        return found

    def claim(self, campaign: dict[str, Any], content: bytes) -> Any:
        """Announce a recording."""
        wish = {
            "sha256": hashlib.sha256(content).hexdigest(),
            "size_bytes": len(content),
            "media_type": "audio/wav",
            "campaign": campaign["id"],
            "language": random.choice(campaign["languages"]),
        }
        claimed = self.post("/v1/recordings", "claim", wish, (200, 201))
        TRUTH.announced += bool(claimed and claimed.get("upload") and self.honest)
        return claimed

    def send(
        self, url: str, content: bytes, offset: int = 0, *, until: int | None = None, name: str = "upload"
    ) -> bool:
        """Send bytes in one request; whether the service acknowledged all of them."""
        headers = {**self.headers, **SEND, "Upload-Offset": str(offset)}
        with self.judged("PATCH", url, name, data=content[offset:until], headers=headers) as answer:
            if answer.status_code != 204 and not asks_to_wait(answer):
                answer.failure(kind_of(answer))
            return bool(answer.status_code == 204)

    def send_all(self, url: str, content: bytes) -> bool:
        """Send bytes, and again after being asked to come back, as an app does; false when it gives up."""
        return any(self.send(url, content) for _ in range(SENDINGS))

    def submit(self, length_s: float = 4.0) -> Any:
        """Choose, record, announce, send; gives the claim once every byte was acknowledged, else None."""
        campaign, content = self.campaign(), recording(length_s)
        claimed = campaign and self.claim(campaign, content)
        if not claimed or not claimed.get("upload") or not self.send_all(self.path_of(claimed), content):
            return None
        self.promised(claimed, content)
        return claimed

    def path_of(self, claimed: dict[str, Any]) -> str:
        """Where the bytes go, on the way that this phone reaches the service."""
        url = str(claimed["upload"]["url"])
        return url[url.index("/v1/") :]

    def promised(self, claimed: dict[str, Any], content: bytes) -> None:
        """Remember that every byte was acknowledged."""
        assert self.keys is not None  # noqa: S101 - nobody uploads without.
        TRUTH.keep(Acknowledged(claimed["id"], hashlib.sha256(content).hexdigest(), self.keys, self.rate))

    def agree(self, campaign: dict[str, Any], recording_id: str) -> None:
        """Read the term sheet and give every use that it offers."""
        sheet = self.get(campaign["term_sheet"]["url"], "read term sheet")
        if not sheet:
            return
        uses = [use["code"] for use in sheet["uses"] if use.get("stance") != "prohibited"]
        decisions = dict.fromkeys(uses, "given")
        agreement = {
            "term_sheet": campaign["term_sheet"]["id"],
            "version": campaign["term_sheet"]["version"],
            "sha256": campaign["term_sheet"]["sha256"],
            "locale": "en",
            "decisions": decisions,
        }
        self.json("PUT", f"/v1/recordings/{recording_id}/consents", "consent", (200, 201), json=agreement)

    def read_report(self, recording_id: str) -> None:
        """Wait for the report as an app does, and read it; the wait itself is a figure."""
        begun = time.perf_counter()
        while time.perf_counter() - begun < PATIENCE_S:
            found = self.get(f"/v1/recordings/{recording_id}", "read recording")
            if found and found["report_url"]:
                self.waited(begun, None, f"report ready{self.way}")
                self.get(found["report_url"], "read report")
                return
            gevent.sleep(POLL_S)
        self.waited(begun, TimeoutError(f"No report after {PATIENCE_S} s."), f"report ready{self.way}")

    def waited(self, begun: float, problem: Exception | None, name: str) -> None:
        """Record how long something took that no single request waits for."""
        self.environment.events.request.fire(
            request_type="WAIT",
            name=name,
            response_time=(time.perf_counter() - begun) * 1000,
            response_length=0,
            exception=problem,
            context={},
        )

    def get(self, path: str, name: str, **headers: str) -> Any:
        """Read JSON; None when that failed, which is counted."""
        return self.json("GET", path, name, (200,), headers={**self.headers, **headers})

    def post(self, path: str, name: str, body: Any, status: int | tuple[int, ...]) -> Any:
        """Send and read JSON; None when that failed, which is counted."""
        expected = (status,) if isinstance(status, int) else status
        return self.json("POST", path, name, expected, json=body)

    def json(self, method: str, path: str, name: str, expected: tuple[int, ...], **options: Any) -> Any:
        """Make a request that must answer with one of the statuses, and JSON."""
        self.renew()
        options.setdefault("headers", self.headers)
        with self.judged(method, path, name + self.way, **options) as answer:
            if answer.status_code in expected and (found := whole(answer)) is not None:
                answer.success()
                return found
            if self.way and (answer.status_code in {0, *expected}):
                # Cut off before the answer or within it: an app asks again later.
                answer.success()
            elif not asks_to_wait(answer):
                answer.failure(kind_of(answer))
            return None

    @contextmanager
    def judged(self, method: str, path: str, name: str, **options: Any) -> Iterator[Any]:
        """Make a request; a service that asks to come back later is obeyed, and that is no failure.

        It is no answer either: quick refusals would make an overloaded service look quick.
        """
        with self.client.request(method, path, name=name, catch_response=True, **options) as answer:
            if asks_to_wait(answer):
                answer.request_meta["name"] = TURNED_AWAY
                answer.success()
                gevent.sleep(min(float(answer.headers["Retry-After"]), 30))
            yield answer


def bad_network() -> str | None:
    """The address of the service behind a bad network, where one was set up."""
    return os.environ.get("COMPANION_LOAD_BAD_NETWORK")
