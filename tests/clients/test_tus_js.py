"""Uploads by tus-js-client, the client that most web and React Native apps have, of real recordings."""

import hashlib
import json
import time
import uuid

import httpx
import pytest

from load_tests.service import Service
from tests.clients.conftest import Node
from tests.media import media

RECORDINGS = [
    ("speech_jfk_16k.wav", "audio/wav"),
    ("speech_voicememo_iphone_gps.m4a", "audio/mp4"),
    ("speech_weather_16k.mp3", "audio/mpeg"),
    ("speech_jfk_44k_stereo.flac", "audio/flac"),
]


@pytest.fixture
def contributor(service: Service):
    """A new contributor's HTTP client, signed in."""
    account = {"email": f"{uuid.uuid4()}@example.org", "password": "a sentence nobody else says"}
    with httpx.Client(base_url=service.url, timeout=30) as client:
        tokens = client.post("/v1/accounts", json=account).raise_for_status().json()["tokens"]
        client.headers["Authorization"] = f"Bearer {tokens['access_token']}"
        yield client


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
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = contributor.get(f"/v1/recordings/{recording}").raise_for_status().json()
        if found["report_url"]:
            return contributor.get(found["report_url"]).raise_for_status().json()
        time.sleep(0.1)
    pytest.fail(f"No report after 60 s; the recording is {found['recording']['state']}.")


def upload(node: Node, contributor: httpx.Client, name: str, **task) -> dict:
    """Let tus-js-client upload a file with this contributor's token."""
    token = contributor.headers["Authorization"].removeprefix("Bearer ")
    return json.loads(node("tus_upload.js", json.dumps({"file": str(media(name)), "token": token, **task})).stdout)


@pytest.mark.parametrize(("name", "media_type"), RECORDINGS)
def test_a_claimed_recording_is_uploaded_and_examined(node: Node, contributor: httpx.Client, name, media_type):
    """The client sends the whole file in one request, its default, to the address that the claim gave."""
    recording = claim(contributor, name, media_type)

    done = upload(node, contributor, name, uploadUrl=recording["upload"]["url"])

    assert done["uploadUrl"] == recording["upload"]["url"]
    assert examined(contributor, recording["id"])["findings"]


def test_a_client_that_creates_by_itself_gets_the_claimed_upload(node: Node, contributor, service: Service):
    """Stock clients know only an endpoint: the metadata names the recording."""
    name = "speech_command_yes.wav"
    recording = claim(contributor, name, "audio/wav")

    done = upload(
        node, contributor, name, endpoint=f"{service.url}/v1/uploads", metadata={"recording": recording["id"]}
    )

    assert done["uploadUrl"] == recording["upload"]["url"]
    assert examined(contributor, recording["id"])["media"]["size_bytes"] == media(name).stat().st_size


def test_an_upload_that_was_cut_goes_on_where_it_stopped(node: Node, contributor: httpx.Client):
    """A train enters a tunnel: what was acknowledged is not sent again, and the file arrives whole."""
    name, size = "speech_dialogue_8k.wav", media("speech_dialogue_8k.wav").stat().st_size
    recording = claim(contributor, name, "audio/wav")

    done = upload(
        node, contributor, name, uploadUrl=recording["upload"]["url"], chunkSize=size // 4, cutAfter=size // 2
    )

    assert size // 4 <= done["resumedAt"] < size
    assert examined(contributor, recording["id"])["media"]["size_bytes"] == size
