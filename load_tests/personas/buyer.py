"""The buyer's program: reads the list of a release page by page, and fetches what can be fetched."""

import hashlib
from urllib.parse import urlsplit

from locust import between, task

from load_tests.goods import goods
from load_tests.phone import Phone, kind_of
from load_tests.truth import Keys

PAGE = 200


class Buyer(Phone):
    """Somebody who bought everything, and reads the list of it from its begin to its end."""

    wait_time = between(0.1, 0.5)

    def on_start(self) -> None:
        """Begin at the first page; a buyer has a key instead of an account."""
        self.keys = Keys(goods().key, "")
        self.cursor: str | None = None

    @task(20)  # type: ignore[untyped-decorator]
    def turn(self) -> None:
        """Read the next page, and fetch what of it is known."""
        path = f"/v1/datasets/{goods().dataset}/releases/1?limit={PAGE}"
        path += f"&cursor={self.cursor}" if self.cursor else ""
        # 404 until the sale stands: nothing was sold to this buyer yet.
        page = self.json("GET", path, "read release", (200, 202, 404))
        if page and "files" in page:
            self.cursor = page["next_cursor"]
            for file in page["files"]:
                if file["url"] and file["code"] in goods().fetched:
                    self.fetch(file["url"], goods().fetched[file["code"]])

    def fetch(self, url: str, sha256: str) -> None:
        """Fetch a file; another one than was listed is a failure, however quickly it came."""
        place = urlsplit(url)
        with self.judged("GET", place.path, "fetch file", headers=self.headers) as answer:
            if answer.status_code == 200 and hashlib.sha256(answer.content).hexdigest() != sha256:
                answer.failure("another file than was listed")
            # 410: its contributor has taken it back.
            elif answer.status_code == 410:
                answer.success()
            elif answer.status_code != 200:
                answer.failure(kind_of(answer))

    @task(1)  # type: ignore[untyped-decorator]
    def describe(self) -> None:
        """Read what the release is, without its list: the first page of one file."""
        self.json("GET", f"/v1/datasets/{goods().dataset}/releases/1?limit=1", "read licence", (200, 202, 404))
