"""A recording from its claim to its decision, on real engines."""

import httpx
import pytest

from api.validation import Workplace
from tests.api.taking import agree, examined, speech, submit

Campaign = dict[str, object]


async def test_a_good_recording_with_consent_is_accepted(
    contributor: httpx.AsyncClient, campaign: Campaign, place: Workplace
) -> None:
    """The straight path: announce, send, agree, examined, accepted; and every step is in the story."""
    recording = await submit(contributor, campaign, speech(), language="en")
    consent = await agree(contributor, campaign, recording)

    detail = await examined(place, contributor, recording)

    assert 200 == consent.status_code, consent.text
    assert ("accepted", "passed") == (detail["recording"]["state"], detail["recording"]["because"])
    assert ["claimed", "uploading", "validating", "accepted"] == [event["to_state"] for event in detail["events"]]
    assert 11_000 == pytest.approx(detail["recording"]["duration_ms"], abs=100)
