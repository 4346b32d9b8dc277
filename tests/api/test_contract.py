"""The corrections of the OpenAPI document, one by one, on documents as Litestar writes them."""

import re
from pathlib import Path
from typing import Annotated
from uuid import UUID

import msgspec
import pytest
from litestar import Litestar, delete, post
from litestar.openapi import OpenAPIConfig
from litestar.params import FromPath, JSONBody

from api.contract import contract, corrected, operation_id

ROOT = Path(__file__).parents[2]


class Spoken(msgspec.Struct, tag="spoken", tag_field="kind"):
    """A recording of a voice."""

    channels: Annotated[int, msgspec.Meta(ge=1, le=8, examples=[2])]


class Seen(msgspec.Struct, tag="seen", tag_field="kind"):
    """A recording of a scene."""

    frame_rate: Annotated[float, msgspec.Meta(gt=0.5, examples=[29.97])]


class Order(msgspec.Struct):
    """What somebody asks for."""

    media: Spoken | Seen
    title: Annotated[str, msgspec.Meta(examples=["Market at noon"])]
    spare: Spoken | Seen | None = None
    rooms: Annotated[list[Annotated[str, msgspec.Meta(pattern="^[a-z]+$")]], msgspec.Meta(examples=[["hall"]])] = []
    note: Annotated[str, msgspec.Meta(examples=["quiet"])] | msgspec.UnsetType = msgspec.UNSET


@post("/v1/orders/{order:uuid}")
async def place(order: FromPath[UUID], data: JSONBody[Order]) -> Spoken | Seen:
    """Place an order for a recording.

    The answer says what was understood.
    """
    raise NotImplementedError


@delete("/v1/orders/{order:uuid}", opt={"public": True})
async def cancel_order(order: FromPath[UUID]) -> None:
    """Cancel an order."""


@delete("/v1/rooms/{room:uuid}", opt={"operator": True})
async def close_room(room: FromPath[UUID]) -> None:
    """Close a room."""


@pytest.fixture(scope="module")
def document():
    configuration = OpenAPIConfig(
        title="Orders", version="1", use_handler_docstrings=True, operation_id_creator=operation_id
    )
    return contract(Litestar([place, cancel_order, close_room], openapi_config=configuration))


def test_a_tagged_union_names_its_tag(document):
    """Without it a Kotlin client cannot tell which of the two it received."""
    sent = document["paths"]["/v1/orders/{order}"]["post"]["responses"]["201"]["content"]["application/json"]["schema"]

    assert {
        "propertyName": "kind",
        "mapping": {"spoken": "#/components/schemas/Spoken", "seen": "#/components/schemas/Seen"},
    } == sent["discriminator"]


def test_a_tagged_union_that_may_be_null_is_nested(document):
    """A discriminator lists objects only, so null stands outside of it."""
    spare = document["components"]["schemas"]["Order"]["properties"]["spare"]

    assert {"type": "null"} == spare["oneOf"][1]
    assert "kind" == spare["oneOf"][0]["discriminator"]["propertyName"]


def test_whole_bounds_are_whole_and_others_stay(document):
    """1.0 as the least of an integer stops a strict generator."""
    schemas = document["components"]["schemas"]

    assert "1" == repr(schemas["Spoken"]["properties"]["channels"]["minimum"])
    assert 0.5 == schemas["Seen"]["properties"]["frame_rate"]["exclusiveMinimum"]


def test_errors_are_documented_as_they_are_sent(document):
    """RFC 9457: one content type and one body for every error."""
    responses = document["paths"]["/v1/orders/{order}"]["post"]["responses"]

    assert ["application/problem+json"] == list(responses["400"]["content"])
    assert {"$ref": "#/components/schemas/Problem"} == responses["400"]["content"]["application/problem+json"]["schema"]


