"""Manifests: MLCommons' own reader accepts them, and finds in them what may be fetched and under which conditions."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from api import croissant
from storage.deliveries import File, Licence, Release

NOW = datetime(2026, 11, 22, tzinfo=UTC)
SALE = UUID("01a20574-660e-7855-9cff-15380740ce80")
#: In a process of its own, because the reader warns in ways that would be errors here.
READ = """
import json, sys
import mlcroissant
dataset = mlcroissant.Dataset(jsonld=sys.argv[1])
records = [record for group in dataset.metadata.record_sets for record in dataset.records(group.id)]
issues = dataset.metadata.issues
print(json.dumps({
    "issues": sorted(issues.errors) + sorted(issues.warnings),
    "conforms": str(dataset.metadata.ctx.conforms_to), "records": records,
    "files": [file.sha256 for file in dataset.metadata.distribution],
}))
"""


def file(code: str, status: str = "ready") -> File:
    ready = status == "ready"
    facts = ("audio/flac", 3000, bytes(32)) if ready else (None, None, None)
    return File(uuid4(), code, status, "en" if ready else None, 11_000, *facts, None)  # type: ignore[arg-type]


def written(*files: File) -> dict[str, Any]:
    licence = Licence(
        SALE, ["asr_training", "evaluation"], "Hospitals.", NOW, NOW + timedelta(days=365), ["voice/versions/1"]
    )
    release = Release(uuid4(), "read-speech-en", "Read speech", "Sentences.", 1, NOW, [licence])
    return croissant.manifest(release, files, "https://companion.example")


@pytest.mark.parametrize("codes", [["7K3M9QXA2PV4", "7K3M9QXA2PV5"], []])
def test_the_reference_reader_accepts_a_manifest(tmp_path: Path, codes: list[str]):
    """Without an error or a warning, as version 1.1, also when everything was withdrawn."""
    place = tmp_path / "croissant.json"
    place.write_text(json.dumps(written(*map(file, codes))))

    read = subprocess.run([sys.executable, "-c", READ, place], capture_output=True, check=False)
    found = json.loads(read.stdout or b"{}")

    assert [] == found.get("issues"), read.stderr.decode()
    assert found["conforms"].endswith("V_1_1")
    assert codes == [record["recordings/code"] for record in found["records"]]
    assert [bytes(32).hex() for _ in codes] == found["files"]


def test_only_what_may_be_fetched_is_listed():
    """Neither what is not cleaned yet nor what was withdrawn."""
    manifest = written(file("7K3M9QXA2PV4"), file("7K3M9QXA2PV5", "preparing"), file("7K3M9QXA2PV6", "ended"))

    assert ["7K3M9QXA2PV4"] == [entry["@id"] for entry in manifest["distribution"]]
    assert ["7K3M9QXA2PV4"] == [entry["recordings/code"] for entry in manifest["recordSet"][0]["data"]]


def test_uses_are_named_as_in_the_odrl_of_a_term_sheet():
    """In ODRL's own words where it has one, else in ours; and the words lead somewhere."""
    assert ["odrl:annotate", "terms:asr_training"] == [croissant.action(use) for use in ("annotation", "asr_training")]
    assert "https://companion.example/ns/terms#" == written()["@context"]["terms"]


def test_a_licence_s_conditions_are_written_use_by_use():
    """Which use, for which purpose, until when, and that copies go when a contributor withdraws."""
    offer = written()["usageInfo"][0]
    permission = offer["odrl:permission"][0]
    limits = {limit["odrl:leftOperand"]["@id"]: limit["odrl:rightOperand"] for limit in permission["odrl:constraint"]}

    assert f"urn:uuid:{SALE}" == offer["@id"]
    assert ["terms:asr_training", "terms:evaluation"] == [
        rule["odrl:action"]["@id"] for rule in offer["odrl:permission"]
    ]
    assert "Hospitals." == limits["odrl:purpose"]
    assert "2027-11-22T00:00:00+00:00" == limits["odrl:dateTime"]["@value"]
    assert "odrl:delete" == permission["odrl:duty"][0]["odrl:action"]["@id"]
