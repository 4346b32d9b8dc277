"""The resume storm: an outage is over, and everybody who was in the middle of something comes back at once."""

import gevent
from gevent.event import Event
from locust import constant, task

from load_tests.phone import Phone
from load_tests.sounds import recording

#: All of them wait here, and go on together.
OVER = Event()
STORM_EVERY_S = 20.0


def storms() -> None:
    """Let everybody go on at once, again and again."""
    while True:
        gevent.sleep(STORM_EVERY_S)
        OVER.set()
        gevent.sleep(0.5)
        OVER.clear()


class Resumer(Phone):
    """Somebody whose upload stopped in the middle when the network went away."""

    wait_time = constant(0)
    began = False

    def on_start(self) -> None:
        """Sign up, and let the first of them make the weather."""
        super().on_start()
        if not Resumer.began:
            Resumer.began = True
            gevent.spawn(storms)

    @task  # type: ignore[untyped-decorator]
    def resume(self) -> None:
        """Send half, wait for the outage to end, send the other half."""
        campaign, content = self.campaign(), recording(8.0)
        claimed = campaign and self.claim(campaign, content)
        if not claimed or not claimed.get("upload"):
            return
        url, half = self.path_of(claimed), len(content) // 2
        if not self.send(url, content, until=half, name="first half"):
            return
        OVER.wait(2 * STORM_EVERY_S)
        if self.send(url, content, half, name="second half"):
            self.promised(claimed, content)
            self.read_report(claimed["id"])
