"""`companion doctor`: what this machine offers, and what is missing, before a contributor finds out.

It starts nothing and changes nothing. Embedded engines are found through what `companion run` has written down, and
only while it runs; engines of an operator through the environment.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec
import psycopg
import urllib3
from minio import Minio
from minio.error import MinioException

from api.settings import SettingsInvalid, check
from storage.embedded import directory
from storage.embedded.errors import EmbeddedError
from storage.room import kept_free

# Below this FFmpeg a published flaw runs a stranger's code (CVE-2026-8461).
FFMPEG_MIN = (8, 1, 2)
PATIENCE_S = 3


class Finding(msgspec.Struct, frozen=True):
    """One thing that was looked at; `ok` is None where it is merely not there to be judged."""

    name: str
    ok: bool | None
    text: str


def main(*, as_json: bool = False) -> int:
    """Print every finding; return 1 when something that is needed failed, else 0."""
    found = findings(os.environ)
    print(json.dumps(msgspec.to_builtins(found), indent=2) if as_json else table(found))
    return int(any(finding.ok is False for finding in found))


def findings(environment: Mapping[str, str]) -> list[Finding]:
    """Look at everything: the settings, the data directory and its disk, both engines, the decoder and its sandbox."""
    running = directory.published() or {}
    known = {**running, **{name: value for name, value in environment.items() if value}}
    kind = {name: "external" if environment.get(name) else "embedded" for name in ("DATABASE_URL", "S3_ENDPOINT")}
    parts: list[Callable[[], list[Finding]]] = [
        lambda: settings(known),
        data_directory,
        lambda: free_disk(known),
        lambda: database(known, kind["DATABASE_URL"]),
        lambda: object_store(known, kind["S3_ENDPOINT"]),
        decoder,
        sandbox,
    ]
    return [finding for part in parts for finding in part()]


def table(found: list[Finding]) -> str:
    """Return the findings as aligned text."""
    width = max(len(finding.name) for finding in found)
    marks = {True: "ok", False: "FAILED", None: "-"}
    return "\n".join(f"{finding.name:<{width}}  {marks[finding.ok]:<6}  {finding.text}" for finding in found)


def settings(known: Mapping[str, str]) -> list[Finding]:
    """Say what the service would refuse to start with."""
    try:
        check(known)
    except SettingsInvalid as error:
        return [Finding("settings", False, str(error))]
    return [Finding("settings", True, "can be used")]


def data_directory() -> list[Finding]:
    """Say where the embedded engines' data lie, and whether they can lie there."""
    place = directory.located()
    if not place.exists():
        return [Finding("data directory", None, f"{place} (will be made by `companion run`)")]
    try:
        directory.refuse_foreign(place)
        directory.refuse_closed_parents(place.resolve(), directory.engine_user())
    except (EmbeddedError, OSError) as error:
        return [Finding("data directory", False, str(error))]
    return [Finding("data directory", True, str(place))]


def free_disk(known: Mapping[str, str]) -> list[Finding]:
    """Compare the free space beside the data with what stays free, below which no recording is taken."""
    place = next(folder for folder in (directory.located(), *directory.located().parents) if reachable(folder))
    usage = shutil.disk_usage(place)
    decided = known.get("COMPANION_KEEP_FREE", "")
    needed = kept_free(usage.total, int(decided) if decided.isdecimal() else 0)
    text = f"{usage.free / 1e9:.1f} GB of {usage.total / 1e9:.1f} GB; keep at least {needed / 1e9:.1f} GB"
    return [Finding("free disk", usage.free >= needed, text)]


def reachable(folder: Path) -> bool:
    """Tell whether a folder exists and may be looked at."""
    try:
        return folder.is_dir()
    except OSError:
        return False


def database(known: Mapping[str, str], kind: str) -> list[Finding]:
    """Ask PostgreSQL for its version, its vector extension and what our role may do."""
    if not (url := known.get("DATABASE_URL")):
        return [Finding("PostgreSQL", None, "embedded, not running: start it with `companion run`")]
    query = """
        SELECT current_setting('server_version'), rolsuper,
               (SELECT extversion FROM pg_extension WHERE extname = 'vector'),
               has_schema_privilege('public', 'CREATE')
        FROM pg_roles WHERE rolname = current_user
    """
    try:
        with psycopg.connect(url, connect_timeout=PATIENCE_S) as connection:
            row = connection.execute(query).fetchone()
    except psycopg.Error as error:
        return [Finding("PostgreSQL", False, f"{kind}: {str(error).splitlines()[0]}")]
    version, superuser, vector, creates = row or ("?", None, None, None)
    major = int(version.partition(".")[0]) if version[:1].isdigit() else 0
    return [
        Finding("PostgreSQL", major >= 18, f"{kind}, {version}" + ("" if major >= 18 else ": 18 or newer is needed")),
        Finding("pgvector", vector is not None, vector or "missing: a superuser runs CREATE EXTENSION vector"),
        Finding("database role", not superuser, role(superuser=bool(superuser), creates=bool(creates))),
    ]


def role(*, superuser: bool, creates: bool) -> str:
    """Say what the service's role may do beyond reading and writing rows."""
    if superuser:
        return "is a superuser: give the service a role of its own"
    return "may create tables; a role without that right is safer" if creates else "reads and writes rows only"


def object_store(known: Mapping[str, str], kind: str) -> list[Finding]:
    """Ask the object store for its name and for our bucket, with our keys."""
    if not (endpoint := known.get("S3_ENDPOINT")):
        return [Finding("S3", None, "embedded, not running: start it with `companion run`")]
    address = urllib3.util.parse_url(endpoint)
    if address.scheme not in {"http", "https"}:
        return [Finding("S3", False, f"{kind}, {endpoint}: an address begins with http:// or https://")]
    bucket = known.get("S3_BUCKET") or "companion"
    pool = urllib3.PoolManager(timeout=urllib3.Timeout(PATIENCE_S), retries=False)
    try:
        server = pool.request("HEAD", endpoint).headers.get("Server", "unnamed server")
        client = Minio(
            endpoint=address.netloc or endpoint,
            access_key=known.get("S3_ACCESS_KEY"),
            secret_key=known.get("S3_SECRET_KEY"),
            secure=address.scheme == "https",
            region=known.get("S3_REGION") or "us-east-1",
            http_client=pool,
        )
        there = client.bucket_exists(bucket_name=bucket)
    except (MinioException, urllib3.exceptions.HTTPError, ValueError) as error:
        return [Finding("S3", False, f"{kind}, {endpoint}: {error}")]
    return [Finding("S3", there, f"{kind}, {endpoint}, {server}, bucket {bucket}{'' if there else ' is missing'}")]


def decoder() -> list[Finding]:
    """Compare the FFmpeg that PyAV carries with the oldest one that is safe."""
    import av

    version = av.ffmpeg_version_info
    try:
        safe = tuple(int(part) for part in version.lstrip("n").split("-")[0].split(".")) >= FFMPEG_MIN
    except ValueError:
        safe = False
    oldest = ".".join(map(str, FFMPEG_MIN))
    text = f"PyAV {av.__version__} with FFmpeg {version}" + ("" if safe else f": {oldest} or newer is needed")
    return [Finding("decoder", safe, text)]


def sandbox() -> list[Finding]:
    """Ask whether a stranger's recording can be decoded in isolation here."""
    from capture_validation.sandbox import probe

    return [Finding(f"sandbox: {name}", ok, text) for name, ok, text in probe()]
