"""Uploads by the two tus clients that Python programs use, tuspy and aiotus."""

import asyncio

import aiotus
import httpx
import pytest
from tusclient.client import TusClient

from load_tests.service import Service
from tests.clients.submitting import claim, examined
from tests.media import media

NAME = "speech_jfk_16k.wav"


def tuspy(service: Service, contributor: httpx.Client, recording: str, **options: int) -> None:
    """Upload as tuspy does: create, then one PATCH after the other."""
    client = TusClient(f"{service.url}/v1/uploads", headers={"Authorization": contributor.headers["Authorization"]})
    with media(NAME).open("rb") as file:
        client.uploader(file_stream=file, metadata={"recording": recording}, **options).upload()


def with_aiotus(service: Service, contributor: httpx.Client, recording: str, **options: int) -> None:
    """Upload as aiotus does: it follows `Location` as it is, so that must be absolute."""
    headers = {"Authorization": contributor.headers["Authorization"]}

    async def upload() -> object:
        with media(NAME).open("rb") as file:
            named = {"recording": recording.encode()}
            return await aiotus.upload(f"{service.url}/v1/uploads", file, named, headers=headers, **options)

    assert asyncio.run(upload()) is not None


@pytest.mark.parametrize(
    ("client", "options"),
    [
        (tuspy, {}),
        (tuspy, {"chunk_size": 50_000}),
        (tuspy, {"chunk_size": 50_000, "upload_checksum": True}),
        (with_aiotus, {}),
        (with_aiotus, {"chunksize": 50_000}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_a_claimed_recording_is_uploaded_and_examined(service: Service, contributor: httpx.Client, client, options):
    """In one request and in pieces, with a checksum for each."""
    recording = claim(contributor, NAME, "audio/wav")

    client(service, contributor, recording["id"], **options)

    assert examined(contributor, recording["id"])["media"]["size_bytes"] == media(NAME).stat().st_size
