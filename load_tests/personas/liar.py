"""The liar: announces one recording and sends another of the same size; whoever believes it pays for the wrong one."""

from locust import between, task

from load_tests.phone import SEND, Phone, asks_to_wait, kind_of
from load_tests.sounds import recording
from load_tests.truth import TRUTH, Acknowledged

#: What tus says of bytes that are not the announced ones.
REFUSED = 460


class Liar(Phone):
    """Somebody who sends other bytes than were announced."""

    wait_time = between(1, 3)
    honest = False

    @task  # type: ignore[untyped-decorator]
    def lie(self) -> None:
        """Announce one recording and send another; believed at first, the look at promises sees what became of it."""
        campaign, announced, sent = self.campaign(), recording(), recording()
        claimed = campaign and self.claim(campaign, announced)
        if not self.keys or not claimed or not claimed.get("upload"):
            return
        headers = {**self.headers, **SEND, "Upload-Offset": "0"}
        with self.judged("PATCH", self.path_of(claimed), "upload of a lie", data=sent, headers=headers) as answer:
            if answer.status_code == REFUSED:
                TRUTH.refused += 1
                answer.success()
            elif answer.status_code == 204:
                TRUTH.keep(Acknowledged(claimed["id"], "", self.keys, lie=True))
            elif not asks_to_wait(answer):
                answer.failure(kind_of(answer))
