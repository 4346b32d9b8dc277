"""A term sheet was published: everybody's app fetches the card, the flags and the comparison, in every language."""

import random

from locust import between, task

from load_tests.phone import Phone, asks_to_wait, kind_of

LANGUAGES = ("en", "de", "es", "fr", "pt", "hi", "sw", "id")


class Reader(Phone):
    """Somebody who wants to know what is new in the terms."""

    wait_time = between(0.2, 1)

    def on_start(self) -> None:
        """Look up which sheet it is."""
        super().on_start()
        self.seen: dict[str, str] = {}
        campaign = self.campaign()
        sheet = campaign["term_sheet"] if campaign else {"id": "voice-standard", "version": 1}
        self.url = f"/v1/term-sheets/{sheet['id']}/versions/{sheet['version']}"

    @task  # type: ignore[untyped-decorator]
    def read(self) -> None:
        """Fetch what the app shows; what it has already is answered with 304."""
        language = random.choice(LANGUAGES)
        for part, name in (("", "read term sheet"), ("/card", "read card"), ("/practice-flags", "practice flags")):
            path = self.url + part
            known = self.seen.get(path + language)
            headers = {"Accept-Language": language} | ({"If-None-Match": known} if known else {})
            with self.judged("GET", path, name, headers=headers) as answer:
                if answer.status_code == 200:
                    self.seen[path + language] = answer.headers["ETag"]
                elif answer.status_code != 304 and not asks_to_wait(answer):
                    answer.failure(kind_of(answer))
