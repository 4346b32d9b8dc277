"""Uploads by tus-js-client, the client that most web and React Native apps have, of real recordings."""

import json

import httpx
import pytest

from load_tests.service import Service
from tests.clients.conftest import Node
from tests.clients.submitting import claim, examined
from tests.media import media

RECORDINGS = [
    ("speech_jfk_16k.wav", "audio/wav"),
    ("speech_voicememo_iphone_gps.m4a", "audio/mp4"),
    ("speech_weather_16k.mp3", "audio/mpeg"),
    ("speech_jfk_44k_stereo.flac", "audio/flac"),
]


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
