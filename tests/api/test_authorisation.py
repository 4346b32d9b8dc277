"""Who may do what, walked over every route there is: a new route without a case fails here.

For each route: somebody who is not signed in hears 401; somebody else's id and an id that nobody has get the same
answer, byte for byte, so that an id reveals nothing; and the same for ids inside of bodies. The owner's own request is
made too, because a test that never reached the route would prove nothing.
"""

import copy
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, get_type_hints
from uuid import UUID, uuid4

import httpx
import msgspec
import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler

from api.app import create_app
from api.settings import Settings
from storage import accounts, buyers, erasures, sessions
from storage.database import Pool, transaction
from storage.sessions import Tokens
from tests.api.clients import client_of
from tests.api.devices import subscription
from tests.api.paying import IBAN
from tests.api.taking import BYTES, TUS

#: Everything that may be read or done without signing in. A route is added here by hand and on purpose.
PUBLIC = {
    "POST /v1/accounts", "POST /v1/sessions", "POST /v1/sessions/refresh",
    "GET /v1/campaigns", "GET /v1/campaigns/{campaign}", "GET /v1/campaigns/{campaign}/capture-profile",
    "GET /v1/campaigns/{campaign}/estimate", "GET /v1/rates", "GET /v1/transparency",
    "GET /v1/term-sheets", "GET /v1/term-sheets/{sheet}", "GET /v1/term-sheets/{sheet}/versions/{version}",
    "GET /v1/term-sheets/{sheet}/versions/{version}/card", "GET /v1/term-sheets/{sheet}/versions/{version}/legal-text",
    "GET /v1/term-sheets/{sheet}/versions/{version}/practice-flags", "GET /v1/term-sheets/{sheet}/diff",
    "GET /v1/term-sheets/{sheet}/versions/{version}/renderings", "GET /v1/schemas/term-sheet/1",
    "GET /v1/push-key", "GET /.well-known/jwks.json", "GET /metrics", "GET /v1/policies/biometric-retention",
    # Signed by the payment provider; tests/api/test_provider_events.py tries without.
    "POST /v1/provider-events",
    "GET /v1/ledger/checkpoints", "GET /v1/ledger/checkpoints/{day}",
    "GET /v1/checks", "GET /healthz", "GET /readyz", "GET /problems", "GET /problems/{slug}",
    "GET /openapi.json", "GET /reference", "GET /reference/{file_path}", "HEAD /reference/{file_path}",
    # The ticket is a signed permission of its own; tests/api/test_media.py tries to forge it.
    "GET /v1/media/{ticket}",
    # So is this one; tests/api/test_releases.py tries.
    "GET /v1/deliveries/{ticket}",
    # Claimants have no account; the secret in the link is theirs alone.
    "POST /v1/third-party-claims", "GET /v1/third-party-claims/{case_secret}",
}  # fmt: skip
#: What each private route with a body is asked; the ids in it are replaced by the owner's and by nobody's.
BODIES: dict[str, Any] = {
    "POST /v1/recordings": {"sha256": "0" * 64, "size_bytes": 1000, "media_type": "audio/wav", "language": "en"},
    "PATCH /v1/recordings/{recording}": {"title": "Mine now"},
    "POST /v1/recordings/lookups": {"sha256": ["0" * 64]},
    "PUT /v1/me/data-budget": {"wifi_only": True}, "PUT /v1/me/notifications": {"muted": ["campaigns"]},
    "PUT /v1/me/consent-pause": {"paused": True}, "PUT /v1/me/refused-companies": {"names": ["Harbour Speech GmbH"]},
    "PUT /v1/sessions/current/push-subscription": subscription("https://127.0.0.1/"),
    "PUT /v1/me/password": {"password": "not the one that was"},
    "POST /v1/uploads/{upload}/parts": {"parts": [{"start": 0, "size": 1000, "sha256": "0" * 64}]},
    "POST /v1/sessions/current/confirmations": {"password": "not the one"},
    "POST /v1/payout-destinations": {"method": "sepa", "holder": "A", "iban": IBAN},
    "POST /v1/payouts": {}, "PUT /v1/tax-profile": {"residence": "DE"},
    "POST /v1/recordings/{recording}/withdrawals": {"uses": ["*"]},
    "POST /v1/withdrawals": {"uses": ["*"]}, "POST /v1/recordings/{recording}/disputes": {"text": "It is good."},
    "PUT /v1/recordings/{recording}/privacy": {"faces": "box"},
    "PUT /v1/recordings/{recording}/consents": {
        "term_sheet": "voice-standard", "version": 1, "sha256": "0" * 64, "locale": "en", "decisions": {},
    },
}  # fmt: skip
#: Ids in bodies that name something private.
BODY_IDS = {
    "POST /v1/payouts": {"destination": "destination"},
    "POST /v1/recordings": {"replaces": "recording", "quote": "quote"},
}
#: Ids that anybody may name, because anybody may read what they stand for.
PUBLIC_IDS = {"campaign", "prompt"}
#: tus says what it needs in headers.
HEADERS = {
    "POST /v1/uploads": {**TUS, "Upload-Length": "1000"},
    "HEAD /v1/uploads/{upload}": TUS,
    "DELETE /v1/uploads/{upload}": TUS,
    "PATCH /v1/uploads/{upload}": {**BYTES, "Upload-Offset": "0"},
    "POST /v1/uploads/{upload}": {**TUS, "X-HTTP-Method-Override": "HEAD"},
}


