"""The steady contributor: looks around between recordings, and records once in five minutes."""

import random

from locust import between, task

from load_tests.phone import Phone
from load_tests.sounds import recording


class Steady(Phone):
    """Somebody with the app open on the sofa: forty screens for every recording."""

    wait_time = between(4, 12)

    @task(40)  # type: ignore[untyped-decorator]
    def look(self) -> None:
        """Open a screen: what there is to record, what became of mine, what I earned."""
        path, name = random.choice(
            (
                ("/v1/campaigns?media=audio", "list campaigns"),
                ("/v1/recordings", "list recordings"),
                ("/v1/balances", "balances"),
                ("/v1/earnings/summary", "earnings summary"),
            )
        )
        self.get(path, name)

    @task(1)  # type: ignore[untyped-decorator]
    def record(self) -> None:
        """Send one recording and go on; its report is read when it is there."""
        campaign, content = self.campaign(), recording()
        claimed = campaign and self.claim(campaign, content)
        if campaign and claimed and claimed.get("upload") and self.send_all(self.path_of(claimed), content):
            self.promised(claimed, content)
            self.agree(campaign, claimed["id"])
            self.read_report(claimed["id"])
