"""Dataset manifests in Croissant 1.1 (MLCommons), with the conditions of a licence in ODRL 2.2 (W3C).

A buyer's tools read from it which files there are, that they arrived unchanged, and what they may be used for. Only
what may be fetched now is listed: the manifest of a release shrinks when a contributor withdraws.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.terms.odrl import ACTIONS, VOCABULARY
from storage.deliveries import File, Licence, Release

Node = dict[str, Any]
CONFORMS_TO = "http://mlcommons.org/croissant/1.1"
MEDIA_TYPE = f'application/ld+json; profile="{CONFORMS_TO}"'
#: Croissant 1.1, appendix 1, with the vocabularies of conditions added.
CONTEXT: Node = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "sc": "https://schema.org/",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "dct": "http://purl.org/dc/terms/",
    "odrl": "http://www.w3.org/ns/odrl/2/",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
    "conformsTo": "dct:conformsTo",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "examples": {"@id": "cr:examples", "@type": "@json"},
    **{
        name: f"cr:{name}"
        for name in (
            "annotation", "arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "excludes", "extract",
            "field", "fileObject", "fileProperty", "fileSet", "format", "includes", "isArray", "isLiveDataset",
            "jsonPath", "key", "md5", "parentField", "path", "readLines", "recordSet", "references", "regex",
            "repeated", "replace", "samplingRate", "sdVersion", "separator", "source", "subField", "transform",
            "unArchive", "value",
        )
    },
}  # fmt: skip


def manifest(release: Release, files: Sequence[File], site: str) -> Node:
    """Describe a release; `site` is the service's URL, and files without a rendition or a licence are left out."""
    address = f"{site}/v1/datasets/{release.dataset}/releases/{release.version}"
    sheets = {sheet for licence in release.licences for sheet in licence.term_sheets}
    ready = [file for file in files if file.status == "ready"]
    return {
        # Uses are named by the same words as in the ODRL of a term sheet.
        "@context": {**CONTEXT, "terms": f"{site}{VOCABULARY}"},
        "@type": "sc:Dataset",
        "conformsTo": CONFORMS_TO,
        "name": release.slug,
        "alternateName": release.title,
        "description": release.description,
        "url": address,
        "version": f"{release.version}.0.0",
        "datePublished": release.published_at.isoformat(),
        "isLiveDataset": True,
        "citeAs": f"{release.title}, version {release.version}. {address}",
        "license": [f"{site}/v1/term-sheets/{sheet}" for sheet in sorted(sheets)],
        "usageInfo": [conditions(licence, address) for licence in release.licences],
        "distribution": [file_object(file, address) for file in ready],
        # A record set without records is an error to the standard's own reader.
        "recordSet": [record_set(ready)] if ready else [],
    }


def file_object(file: File, address: str) -> Node:
    """One recording: its name outside of this service, where its fresh address is asked for, and its hash."""
    return {
        "@type": "cr:FileObject",
        "@id": file.code,
        "name": file.code,
        "contentUrl": f"{address}/files/{file.code}",
        "contentSize": f"{file.size_bytes} B",
        "encodingFormat": file.media_type,
        "sha256": file.sha256.hex() if file.sha256 else None,
    }


def record_set(files: Sequence[File]) -> Node:
    """What is known of each recording; nothing of it says who its contributor is."""
    kinds = {"code": "sc:Text", "language": "sc:Text", "duration_s": "sc:Float"}
    return {
        "@type": "cr:RecordSet",
        "@id": "recordings",
        "name": "recordings",
        "description": "One record for each recording that may be fetched.",
        "key": {"@id": "recordings/code"},
        "field": [
            {"@type": "cr:Field", "@id": f"recordings/{name}", "name": name, "dataType": kind}
            for name, kind in kinds.items()
        ],
        "data": [
            {
                "recordings/code": file.code,
                "recordings/language": file.language or "und",
                "recordings/duration_s": file.duration_ms / 1000,
            }
            for file in files
        ],
    }


def conditions(licence: Licence, address: str) -> Node:
    """A licence as an offer in ODRL: the uses, the purpose, the end, and what is owed when a contributor withdraws.

    What is not permitted is prohibited; the one prohibition is written out because some tools assume otherwise.
    """
    until = constraint("odrl:dateTime", "odrl:lteq", {"@type": "xsd:dateTime", "@value": licence.ends_at.isoformat()})
    return {
        "@type": ["CreativeWork", "odrl:Offer"],
        "@id": f"urn:uuid:{licence.sale}",
        "name": licence.purpose,
        "odrl:permission": [
            {
                "@type": "odrl:Permission",
                "name": use,
                "odrl:action": {"@id": action(use)},
                "odrl:target": {"@id": address},
                "odrl:constraint": [until, constraint("odrl:purpose", "odrl:eq", licence.purpose)],
                "odrl:duty": [withdrawal_duty()],
            }
            for use in licence.uses
        ],
        "odrl:prohibition": [
            {"@type": "odrl:Prohibition", "odrl:action": {"@id": prohibited}, "odrl:target": {"@id": address}}
            for prohibited in ("odrl:distribute",)
            if prohibited not in map(action, licence.uses)
        ],
    }


def action(use: str) -> str:
    """Name a use by ODRL's own word where it has one, else by ours."""
    return f"odrl:{ACTIONS[use]}" if use in ACTIONS else f"terms:{use}"


def constraint(left: str, operator: str, right: Any) -> Node:
    """One condition that must hold."""
    return {
        "@type": "odrl:Constraint",
        "odrl:leftOperand": {"@id": left},
        "odrl:operator": {"@id": operator},
        "odrl:rightOperand": right,
    }


def withdrawal_duty() -> Node:
    """Copies of a recording are deleted when its contributor withdraws it."""
    return {
        "@type": "odrl:Duty",
        "name": "Delete copies when a recording is withdrawn.",
        "odrl:action": {"@id": "odrl:delete"},
        "odrl:constraint": [constraint("odrl:event", "odrl:gt", {"@id": "terms:withdrawal"})],
    }
