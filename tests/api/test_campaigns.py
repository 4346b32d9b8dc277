"""Campaigns, term sheets and checks: what somebody can read before there is an account."""

import hashlib
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from api.campaigns import rate_of
from capture_validation.texts import words
from storage import campaigns, rates, term_sheets
from storage.campaigns import Draft
from storage.database import Pool, transaction
from storage.errors import BuyerMissing, BuyerRefused, RateBelowTerms
from tests.api import trading
from tests.api.taking import offered
from tests.api.terms.sheets import document


async def test_a_campaign_says_everything_before_recording(client: httpx.AsyncClient, campaign: dict[str, Any]):
    """Brief, prompts in three languages, rate, quota, terms and the rules for a recording."""
    assert "quiet room" in campaign["brief"]
    assert {"en": 6, "de": 3, "es": 3} == {
        language: sum(prompt["language"] == language for prompt in campaign["prompts"])
        for language in campaign["languages"]
    }
    assert {"currency": "EUR", "micros": 12_000_000, "per_ms": 3_600_000, "display": "€12.00 per hour"} == campaign[
        "rate"
    ]
    assert 5000 == campaign["quota"]["recordings"]
    assert campaign["open"]
    sheet = await client.get(campaign["term_sheet"]["url"])
    assert campaign["term_sheet"]["sha256"] == hashlib.sha256(sheet.content).hexdigest()


async def test_a_campaign_s_own_rule_replaces_the_profile_s(client: httpx.AsyncClient, campaign: dict[str, Any]):
    """The profile a phone reads and the rules in the campaign are the same ones."""
    profile = (await client.get(campaign["capture_profile_url"])).json()

    assert campaign["rules"] == profile["rules"]
    duration = next(rule for rule in profile["rules"] if rule["name"] == "audio.duration")
    assert (1.0, 30.0) == (duration["limit"]["minimum"], duration["limit"]["maximum"])
    assert (50_000_000, 60.0) == (profile["file"]["bytes"], profile["file"]["duration_s"])


@pytest.mark.parametrize(
    ("question", "titles"),
    [
        ({"media": "audio"}, {"Read twelve sentences"}),
        ({"media": "video"}, {"Walk through a street"}),
        ({"language": "de"}, {"Read twelve sentences", "Walk through a street"}),
        ({"language": "fr"}, {"Walk through a street"}),
        ({"language": "DE", "media": "audio"}, {"Read twelve sentences"}),
    ],
)
async def test_campaigns_are_found_by_media_and_language(
    client: httpx.AsyncClient, question: dict[str, str], titles: set[str]
):
    """A campaign that names no language takes any."""
    entries = await offered(client, **question)

    assert titles == {entry["title"] for entry in entries} & {"Read twelve sentences", "Walk through a street"}


async def test_pages_follow_one_another_without_gap_or_repeat(client: httpx.AsyncClient, database: Pool):
    """Even when a campaign is added between two pages."""
    names = [await opened(database, f"page-{number}") for number in range(3)]
    first = (await client.get("/v1/campaigns", params={"limit": 2})).json()
    await opened(database, "page-late")
    seen = {entry["id"]: entry["title"] for entry in first["data"]}
    shown = len(first["data"])
    cursor = first["next_cursor"]
    while cursor:
        page = (await client.get("/v1/campaigns", params={"limit": 2, "cursor": cursor})).json()
        seen |= {entry["id"]: entry["title"] for entry in page["data"]}
        shown += len(page["data"])
        cursor = page["next_cursor"]

    # By id: campaigns of other tests may be called alike.
    assert set(names) <= set(seen.values())
    assert shown == len(seen)
    assert "page-late" not in seen.values()


#: A sheet that promises no rate, for campaigns that pay next to nothing.
NO_PROMISE = {"id": "no-promise", "version": 1, "title": "No promise", "uses": [], "parties": {}, "term": {}}


async def opened(database: Pool, slug: str, **changes: Any) -> str:
    """Open a small campaign."""
    draft = {
        "slug": slug, "title": slug, "brief": "Say something.", "media": "audio", "languages": ["xx"],
        "profile": "speech", "rules": {}, "max_bytes": 1000, "max_duration_ms": 1000, "rate_currency": "EUR",
        "rate_micros": 1, "rate_per_ms": 1, "quota_recordings": 1, "term_sheet_id": "no-promise",
        "term_sheet_version": 1, "prompts": [],
    }  # fmt: skip
    async with transaction(database) as connection:
        await term_sheets.publish(connection, NO_PROMISE)
        await campaigns.open_campaign(connection, Draft(**{**draft, **changes}))
    return slug


@pytest.mark.parametrize(
    ("currency", "micros", "per_ms", "kept"),
    [
        ("EUR", 12_000_000, 3_600_000, True),
        ("EUR", 11_999_999, 3_600_000, False),
        ("EUR", 200_000, 60_000, True),
        ("EUR", 3_333, 1_000, False),
        ("USD", 90_000_000, 3_600_000, False),
    ],
)
async def test_no_campaign_pays_less_than_its_card_says(
    database: Pool, currency: str, micros: int, per_ms: int, kept: bool
):
    """The card says 12 euros an hour; a micro less, or another currency, is refused when it opens and ever after."""
    sheet = {"term_sheet_id": "voice-standard", "term_sheet_version": 2}
    rate = {"rate_currency": currency, "rate_micros": micros, "rate_per_ms": per_ms}
    try:
        await opened(database, f"kept-{currency}-{micros}", **sheet, **rate)
    except RateBelowTerms:
        assert not kept
    else:
        assert kept


