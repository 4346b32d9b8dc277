"""The published contract, walked from end to end: what a developer reads and what a generator needs."""

import json
import re
from collections import Counter

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from api.contract import METHODS
from api.contract_nodes import nodes
from api.contract_schemas import NAMES, PACKAGES, known
from api.contract_values import FIELDS, PARAMETERS
from openapi.export import FILE, current, drift

DOCUMENT = json.loads(current())
OPERATIONS = {
    f"{method.upper()} {path}": methods[method]
    for path, methods in DOCUMENT["paths"].items()
    for method in METHODS
    if method in methods
}
every_operation = pytest.mark.parametrize("name", OPERATIONS)


def bodies(operation: dict) -> list[tuple[str, dict]]:
    """What an operation takes and gives, with a word for the failure message."""
    sent = [("request", operation["requestBody"])] if "requestBody" in operation else []
    answers = [*sent, *operation["responses"].items()]
    return [(f"{what} {kind}", media) for what, body in answers for kind, media in body.get("content", {}).items()]


def examples_of(media: dict) -> list:
    shown = DOCUMENT["components"]["examples"]
    told = [shown[example["$ref"].rsplit("/", 1)[1]]["value"] for example in media.get("examples", {}).values()]
    return told + ([media["example"]] if "example" in media else [])


def test_the_committed_document_describes_the_routes():
    """A client is generated from the file, so the file must be what is served: run `make openapi`."""
    assert "" == drift(FILE.read_text(encoding="utf-8"), current())


def test_the_document_is_the_same_each_time():
    """A ResponseSpec without `generate_examples=False` puts random values in, and the file drifts by itself."""
    assert "" == drift(current(), current())


def test_a_stale_document_is_told_line_by_line():
    """The gate must be able to fail, and to say on what."""
    told = drift('{\n "openapi": "3.1.0"\n}\n', '{\n "openapi": "3.1.1"\n}\n')

    assert ['- "openapi": "3.1.0"', '+ "openapi": "3.1.1"'] == told.splitlines()[4:6]


def test_the_document_is_valid_openapi_3_1():
    """By the specification's own JSON Schema."""
    validate(DOCUMENT)

    assert DOCUMENT["openapi"].startswith("3.1.")
    assert ["/"] == [server["url"] for server in DOCUMENT["servers"]]


def test_operation_ids_are_unique():
    """They become the method names of every generated client."""
    named = Counter(operation["operationId"] for operation in OPERATIONS.values())

    assert {} == {name: count for name, count in named.items() if count > 1}


@every_operation
def test_an_operation_is_described(name):
    """Name, summary, description and the group it belongs to."""
    operation = OPERATIONS[name]

    assert [] == [part for part in ("operationId", "summary", "description", "tags") if not operation.get(part)]
    assert len(operation["summary"]) <= 120


@every_operation
def test_an_operation_declares_its_problems(name):
    """Every request can be wrong; a private one can also come without a token.

    One answer is no problem of whoever asks: whoever watches reads in it which part of the service is away.
    """
    operation = OPERATIONS[name]
    private = operation.get("security") != []
    told = {"503"} if name == "GET /readyz" else set()

    assert operation["responses"].keys() >= ({"400", "401"} if private else {"400"})
    assert [] == [
        status
        for status, answer in operation["responses"].items()
        if status[0] in "45" and status not in told and ["application/problem+json"] != list(answer["content"])
    ]


@every_operation
def test_an_operation_shows_examples_that_its_own_schema_accepts(name):
    """A developer copies the example first: it must be whole, and it must be true."""
    for what, media in bodies(OPERATIONS[name]):
        if what.endswith("json"):
            examples = examples_of(media)
            validator = Draft202012Validator({**media["schema"], "components": DOCUMENT["components"]})

            assert examples, f"{what} has no example"
            assert [] == [error.message for example in examples for error in validator.iter_errors(example)], what
            assert "…" not in json.dumps(examples, ensure_ascii=False).replace("…”", ""), f"{what} invents a text"


@every_operation
def test_a_parameter_that_is_needed_shows_an_example(name):
    """`/v1/recordings/{recording}` says little; one id says the form of all of them."""
    parameters = OPERATIONS[name].get("parameters", [])

    assert [] == [part["name"] for part in parameters if part.get("required") and part.get("example") in (None, "…")]


