"""The liar: announces one recording and sends another of the same size; whoever believes it pays for the wrong one."""

from locust import between, task

from load_tests.phone import Phone
from load_tests.sounds import recording
from load_tests.truth import TRUTH, Acknowledged


class Liar(Phone):
    """Somebody who sends other bytes than were announced."""

    wait_time = between(1, 3)
    honest = False

    @task  # type: ignore[untyped-decorator]
    def lie(self) -> None:
        """Announce one recording, send another, and let the look at promises see what became of it."""
        campaign, announced, sent = self.campaign(), recording(), recording()
        claimed = campaign and self.claim(campaign, announced)
        if self.keys and claimed and claimed.get("upload") and self.send_all(self.path_of(claimed), sent):
            TRUTH.keep(Acknowledged(claimed["id"], "", self.keys, lie=True))