async def test_what_is_given_to_nobody_else_is_paid_more(database: Pool):
    """The premium of an exclusive sheet is part of what its campaign has to pay."""
    sheet = document("voice-standard", 2) | {"id": "sole-voice", "version": 1, "supersedes": None}
    sheet["exclusivity"] = {"kind": "sole", "premium_bps": 2500}
    async with transaction(database) as connection:
        await term_sheets.publish(connection, sheet)
        await rates.check_promise(connection, "sole-voice", 1, "EUR", 15_000_000, 3_600_000)
        with pytest.raises(RateBelowTerms):
            await rates.check_promise(connection, "sole-voice", 1, "EUR", 14_999_999, 3_600_000)


@pytest.mark.parametrize(
    ("micros", "per_ms", "display"),
    [
        (12_000_000, 3_600_000, "€12.00 per hour"),
        (1, 1, "€3.60 per hour"),
        (5_000, 3_600_000, "€0.005 per hour"),
        (15_000, 3_600_000, "€0.02 per hour"),
        (200_000, 60_000, "€12.00 per hour"),
        (1_000_000, 7_000, "€514.29 per hour"),
    ],
)
async def test_a_rate_is_said_for_an_hour(database: Pool, micros: int, per_ms: int, display: str):
    """Rounded half to even to the hundredth, without a float; what is less than a cent does not look unpaid."""
    slug = await opened(database, f"rate-{micros}-{per_ms}", rate_micros=micros, rate_per_ms=per_ms)
    async with transaction(database) as connection:
        rows = await campaigns.listing(connection, media=None, language=None, after=None, limit=200)

    assert display == rate_of(next(row for row in rows if row.slug == slug)).display


async def test_a_campaign_says_what_for_and_for_whom(
    client: httpx.AsyncClient, operator: httpx.AsyncClient, database: Pool
):
    """By legal name, before anybody records; one that nobody in particular asked for says so."""
    await trading.listed(database)
    buyer = await trading.buyer(operator)
    wish = {"purpose": "Dictation for doctors.", "buyer": UUID(buyer["id"])}
    slugs = [await opened(database, "asked-for", **wish), await opened(database, "for-anybody")]

    entries = {one["title"]: one for one in await offered(client)}
    asked, nobody = [(await client.get(entries[slug]["url"])).json() for slug in slugs]

    assert ("Dictation for doctors.", buyer["legal_name"]) == (asked["purpose"], asked["buyer"]["name"])
    assert (None, None) == (nobody["purpose"], nobody["buyer"])


async def test_no_campaign_is_opened_for_a_buyer_that_may_not_buy(operator: httpx.AsyncClient, database: Pool):
    await trading.listed(database)
    listed = UUID((await trading.buyer(operator, sector="surveillance"))["id"])

    with pytest.raises(BuyerRefused):
        await opened(database, "for-a-listed-one", buyer=listed)
    with pytest.raises(BuyerMissing):
        await opened(database, "for-nobody-known", buyer=uuid4())


@pytest.mark.parametrize(
    ("language", "rate"), [("de", "12,00 € je Stunde"), ("fr-CA", "12,00 € par heure"), ("en", "€12.00 per hour")]
)
async def test_a_campaign_is_read_in_the_reader_s_language(
    client: httpx.AsyncClient, campaign: dict[str, Any], language: str, rate: str
):
    """What an hour pays, in the list too, and what helps; caches hear that it depends on the language."""
    said = {"Accept-Language": language}
    first = await client.get("/v1/campaigns", headers=said)
    told = await client.get(campaign["url"], headers=said)
    profile = await client.get(campaign["capture_profile_url"], headers=said)

    entry = next(one for one in await offered(client, said) if one["id"] == campaign["id"])
    assert [rate, rate] == [one["rate"]["display"].replace("\xa0", " ") for one in (entry, told.json())]
    for answer in (first, told, profile):
        assert (language, "Accept-Language") == (answer.headers["Content-Language"], answer.headers["Vary"])
    fixes = {rule["name"]: rule["fix"] for rule in profile.json()["rules"]}
    assert fixes == {rule["name"]: rule["fix"] for rule in told.json()["rules"]}
    assert words("audio.loudness", language.partition("-")[0]).fix == fixes["audio.loudness"]


@pytest.mark.parametrize("path", ["", "/capture-profile"])
async def test_what_a_phone_has_already_is_not_sent_again(
    client: httpx.AsyncClient, campaign: dict[str, Any], path: str
):
    """304 without a body, also for a copy that a proxy marked as weak, and 200 for any other."""
    url = f"/v1/campaigns/{campaign['id']}{path}"
    first = await client.get(url)
    etag = first.headers["etag"]

    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        again = await client.get(url, headers={"If-None-Match": known})
        assert (304, b"", etag) == (again.status_code, again.content, again.headers["etag"])
    assert 200 == (await client.get(url, headers={"If-None-Match": '"other"'})).status_code


async def test_head_answers_like_get_without_the_body(client: httpx.AsyncClient, campaign: dict[str, Any]):
    url = f"/v1/campaigns/{campaign['id']}"
    head, full = await client.head(url), await client.get(url)

    assert (200, b"") == (head.status_code, head.content)
    assert (full.headers["etag"], full.headers["content-length"]) == (
        head.headers["etag"],
        head.headers["content-length"],
    )


async def test_the_catalogue_lists_every_check_in_the_reader_s_language(client: httpx.AsyncClient):
    english = await client.get("/v1/checks")
    german = await client.get("/v1/checks", headers={"Accept-Language": "de-CH, en;q=0.5"})

    names = [entry["name"] for entry in english.json()["data"]]
    assert names == [entry["name"] for entry in german.json()["data"]]
    assert {"audio.duration", "audio.clipping"} <= set(names)
    assert ("en", "Accept-Language") == (english.headers["content-language"], english.headers["vary"])
