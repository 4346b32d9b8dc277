"""The steady recorder on a bad network: slow, cut off again and again, and going on from where it stood."""

import gevent
from locust import between, task

from load_tests.phone import TUS, Phone, asks_to_wait, bad_network, kind_of
from load_tests.sounds import recording

#: A phone gives up on one recording after this many cuts.
TRIES = 60


class FlakyRecorder(Phone):
    """Somebody who records every few seconds on the way home, under bridges."""

    wait_time = between(2, 6)
    way = " on a bad network"
    connection_timeout = 20.0

    def __init__(self, environment: object) -> None:
        """Go through the bad network, where the run has one."""
        if place := bad_network():
            self.host = place
        super().__init__(environment)

    @task  # type: ignore[untyped-decorator]
    def record(self) -> None:
        """Send one recording, however often it takes."""
        campaign, content = self.campaign(), recording(12.0)
        claimed = campaign and self.claim(campaign, content)
        if not claimed or not claimed.get("upload"):
            return
        if self.resumed(self.path_of(claimed), content):
            self.promised(claimed, content)
            self.read_report(claimed["id"])

    def resumed(self, url: str, content: bytes) -> bool:
        """Ask what is there and send the rest, until everything is there."""
        for _ in range(TRIES):
            offset = self.offset(url)
            if offset == len(content):
                return True
            if offset is not None:
                self.try_to_send(url, content, offset)
            gevent.sleep(0.2)
        self.environment.events.request.fire(
            request_type="PATCH",
            name="upload on a bad network",
            response_time=0,
            response_length=0,
            exception=TimeoutError(f"Not whole after {TRIES} tries."),
            context={},
        )
        return False

    def offset(self, url: str) -> int | None:
        """What HEAD says is stored; None while the network is away."""
        with self.client.request(
            "HEAD", url, name="offset", headers={**self.headers, **TUS}, catch_response=True
        ) as answer:
            answer.success()
            return int(answer.headers["Upload-Offset"]) if answer.status_code == 200 else None

    def try_to_send(self, url: str, content: bytes, offset: int) -> None:
        """Send what is missing; a cut is the network's fault and nobody's failure."""
        headers = {
            **self.headers,
            **TUS,
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
        }
        with self.client.request(
            "PATCH", url, name="upload on a bad network", data=content[offset:], headers=headers, catch_response=True
        ) as answer:
            # 409: the request before arrived after all; 423: the service has not noticed yet that it was cut.
            if answer.status_code in {0, 204, 408, 409, 423} or asks_to_wait(answer):
                answer.success()
            else:
                answer.failure(kind_of(answer))