class Place(NamedTuple):
    """One method of one route."""

    method: str
    path: str
    handler: HTTPRouteHandler

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)

    @property
    def body_ids(self) -> set[str]:
        """Every field of the body that holds an id."""
        data = self.handler.parsed_fn_signature.parameters.get("data")
        hints = {} if data is None else get_type_hints(data.annotation)
        return {field for field, kind in hints.items() if "UUID" in str(kind)}


def places(app: Litestar) -> Iterator[Place]:
    """Every method of every route, but for the pages of Litestar's own, which are closed to everybody."""
    for route in app.routes:
        if route.path.startswith("/schema"):
            continue
        for handler in getattr(route, "route_handlers", []):
            for method in handler.http_methods - {"OPTIONS"}:
                yield Place(str(method), route.path_format, handler)


@pytest.fixture(scope="module")
def closed(app: Litestar) -> list[Place]:
    """Everything that asks for a token."""
    return [place for place in places(app) if place.name not in PUBLIC]


@pytest.fixture(scope="module")
def private(closed: list[Place]) -> list[Place]:
    """Everything that belongs to a contributor."""
    return [place for place in closed if not place.handler.opt.keys() & {"operator", "buyer"}]


async def ask(client: httpx.AsyncClient, place: Place, ids: dict[str, str], body: Any = None) -> httpx.Response:
    """Ask a route about ids, with the body and the headers it needs."""
    path = place.path
    for name in place.parameters:
        path = path.replace(f"{{{name}}}", ids[name])
    content = msgspec.json.encode(body) if body is not None else None
    headers = dict(HEADERS.get(place.name, {})) | ({"Content-Type": "application/json"} if content else {})
    return await client.request(place.method, path, content=content, headers=headers)


def seen(answer: httpx.Response) -> tuple[int, dict[str, str], bytes]:
    """All that a stranger sees, but for the number of the request itself."""
    headers = {name: value for name, value in answer.headers.items() if name not in {"x-request-id", "date"}}
    return answer.status_code, headers, re.sub(rb"urn:uuid:[0-9a-f-]{36}", b"", answer.content)


async def test_the_public_routes_are_these_and_no_others(app: Litestar):
    """A route is public because somebody decided it."""
    assert {place.name for place in places(app) if place.handler.opt.get("public")} == PUBLIC


async def test_the_pages_of_the_framework_are_closed(app: Litestar, contributor: httpx.AsyncClient):
    """They would load scripts from other addresses."""
    pages = [route.path for route in app.routes if route.path.startswith("/schema")]

    assert pages
    assert {404} == {(await contributor.get(page.replace("{path:str}", "redoc"))).status_code for page in pages}


async def test_every_route_has_a_case(private: list[Place], owned: dict[str, str]):
    """A path parameter, a body or an id in a body that this file does not know would go untested."""
    uncovered = [place.name for place in private if set(place.parameters) - owned.keys()]
    uncovered += [
        place.name
        for place in private
        if "data" in place.handler.parsed_fn_signature.parameters and place.name not in BODIES
    ]
    uncovered += [
        f"{place.name}: {field}"
        for place in private
        for field in place.body_ids - PUBLIC_IDS - BODY_IDS.get(place.name, {}).keys() - no_reference(place)
    ]

    assert [] == uncovered


def no_reference(place: Place) -> set[str]:
    """A prompt may be changed, and prompts are public."""
    return {"prompt"} if place.name == "PATCH /v1/recordings/{recording}" else set()


