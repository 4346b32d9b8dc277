"""Problems: one table, stable slugs, and the right one for everything that HTTP itself can get wrong."""

import re
import uuid
from collections.abc import Iterator

import httpx
import pytest
from litestar import Litestar, get
from litestar.handlers import HTTPRouteHandler
from litestar.testing import AsyncTestClient

from api.app import create_app
from api.problem_table import TABLE, kind_of
from api.settings import Settings
from capture_validation.errors import CaptureError
from storage import errors, payout_errors
from storage.errors import StorageError
from storage.ledger import errors as ledger


def descendants(root: type[Exception]) -> Iterator[type[Exception]]:
    yield root
    for child in root.__subclasses__():
        yield from descendants(child)


#: JSON may carry a character that PostgreSQL cannot store.
NUL = b'{"email":"nul@example.org","password":"a long password","device":"\\u0000"}'
STORED = [
    found
    for found in descendants(StorageError)
    if found.__module__ in {errors.__name__, payout_errors.__name__, ledger.__name__}
]


@pytest.mark.parametrize("exception", STORED)
def test_everything_that_storage_raises_has_a_row_of_its_own(exception: type[Exception]):
    """A new exception without a row would reach a contributor under its parent's name."""
    assert exception in TABLE


def test_no_field_of_a_body_is_named_like_a_dependency(app: Litestar):
    """Litestar would take a wrong value in such a field for a fault of ours, and answer 500."""
    alike = {
        f"{route.path}: {name}"
        for route in app.routes
        for handler in getattr(route, "route_handlers", [])
        for name in fields_of(handler) & handler.resolve_dependencies().keys()
    }

    assert set() == alike


def fields_of(handler: HTTPRouteHandler) -> set[str]:
    """The fields of what is sent to a route."""
    sent = handler.parsed_fn_signature.parameters.get("data")
    return set(getattr(sent.annotation, "__struct_fields__", ())) if sent else set()


def test_slugs_are_unique_and_readable():
    """A slug is part of the contract: two meanings under one name cannot be told apart."""
    slugs = [kind.slug for kind in TABLE.values()]

    assert len(slugs) == len(set(slugs))
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", slug) for slug in slugs)


def test_every_error_of_a_recording_s_examination_has_a_row():
    """None of them falls through to an internal error unseen."""
    assert all(kind_of(found).slug != "internal" for found in descendants(CaptureError))


def test_what_may_be_tried_again_says_when():
    """429 and 503 without a time make a phone guess."""
    assert [] == [kind.slug for kind in TABLE.values() if kind.status in {429, 503, 507} and not kind.retry_after_s]


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "slug"),
    [
        ("GET", "/nowhere", b"", 404, "route-unknown"),
        ("GET", "/v1/campaigns/not-an-id", b"", 404, "route-unknown"),
        ("DELETE", "/healthz", b"", 405, "method-not-allowed"),
        ("POST", "/v1/sessions", b"{", 400, "json-malformed"),
        ("POST", "/v1/sessions", b"", 400, "request-invalid"),
        ("POST", "/v1/sessions", b"[]", 400, "request-invalid"),
        ("POST", "/v1/sessions", b"[" * 400_000, 400, "json-malformed"),
        ("POST", "/v1/sessions", b'{"email":' * 40_000, 400, "json-malformed"),
        ("POST", "/v1/sessions", b'"\xff\xfe"', 400, "json-malformed"),
        ("POST", "/v1/sessions", b" " * 1_000_001, 413, "body-too-large"),
        ("POST", "/v1/accounts", NUL, 400, "value-unusable"),
        ("GET", "/v1/campaigns?limit=0", b"", 400, "request-invalid"),
        ("GET", "/v1/campaigns?limit=x", b"", 400, "request-invalid"),
        ("GET", "/v1/campaigns?media=smell", b"", 400, "request-invalid"),
        ("GET", "/v1/campaigns?cursor=%21", b"", 400, "cursor-invalid"),
        ("GET", "/v1/campaigns?language=%00", b"", 400, "value-unusable"),
        ("GET", "/v1/term-sheets/%00", b"", 400, "value-unusable"),
        ("GET", "/v1/term-sheets/nothing", b"", 404, "term-sheet-missing"),
        ("GET", "/v1/term-sheets/voice-standard/versions/99999999999999999999", b"", 404, "term-sheet-missing"),
        ("GET", "/v1/me", b"", 401, "unauthenticated"),
        ("GET", "/problems/nothing", b"", 404, "problem-unknown"),
    ],
)
async def test_the_right_problem_is_sent(
    client: httpx.AsyncClient, method: str, path: str, content: bytes, status: int, slug: str
):
    """In the form of RFC 9457, with its own content type, and leading to a page that explains it."""
    answer = await client.request(method, path, content=content, headers={"Content-Type": "application/json"})

    problem = answer.json()
    assert (status, f"/problems/{slug}") == (answer.status_code, problem["type"]), answer.text
    assert "application/problem+json" == answer.headers["content-type"]
    assert status == problem["status"]
    assert problem["title"]
    assert problem["detail"].endswith(".")
    assert f"urn:uuid:{answer.headers['x-request-id']}" == problem["instance"]
    assert uuid.UUID(answer.headers["x-request-id"])
    assert 200 == (await client.get(problem["type"])).status_code


