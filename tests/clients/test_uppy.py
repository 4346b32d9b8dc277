"""Uploads by Uppy in a real Chromium: what a web app does, with another origin, a preflight and a network that goes."""

import json
import os
import shutil

import httpx
import pytest

from load_tests.service import Service
from tests.clients.conftest import Node
from tests.clients.submitting import claim, examined
from tests.media import media

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
CHROMIUM = os.environ.get("CHROMIUM") or next((path for name in NAMES if (path := shutil.which(name))), None)
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on this machine (apt install chromium, or name one in CHROMIUM)"
)


def upload(node: Node, contributor: httpx.Client, name: str, **task) -> dict:
    """Let a page upload a file with this contributor's token."""
    token = contributor.headers["Authorization"].removeprefix("Bearer ")
    given = {"chromium": CHROMIUM, "file": str(media(name)), "type": "audio/wav", "token": token, **task}
    return json.loads(node("uppy_upload.js", json.dumps(given)).stdout)


def test_a_page_uploads_a_claimed_recording(node: Node, contributor: httpx.Client, service: Service):
    """Uppy creates by itself: the metadata names the recording, and the browser may read the address it is given."""
    name = "speech_jfk_16k.wav"
    recording = claim(contributor, name, "audio/wav")

    done = upload(
        node, contributor, name, endpoint=f"{service.url}/v1/uploads", metadata={"recording": recording["id"]}
    )

    assert (recording["upload"]["url"], []) == (done["uploadUrl"], done["errors"])
    assert examined(contributor, recording["id"])["findings"]


def test_a_page_goes_on_after_its_network_was_away(node: Node, contributor: httpx.Client):
    """A laptop that changes its Wi-Fi: Uppy asks for the offset and sends the rest."""
    name = "speech_dialogue_8k.wav"
    size = media(name).stat().st_size
    recording = claim(contributor, name, "audio/wav")

    done = upload(
        node,
        contributor,
        name,
        uploadUrl=recording["upload"]["url"],
        chunkSize=size // 8,
        offlineAfter=size // 3,
    )

    assert done["wentOffline"]
    assert size == done["sent"]
    assert examined(contributor, recording["id"])["media"]["size_bytes"] == size