class AnyId(dict[str, str]):
    """An id for every name."""

    def __missing__(self, name: str) -> str:
        return "1" if name == "version" else str(uuid4())


async def test_nobody_gets_in_without_a_token(app: Litestar, closed: list[Place]):
    """Nor with one that is wrong, and the answer does not depend on what was asked for."""
    assert closed
    owned = AnyId()
    for token in (None, "cca_wrong", "ccb_wrong"):
        async with client_of(app, token) as stranger:
            for place in closed:
                answer = await ask(stranger, place, owned, BODIES.get(place.name))
                assert 401 == answer.status_code, (place.name, answer.text)
                assert "www-authenticate" in answer.headers


async def account_with(database: Pool) -> tuple[UUID, UUID, Tokens]:
    """A new account, its session and tokens."""
    async with transaction(database) as connection:
        profile = await accounts.create(connection, f"{uuid4()}@example.org", "no password")
        return profile.id, *await sessions.start(connection, profile.id, None)


async def spent(database: Pool) -> dict[str, str]:
    """One of everything that opened something once, or opens something else."""
    _, ended, signed_out = await account_with(database)
    _, _, late = await account_with(database)
    leaver, last, erased = await account_with(database)
    async with transaction(database) as connection:
        await sessions.revoke(connection, ended, "signed out")
        expire = "UPDATE access_tokens SET expires_at = now() - interval '1 second' WHERE hash = %s"
        await connection.execute(expire, (sessions.hashed(late.access_token),))
        await erasures.erase(connection, leaver, session=last)
        buyer = await buyers.register(connection, buyers.Registration("A", "DE", "speech_technology", "Tests."))
        key, revoked = await buyers.new_key(connection, buyer.id)
        await buyers.revoke_key(connection, buyer.id, key.id)
    return {
        "signed out": signed_out.access_token, "expired": late.access_token, "to refresh with": late.refresh_token,
        "erased": erased.access_token, "taken back": revoked,
    }  # fmt: skip


async def test_what_opened_something_once_opens_nothing(app: Litestar, closed: list[Place], database: Pool):
    """Only the farewell is said again to whoever has left."""
    opened = []
    for what, token in (await spent(database)).items():
        async with client_of(app, token) as stranger:
            for place in closed:
                answer = await ask(stranger, place, AnyId(), BODIES.get(place.name))
                if answer.status_code != 401:
                    opened.append((what, place.name))

    leaving = [place.name for place in closed if place.handler.opt.get("leaving")]
    assert leaving
    assert [("erased", name) for name in leaving] == opened


async def test_an_operator_is_a_stranger_to_what_is_a_contributor_s(
    private: list[Place], owned: dict[str, str], operator: httpx.AsyncClient
):
    """Their own routes show what they decide about; the ones of contributors show only one's own, to them as well."""
    seen_of_others = []
    for place in private:
        if set(place.parameters) - PUBLIC_IDS:
            body = copy.deepcopy(BODIES.get(place.name))
            foreign = await ask(operator, place, owned, body)
            ghost = await ask(operator, place, {name: str(uuid4()) for name in place.parameters}, body)
            if foreign.status_code != 404 or seen(foreign) != seen(ghost):
                seen_of_others.append(place.name)

    assert [] == seen_of_others


async def test_a_contributor_reaches_no_route_of_operators_or_buyers(
    closed: list[Place], contributor: httpx.AsyncClient, operator: httpx.AsyncClient
):
    """403 before anything is looked up; a buyer's route knows no accounts at all, not even an operator's."""
    answers: dict[str, int] = {}
    for place in closed:
        if place.handler.opt.get("operator"):
            answers[place.name] = (await ask(contributor, place, AnyId())).status_code - 403
        elif place.handler.opt.get("buyer"):
            answers[place.name] = (await ask(operator, place, AnyId())).status_code - 401

    assert answers
    assert {0} == set(answers.values()), answers


async def test_another_s_id_and_nobody_s_id_look_the_same(
    private: list[Place], owned: dict[str, str], other: httpx.AsyncClient, campaign: dict[str, Any]
):
    """404, and not a byte that tells whether the thing exists."""
    leaks, asked = [], 0
    for place in private:
        if not set(place.parameters) - PUBLIC_IDS:
            continue
        body = copy.deepcopy(BODIES.get(place.name))
        foreign = await ask(other, place, owned, body)
        ghost = await ask(other, place, {name: str(uuid4()) for name in place.parameters}, body)
        asked += 1
        if foreign.status_code != 404 or seen(foreign) != seen(ghost):
            leaks.append((place.name, seen(foreign), seen(ghost)))

    assert asked >= 10
    assert [] == leaks