def test_an_answer_without_a_body_promises_none():
    """RFC 9110, section 15.3.5."""
    answer = {"description": "Gone.", "content": {"application/json": {"schema": {}}}}

    document = corrected({"paths": {"/x": {"delete": {"responses": {"204": answer}}}}})

    assert {"description": "Gone."} == document["paths"]["/x"]["delete"]["responses"]["204"]


def test_every_operation_asks_for_a_token_unless_it_is_public(document):
    """A generated client sends the token by default, and none where nobody reads it."""
    orders = document["paths"]["/v1/orders/{order}"]

    assert [{"bearer": []}] == document["security"]
    assert "security" not in orders["post"]
    assert [] == orders["delete"]["security"]


def test_an_operator_s_operation_refuses_everybody_else(document):
    """Whoever generates a client sees that its users cannot call it."""
    closed, others = document["paths"]["/v1/rooms/{room}"]["delete"], document["paths"]["/v1/orders/{order}"]

    assert "Not allowed (`forbidden`)" == closed["responses"]["403"]["description"]
    assert ["forbidden"] == list(closed["responses"]["403"]["content"]["application/problem+json"]["examples"])
    assert not any("403" in operation["responses"] for operation in others.values())


def test_the_parts_of_a_list_are_limited(document):
    """The server refuses what the pattern refuses, so a client can refuse it first."""
    rooms = document["components"]["schemas"]["Order"]["properties"]["rooms"]

    assert {"type": "string", "pattern": "^[a-z]+$"} == rooms["items"]


def test_an_operation_is_named_like_its_function(document):
    """It becomes a method of every generated client, where Litestar's "V1OrdersOrderPlace" would be read for ever."""
    orders = document["paths"]["/v1/orders/{order}"]

    assert ["cancelOrder", "place"] == [orders[method]["operationId"] for method in ("delete", "post")]


def test_the_summary_is_the_first_sentence_of_the_docstring(document):
    """Litestar would call this operation "Place"."""
    assert "Place an order for a recording" == document["paths"]["/v1/orders/{order}"]["post"]["summary"]


def test_an_optional_field_is_no_choice_of_one(document):
    """A field that may be left out has a type like any other; `required` already says the rest."""
    note = document["components"]["schemas"]["Order"]["properties"]["note"]

    assert "string" == note["type"]
    assert "oneOf" not in note


def test_examples_are_composed_from_the_fields(document):
    """A field added to a struct appears in every example that uses it."""
    operation = document["paths"]["/v1/orders/{order}"]["post"]
    sent = {"media": {"kind": "spoken", "channels": 2}, "title": "Market at noon", "note": "quiet"}
    sent |= {"spare": sent["media"], "rooms": ["hall"]}

    assert sent == operation["requestBody"]["content"]["application/json"]["example"]
    assert {"kind": "spoken", "channels": 2} == operation["responses"]["201"]["content"]["application/json"]["example"]
    assert UUID(operation["parameters"][0]["example"])


def test_a_schema_that_contains_itself_ends():
    """A comment below a comment below a comment must not run for ever."""
    comment = {"type": "object", "properties": {"answer": {"$ref": "#/components/schemas/Comment"}}}
    body = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Comment"}}}}

    document = corrected(
        {"components": {"schemas": {"Comment": comment}}, "paths": {"/x": {"post": {"requestBody": body}}}}
    )

    assert "answer" in document["paths"]["/x"]["post"]["requestBody"]["content"]["application/json"]["example"]


def test_no_pattern_of_ours_lets_a_last_newline_pass():
    r"""Python's `$` does, and what follows is a header or a code of its own: patterns end in `\Z`, on paper in `$`."""
    sources = [*ROOT.glob("api/**/*.py"), *ROOT.glob("storage/*.py")]
    loose = [
        f"{file.name}: {line.strip()}"
        for file in sources
        if file.name != "settings.py"
        for line in file.read_text().splitlines()
        if re.search(r'(pattern=|^[A-Z]+ = )[rf]*"\^.*\$["|]', line)
    ]

    assert [] == loose
