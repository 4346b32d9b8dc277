"""Strange requests: whatever an operation is sent, it answers what openapi.json describes, and never 500.

Schemathesis makes them of the document: half fit it and half do not. The ids in them are mostly ids of the asker's own
things, because a request that ends with 404 proves little. A few run with every other test, the same each time; `make
faults` makes many, others each time, by COMPANION_FAULT_REQUESTS.
"""

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, TypeAlias
from uuid import UUID

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from requests import Request
from schemathesis import Case
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from storage.database import Pool
from tests.api.clients import client_of
from tests.api.described import broken, document, unreadable
from tests.api.owning import Sold
from tests.api.test_quotes import opened

Operation: TypeAlias = "APIOperation[Any, Any, Any, Any]"
EACH = int(os.environ.get("COMPANION_FAULT_REQUESTS", "3"))
#: What would wait for events or end the session that asks, and what takes media, which other tests send.
LEFT_OUT = {
    "GET /v1/events",
    "POST /v1/prechecks",
    "DELETE /v1/accounts/me",
    "DELETE /v1/sessions/current",
    "DELETE /v1/sessions/{session}",
}
#: Fields of bodies that hold an id, and whose it is.
BODY_IDS = {"replaces": "recording", "recordings": "recording", "buyer": "buyer_id"}


def operations() -> Iterator[Operation]:
    """Every operation, those that delete something last."""
    found = [result.ok() for result in document().get_all_operations()]
    wanted = [operation for operation in found if operation.label not in LEFT_OUT]
    yield from sorted(wanted, key=lambda operation: operation.method.upper() == "DELETE")


def cases(operation: Operation, mode: GenerationMode) -> list[Case]:
    """Make requests for an operation that fit the document, or that do not."""
    made: list[Case] = []

    @settings(
        max_examples=EACH,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        derandomize="COMPANION_FAULT_REQUESTS" not in os.environ,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def collect(case: Case) -> None:
        made.append(case)

    with suppress(Unsatisfiable):
        if mode is GenerationMode.POSITIVE or can_be_wrong(operation):
            collect()
    return made


def can_be_wrong(operation: Operation) -> bool:
    """Nothing can be wrong in a request that says nothing, or only any text in its path; to try takes half a second."""
    beside = [*operation.query, *operation.headers, *operation.cookies, *operation.body]
    return bool(beside) or any(said.definition["schema"] != {"type": "string"} for said in operation.path_parameters)


def is_id(value: object) -> bool:
    try:
        return bool(UUID(str(value)))
    except ValueError:
        return False


def named(case: Case, ids: dict[str, str], chance: random.Random) -> httpx.Request:
    """Put known ids where ids stand, in the path and in the body, and write the request as it is sent."""
    for name, value in (case.path_parameters or {}).items():
        if name in ids and (is_id(value) or chance.random() < 0.5):
            case.path_parameters[name] = ids[name]
    if isinstance(case.body, dict):
        case.body |= {
            name: ids[BODY_IDS.get(name, name)]
            for name, value in case.body.items()
            if BODY_IDS.get(name, name) in ids and is_id(value)
        }
    said = case.as_transport_kwargs(base_url="http://companion.test")
    said = {name: said.get(name) for name in ("method", "url", "headers", "params", "data", "json", "cookies")}
    sent = Request(**said).prepare()
    headers = {name: value for name, value in sent.headers.items() if name.lower() != "authorization"}
    if "/uploads" in case.path:
        headers.setdefault("Tus-Resumable", "1.0.0")
    return httpx.Request(
        sent.method or "GET", sent.url or "", headers=headers | {"Host": "companion.test"}, content=sent.body
    )


def complaint(operation: Operation, case: Case, answer: httpx.Response) -> str | None:
    """Say what is wrong with an answer, if anything is."""
    if answer.status_code >= 500 and answer.status_code not in {503, 507}:
        return f"{operation.label}: {answer.status_code} for {answer.request.url} {answer.request.content[:500]!r}"
    return None if unreadable(answer) else broken(case, answer)


@pytest.mark.timeout(120 + 60 * EACH)
async def test_no_request_is_too_strange(
    app: Any,
    owned: dict[str, str],
    sold: Sold,
    contributor: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    database: Pool,
):
    """A contributor, an operator and a buyer ask; what each may do decides nothing about how well it is answered."""
    chance, statuses, found = random.Random(EACH), Counter[int](), []
    ids = {**owned, "sheet": "voice-standard", "version": "1", "buyer_id": sold.buyer_id, "dataset": sold.dataset}
    # Of its own, because other tests send recordings for theirs, which would be paused or closed.
    changed = (await opened(database, contributor, 5))["id"]
    for operation in operations():
        ids["campaign"] = changed if operation.path.startswith("/v1/operator/campaigns/") else owned["campaign"]
        client = asking(operation, contributor, operator, sold.buyer)
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for case in cases(operation, mode):
                ids["recording"] = chance.choice((owned["recording"], sold.recording))
                request = named(case, ids, chance)
                request.headers["Authorization"] = client.headers["Authorization"]
                # Each from an address of its own: guessing is limited by address.
                async with client_of(app) as plain:
                    plain.event_hooks = {}
                    answer = await plain.send(request)
                statuses[answer.status_code] += 1
                found += [said] if (said := complaint(operation, case, answer)) else []

    assert [] == found
    assert statuses[200] + statuses[201] > statuses.total() / 5, "most requests came nowhere"


def asking(
    operation: Operation,
    contributor: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    buyer: httpx.AsyncClient,
) -> httpx.AsyncClient:
    """Give the client that an operation is for."""
    if "/operator/" in operation.path:
        return operator
    return buyer if operation.path.startswith(("/v1/datasets/", "/v1/withdrawal-notices")) else contributor
