"""Reports in the reader's language, and as a picture."""

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from api.validation import Workplace
from tests.api.taking import claim, examined, speech, submit

Campaign = dict[str, Any]
Client = httpx.AsyncClient


@pytest.fixture
async def url(contributor: Client, campaign: Campaign, place: Workplace) -> str:
    """The report of a recording that was examined."""
    recording = await submit(contributor, campaign, speech())
    await examined(place, contributor, recording)
    return f"/v1/recordings/{recording}/report"


async def test_a_report_says_every_finding_in_words(contributor: Client, url: str) -> None:
    """Code and parameters for a program, title and message for a person."""
    answer = await contributor.get(url)

    report = answer.json()
    names = {finding["check"] for finding in report["findings"]}
    assert (200, "en", "passed") == (answer.status_code, answer.headers["Content-Language"], report["outcome"])
    assert {"audio.duration", "audio.clipping"} <= names
    assert all(finding["title"] and finding["message"] and finding["code"] for finding in report["findings"])
    assert 16000 == report["media"]["audio"]["sample_rate_hz"]


async def test_a_report_comes_in_the_readers_language(contributor: Client, url: str) -> None:
    """Caches are told what the answer depends on."""
    english = await contributor.get(url, headers={"Accept-Language": "en"})
    german = await contributor.get(url, headers={"Accept-Language": "xx, de-AT;q=0.8, en;q=0.1"})

    assert ("en", "de") == (english.headers["Content-Language"], german.headers["Content-Language"])
    assert "Accept-Language" in german.headers["Vary"]
    assert english.headers["ETag"] != german.headers["ETag"]


@pytest.mark.parametrize("path", ["", ".png"])
async def test_an_unchanged_report_is_not_sent_again(contributor: Client, url: str, path: str) -> None:
    """A phone asks often and pays for bytes."""
    first = await contributor.get(url + path)

    again = await contributor.get(url + path, headers={"If-None-Match": first.headers["ETag"]})

    assert (200, 304, b"") == (first.status_code, again.status_code, again.content)
    assert "private" in first.headers["Cache-Control"]


async def test_the_picture_is_a_picture(contributor: Client, url: str) -> None:
    """PNG, wide enough for a phone."""
    answer = await contributor.get(f"{url}.png")

    with Image.open(io.BytesIO(answer.content)) as picture:
        assert ("PNG", "image/png") == (picture.format, answer.headers["Content-Type"])
        assert picture.width >= 390


async def test_the_picture_comes_on_light_or_on_dark_paper(contributor: Client, url: str) -> None:
    """Light is what a client gets that knows nothing of it; any other paper is a mistake of the client."""
    papers = {}
    for query in ("", "?theme=light", "?theme=dark"):
        answer = await contributor.get(f"{url}.png{query}")
        with Image.open(io.BytesIO(answer.content)) as picture:
            papers[query] = picture.convert("RGB").getpixel((1, 1))

    assert papers[""] == papers["?theme=light"] == (255, 255, 255)
    assert max(papers["?theme=dark"]) < 64
    assert 400 == (await contributor.get(f"{url}.png?theme=pink")).status_code


async def test_a_report_that_is_not_there_yet_says_where_the_recording_stands(
    contributor: Client, campaign: Campaign
) -> None:
    """404 `report-missing` with the state."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]

    answer = await contributor.get(f"/v1/recordings/{recording}/report")

    assert (404, "/problems/report-missing", "claimed") == (
        answer.status_code,
        answer.json()["type"],
        answer.json()["state"],
    )
