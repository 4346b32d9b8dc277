"""Consent: a decision for every use, to exactly the text that was read."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import msgspec
import pytest

from api.demo import DATA
from api.validation import Workplace
from storage.campaigns import Draft, open_campaign
from storage.consents import Use, check_decisions
from storage.database import Pool, transaction
from storage.errors import DecisionMissing
from tests.api.taking import agree, claim, examined, speech, submit
from tests.api.trading import heard

Campaign = dict[str, Any]
Client = httpx.AsyncClient
USES = [Use("asr", "core"), Use("tts", "optional"), Use("cloning", "prohibited")]


async def test_a_consent_can_be_given_before_the_upload_and_read_back(contributor: Client, campaign: Campaign) -> None:
    """And there is none before."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]
    url = f"/v1/recordings/{recording}/consents"

    before = await contributor.get(url)
    given = await agree(contributor, campaign, recording)
    after = await contributor.get(url)

    assert (404, 200, 200) == (before.status_code, given.status_code, after.status_code)
    assert given.json() == after.json()
    assert campaign["term_sheet"]["sha256"] == after.json()["sha256"]


async def test_the_same_consent_twice_is_one(contributor: Client, campaign: Campaign, database: Pool) -> None:
    """A phone that lost the answer sends it again; every device of its owner hears of it, once."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]

    answers = [await agree(contributor, campaign, recording) for _ in range(2)]

    async with transaction(database) as connection:
        row = await (
            await connection.execute("SELECT count(*) FROM consents WHERE recording_id = %s", (recording,))
        ).fetchone()
    assert (1, answers[0].json()) == (row[0], answers[1].json())
    (told,) = await heard(contributor, "consent.given")
    assert (recording, campaign["term_sheet"]["version"]) == (told["recording"], told["data"]["version"])
    assert "asr_training" in told["data"]["uses"]


@pytest.mark.parametrize("change", [{"sha256": "0" * 64}, {"version": 99}, {"term_sheet": "another"}])
async def test_a_consent_to_another_text_is_refused(
    contributor: Client, campaign: Campaign, change: dict[str, Any]
) -> None:
    """Whoever agreed to an older text must read the new one."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]
    terms = {"term_sheet": campaign["term_sheet"]["id"], "version": campaign["term_sheet"]["version"]}
    terms |= {"sha256": campaign["term_sheet"]["sha256"], "locale": "en", "decisions": {}}

    answer = await contributor.put(f"/v1/recordings/{recording}/consents", json=terms | change)

    assert (409, "/problems/terms-changed") == (answer.status_code, answer.json()["type"])


@pytest.mark.parametrize(
    ("decisions", "use"),
    [
        ({}, "asr"),
        ({"asr": "given"}, "tts"),
        ({"asr": "refused", "tts": "given"}, "asr"),
        ({"asr": "given", "tts": "given", "cloning": "given"}, "cloning"),
        ({"asr": "given", "tts": "given", "invented": "refused"}, "invented"),
    ],
)
def test_silence_is_no_decision_and_nothing_else_can_be_decided(decisions: dict[str, Any], use: str) -> None:
    """The refusal names the use."""
    with pytest.raises(DecisionMissing) as refusal:
        check_decisions(USES, decisions)

    assert use == refusal.value.facts["use"]


def test_an_optional_use_may_be_refused() -> None:
    """The offer stands without it."""
    check_decisions(USES, {"asr": "given", "tts": "refused"})


async def test_a_missing_decision_is_a_422(contributor: Client, campaign: Campaign) -> None:
    """Over HTTP, with the use in the problem."""
    recording = (await claim(contributor, campaign, speech())).json()["id"]
    terms = {"term_sheet": campaign["term_sheet"]["id"], "version": campaign["term_sheet"]["version"]}
    terms |= {"sha256": campaign["term_sheet"]["sha256"], "locale": "en", "decisions": {}}

    answer = await contributor.put(f"/v1/recordings/{recording}/consents", json=terms)

    assert (422, "/problems/decision-missing") == (answer.status_code, answer.json()["type"])
    assert answer.json()["use"]


async def test_a_late_consent_does_not_overfill_a_campaign(
    sign_in: Callable[[], Awaitable[Client]], place: Workplace, database: Pool
) -> None:
    """Two recordings wait for their consents, one place is left: one is accepted, a person decides about the other."""
    small = await with_one_place(database, await sign_in())
    people = [await sign_in() for _ in range(2)]
    recordings = [await submit(person, small, speech()) for person in people]
    for person, recording in zip(people, recordings, strict=True):
        await examined(place, person, recording)

    pairs = zip(people, recordings, strict=True)
    answers = await asyncio.gather(*(agree(person, small, recording) for person, recording in pairs))

    stand = [
        (await person.get(f"/v1/recordings/{recording}")).json()["recording"]
        for person, recording in zip(people, recordings, strict=True)
    ]
    assert [200, 200] == [answer.status_code for answer in answers]
    assert [("accepted", "consent-given"), ("in_review", "quota-reached")] == sorted(
        (one["state"], one["because"]) for one in stand
    )


async def with_one_place(database: Pool, client: Client) -> Campaign:
    """Open a campaign of read speech that takes a single recording; give it as the API shows it."""
    document = (DATA / "campaign-read-speech.json").read_bytes()
    name = os.urandom(8).hex()
    draft = msgspec.structs.replace(
        msgspec.json.decode(document, type=Draft), slug=name, title=name, quota_recordings=1, prompts=[]
    )
    async with transaction(database) as connection:
        opened = await open_campaign(connection, draft)
    return dict((await client.get(f"/v1/campaigns/{opened}")).json())
