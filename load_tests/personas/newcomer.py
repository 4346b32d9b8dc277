"""The first day: sign up, look at campaigns and their terms, record, send, agree, read the report."""

from locust import between, task

from load_tests.phone import Phone
from load_tests.sounds import recording


class Newcomer(Phone):
    """Somebody who does everything once and slowly, then again."""

    wait_time = between(1, 3)

    @task  # type: ignore[untyped-decorator]
    def first_recording(self) -> None:
        """The whole journey; a step that fails is counted and ends it."""
        campaign = self.campaign()
        if campaign is None:
            return
        sheet = campaign["term_sheet"]
        self.get(f"/v1/term-sheets/{sheet['id']}/versions/{sheet['version']}/card", "read card")
        content = recording()
        claimed = self.claim(campaign, content)
        if claimed and claimed.get("upload") and self.send_all(self.path_of(claimed), content):
            self.promised(claimed, content)
            self.agree(campaign, claimed["id"])
            self.read_report(claimed["id"])
