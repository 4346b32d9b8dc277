"""The TypeScript client that is generated from openapi.json: it compiles, and its calls mean what it says."""

import json
from pathlib import Path

import pytest

from load_tests.service import Service
from tests.clients.conftest import HERE, Node

DOCUMENT = HERE.parent.parent / "openapi/openapi.json"


@pytest.fixture(scope="module")
def generated(node: Node) -> Path:
    """The types, generated afresh."""
    schema = HERE / "generated/schema.d.ts"
    schema.parent.mkdir(exist_ok=True)
    node("node_modules/openapi-typescript/bin/cli.js", DOCUMENT, "--output", schema)
    return schema


def test_a_client_compiles_without_a_cast(node: Node, generated: Path):
    """`tsc --strict` refuses a field that the contract does not have, and a problem without its type."""
    assert generated.stat().st_size > 10_000

    node("node_modules/typescript/bin/tsc", "--project", "tsconfig.json")


def test_a_client_signs_up_and_reads(node: Node, generated: Path, service: Service):
    """The same file that compiled, against the running service."""
    assert generated.exists()

    told = json.loads(node("typescript_client.ts", service.url).stdout)

    assert told["pseudonym"]
    assert len(told["campaigns"]) == 2
    assert told["refused"] == "/problems/recording-missing"