async def test_a_method_that_is_not_taken_names_the_ones_that_are(client: httpx.AsyncClient):
    answer = await client.delete("/v1/campaigns")

    assert "GET" in answer.headers["allow"]


async def test_a_parameter_that_is_missing_is_named(client: httpx.AsyncClient):
    """The sentence sends the reader to `errors`, so something has to be there."""
    answer = await client.get("/v1/term-sheets/voice-standard/diff")

    assert (400, "/problems/request-invalid") == (answer.status_code, answer.json()["type"])
    assert ["It is missing."] == [error["detail"] for error in answer.json()["errors"]]
    assert answer.json()["errors"][0]["pointer"] in {"from", "to"}


async def test_a_body_that_is_not_json_is_refused_by_its_type(client: httpx.AsyncClient):
    answer = await client.post("/v1/sessions", content=b"a=b", headers={"Content-Type": "text/plain"})

    assert (415, "/problems/media-type-unsupported") == (answer.status_code, answer.json()["type"])


async def test_a_missing_token_says_how_to_bring_one(client: httpx.AsyncClient):
    assert "Bearer" == (await client.get("/v1/me")).headers["www-authenticate"]


async def test_an_unforeseen_error_says_nothing_about_our_insides(settings: Settings):
    """The log has the traceback; the client has the request's number."""

    @get("/fails", opt={"public": True})
    async def fails() -> None:
        raise ValueError("secret detail")

    broken = create_app(settings)
    broken.register(fails)
    async with AsyncTestClient(broken, raise_server_exceptions=False) as client:
        answer = await client.get("/fails")

    assert (500, "/problems/internal") == (answer.status_code, answer.json()["type"])
    assert "secret" not in answer.text
    assert "ValueError" not in answer.text


async def test_a_dead_database_is_said_to_be_away(settings: Settings):
    """503 with a time to wait, never an internal error; and the process itself counts as alive."""
    lost = create_app(
        Settings.from_environment(
            {
                "DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nowhere",
                "S3_ENDPOINT": settings.s3_endpoint,
                "S3_ACCESS_KEY": "k",
                "S3_SECRET_KEY": "k",
                "COMPANION_MASTER_KEY": "A" * 43 + "=",
            }
        )
    )
    async with AsyncTestClient(lost, raise_server_exceptions=False) as client:
        answer = await client.get("/readyz")
        alive = await client.get("/healthz")

    assert (503, "unavailable", "missing") == (answer.status_code, answer.json()["status"], answer.json()["database"])
    assert "2" == answer.headers["retry-after"]
    assert 200 == alive.status_code


async def test_a_tus_client_reads_sentences(contributor: httpx.AsyncClient, upload: tuple[str, bytes]):
    """And not the phrase of a status, which says nothing that helps."""
    url, _ = upload
    wrong = await contributor.patch(url, headers={"Tus-Resumable": "1.0.0", "Content-Type": "audio/wav"}, content=b"x")
    old = await contributor.patch(url, headers={"Tus-Resumable": "0.2.2"}, content=b"x")

    assert "Bytes of an upload are sent as application/offset+octet-stream." == wrong.json()["detail"]
    assert "Only tus 1.0.0 is spoken here; say so in the Tus-Resumable header." == old.json()["detail"]


async def test_a_wrong_value_is_named_as_it_was_sent(contributor: httpx.AsyncClient):
    """Some parameters have another name in our code, and the whole body is no member of itself (RFC 6901)."""
    asked = [
        await contributor.get("/v1/recordings", params={"state": "nowhere"}),
        await contributor.get("/v1/balance-transactions", params={"from": "yesterday"}),
        await contributor.post("/v1/recordings", json={}),
    ]

    assert ["state", "from", ""] == [answer.json()["errors"][0]["pointer"] for answer in asked]