def test_every_typical_value_belongs_to_a_field():
    """A renamed field would leave its example behind, and get an invented one."""
    schemas = DOCUMENT["components"]["schemas"]
    parameters = {part["name"] for operation in OPERATIONS.values() for part in operation.get("parameters", [])}

    assert set() == {
        f"{name}.{field}"
        for name, fields in FIELDS.items()
        for field in fields
        if field not in schemas.get(name, {}).get("properties", {})
    }
    assert set() == PARAMETERS.keys() - parameters


def test_whole_numbers_have_whole_bounds():
    """A strict generator refuses 1.0 as the least of an integer."""
    bounds = ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")

    assert [] == [
        node
        for node in nodes(DOCUMENT)
        if node.get("type") == "integer" and any(isinstance(node.get(bound), float) for bound in bounds)
    ]


def test_a_union_of_structs_names_its_tag():
    """Without a discriminator a client has to guess which one it received."""
    unions = [node for node in nodes(DOCUMENT) if sum("$ref" in choice for choice in node.get("oneOf", [])) > 1]

    assert [] == [union for union in unions if "discriminator" not in union]


@pytest.mark.parametrize("name", DOCUMENT["components"]["schemas"])
def test_every_part_has_a_name_and_says_what_it_is(name):
    """It becomes a class of every generated client and the comment above it."""
    part = DOCUMENT["components"]["schemas"][name]

    assert re.fullmatch("([A-Z][a-z0-9]+)+", name)
    assert name == part["title"]
    assert part["description"].endswith(".")


def test_every_reference_leads_to_a_part():
    """A part that got another name is meant by it everywhere; nothing is shown that nobody names."""
    meant = {node["$ref"] for node in nodes(DOCUMENT) if "$ref" in node}

    assert meant == {
        f"#/components/{kind}/{name}" for kind in ("schemas", "examples") for name in DOCUMENT["components"][kind]
    }


def test_every_name_is_that_of_a_class_of_the_contract():
    """A class that went or was renamed would leave its name behind."""
    classes = {f"{one.__module__}.{one.__name__}" for one in known()}

    assert set() == NAMES.keys() - classes
    assert set() == set(NAMES.values()) - DOCUMENT["components"]["schemas"].keys()
    assert len(NAMES) == len(set(NAMES.values()))


def test_a_part_is_described_by_what_is_sent_and_not_by_what_is_kept():
    """Two classes may have one name and the same fields; the one of the API is first."""
    packages = [one.__module__.partition(".")[0] for one in known()]

    assert packages == sorted(packages, key=PACKAGES.index)


def test_a_client_of_the_document_can_send_a_recording():
    """Without the headers of tus in the document a generated client cannot upload a byte."""
    sent = {name: parameters_of(name, "header") for name in OPERATIONS}

    assert {"Tus-Resumable", "Upload-Offset", "Upload-Checksum"} == sent["PATCH /v1/uploads/{upload}"].keys()
    assert {"Tus-Resumable", "Upload-Length", "Upload-Metadata", "Upload-Checksum"} == sent["POST /v1/uploads"].keys()
    assert sent["HEAD /v1/uploads/{upload}"]["Tus-Resumable"]["required"]
    body = OPERATIONS["PATCH /v1/uploads/{upload}"]["requestBody"]["content"]
    assert ["application/offset+octet-stream"] == [*body]
    assert "Upload-Offset" in OPERATIONS["HEAD /v1/uploads/{upload}"]["responses"]["200"]["headers"]


def test_what_may_be_sent_again_says_how():
    """Every private POST that reads JSON takes an Idempotency-Key; uploads and confirmations have their own way."""
    keyed = {name for name in OPERATIONS if "Idempotency-Key" in parameters_of(name, "header")}

    assert {"POST /v1/payouts", "POST /v1/recordings", "POST /v1/operator/sales"} <= keyed
    assert set() == keyed & {"POST /v1/accounts", "POST /v1/uploads", "POST /v1/sessions/current/confirmations"}
    assert all(name.startswith("POST ") for name in keyed)


def parameters_of(name: str, place: str) -> dict[str, dict]:
    return {part["name"]: part for part in OPERATIONS[name].get("parameters", []) if part["in"] == place}
