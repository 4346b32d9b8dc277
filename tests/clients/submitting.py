"""What every client's test does around the upload: announce a recording, and wait for its report."""

import hashlib
import time

import httpx
import pytest

from tests.media import media


def claim(contributor: httpx.Client, name: str, media_type: str) -> dict:
    """Announce a file for the campaign that takes sound."""
    content = media(name).read_bytes()
    campaigns = contributor.get("/v1/campaigns", params={"media": "audio"}).raise_for_status().json()["data"]
    wish = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "size_bytes": len(content),
        "media_type": media_type,
        "campaign": campaigns[0]["id"],
        "language": "en",
    }
    answer = contributor.post("/v1/recordings", json=wish)
    assert answer.status_code == 201, answer.text
    return answer.json()


def examined(contributor: httpx.Client, recording: str) -> dict:
    """Wait until the recording was examined, and read its report."""
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        found = contributor.get(f"/v1/recordings/{recording}").raise_for_status().json()
        if found["report_url"]:
            return contributor.get(found["report_url"]).raise_for_status().json()
        time.sleep(0.1)
    pytest.fail(f"No report after 240 s; the recording is {found['recording']['state']}.")