async def test_an_id_in_a_body_reveals_nothing(
    private: list[Place], owned: dict[str, str], other: httpx.AsyncClient, campaign: dict[str, Any]
):
    """Replacing a recording of somebody else fails like replacing one that nobody has."""
    for place in private:
        for field, kind in BODY_IDS.get(place.name, {}).items():
            answers = []
            for named in (owned[kind], str(uuid4())):
                body = {**BODIES[place.name], "campaign": campaign["id"], field: named}
                answers.append(await ask(other, place, owned, body))
            assert 400 <= answers[0].status_code < 500
            assert seen(answers[0]) == seen(answers[1]), place.name


async def test_an_upload_cannot_be_made_for_a_recording_of_somebody_else(
    owned: dict[str, str], other: httpx.AsyncClient
):
    """The protocol names the recording in a header."""
    answers = []
    for named in (owned["recording"], str(uuid4())):
        metadata = f"recording {base64(named)}"
        headers = {**HEADERS["POST /v1/uploads"], "Upload-Metadata": metadata}
        answers.append(await other.post("/v1/uploads", headers=headers))

    assert 404 == answers[0].status_code
    assert seen(answers[0]) == seen(answers[1])


def base64(text: str) -> str:
    from base64 import b64encode

    return b64encode(text.encode()).decode()


async def test_the_owner_gets_in(
    private: list[Place], owned: dict[str, str], contributor: httpx.AsyncClient, campaign: dict[str, Any]
):
    """Every reading route that needs an id answers its owner, so the refusals above are about the person."""
    reached = [
        (place.name, answer.json().get("type") if answer.content else None)
        for place in private
        if place.parameters and place.method in {"GET", "HEAD"}
        for answer in [await ask(contributor, place, owned)]
        if answer.status_code in {401, 403}
        or b"/problems/recording-missing" in answer.content
        or b"/problems/upload-missing" in answer.content
    ]

    assert [] == reached


async def test_nobody_s_browser_keeps_what_is_somebody_s_own(
    private: list[Place], owned: dict[str, str], contributor: httpx.AsyncClient
):
    """Neither an answer to its owner, nor the tokens of whoever signs up."""
    kept = []
    for place in private:
        if place.method == "GET" and not set(place.parameters) - owned.keys():
            answer = await ask(contributor, place, owned)
            kept += [place.name] if "cache-control" not in answer.headers else []
    signed_up = await contributor.post(
        "/v1/accounts", json={"email": f"{uuid4()}@example.org", "password": "a sentence nobody says"}
    )

    assert [] == kept
    assert (201, "no-store") == (signed_up.status_code, signed_up.headers["cache-control"])


async def test_only_an_operator_enters_an_operator_s_route(
    app: Litestar, settings: Settings, contributor: httpx.AsyncClient, operator: httpx.AsyncClient
):
    """A contributor hears 403 before anything is looked up."""

    @get("/v1/operators-only", opt={"operator": True})
    async def operators_only() -> None: ...

    closed = create_app(settings)
    closed.register(operators_only)
    closed.state.update({"database": app.state.database})
    statuses = {}
    for role, client in {"contributor": contributor, "operator": operator}.items():
        async with client_of(closed, client.headers["authorization"].removeprefix("Bearer ")) as asking:
            statuses[role] = (await asking.get("/v1/operators-only")).status_code

    assert {"contributor": 403, "operator": 200} == statuses


async def test_a_list_shows_only_one_s_own(
    owned: dict[str, str], contributor: httpx.AsyncClient, other: httpx.AsyncClient
):
    """No id of somebody else's appears in any list."""
    for path in ("/v1/recordings", "/v1/sessions", "/v1/events?cursor="):
        mine, theirs = await contributor.get(path), await other.get(path)
        assert 200 == mine.status_code == theirs.status_code, (path, mine.text)
        assert not any(identity in theirs.text for identity in owned.values())


def test_ids_are_recognised():
    """The walk depends on it: an optional id is an id as well."""

    class Body(msgspec.Struct):
        one: UUID
        two: UUID | None = None
        three: str = ""

    assert ["one", "two"] == [field for field, kind in get_type_hints(Body).items() if "UUID" in str(kind)]
