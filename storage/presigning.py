"""Addresses at which a phone may put one object, these very bytes, once, for some minutes.

AWS Signature Version 4 in the query (https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html) with
more than `host` signed: length, SHA-256 and If-None-Match. The `minio` package signs `host` alone, and an address made
that way would let whoever steals it write anything of any size.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from urllib.parse import quote, urlsplit

from msgspec import Struct

ALGORITHM = "AWS4-HMAC-SHA256"


class Bucket(Struct, frozen=True):
    """How a phone reaches the bucket, and the keys that sign for it."""

    endpoint: str
    access_key: str
    secret_key: str
    name: str
    region: str


class Put(Struct, frozen=True):
    """One permission to write: the address, and the headers that must be sent exactly like this."""

    url: str
    headers: dict[str, str]


def presigned_put(
    bucket: Bucket, key: str, *, size: int, sha256: bytes, lasts: timedelta, now: datetime | None = None
) -> Put:
    """Sign for one object of `size` bytes with this SHA-256 (32 bytes), to be written within `lasts` and only once.

    The store compares the bytes with the signed checksum, and refuses a key that exists.
    """
    headers = {
        "content-length": str(size),
        "if-none-match": "*",
        "x-amz-checksum-sha256": base64.b64encode(sha256).decode(),
    }
    address = urlsplit(bucket.endpoint)
    signed = {**headers, "host": address.netloc}
    stamp = (now or datetime.now(UTC)).strftime("%Y%m%dT%H%M%SZ")
    scope = f"{stamp[:8]}/{bucket.region}/s3/aws4_request"
    query = _query(
        {
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{bucket.access_key}/{scope}",
            "X-Amz-Date": stamp,
            "X-Amz-Expires": str(int(lasts.total_seconds())),
            "X-Amz-SignedHeaders": ";".join(sorted(signed)),
        }
    )
    path = quote(f"{address.path.rstrip('/')}/{bucket.name}/{key}", safe="/~")
    asked = hashlib.sha256(_canonical(path, query, signed).encode()).hexdigest()
    text = f"{ALGORITHM}\n{stamp}\n{scope}\n{asked}"
    signature = hmac.new(_key(bucket.secret_key, scope), text.encode(), "sha256").hexdigest()
    url = f"{address.scheme}://{address.netloc}{path}?{query}&X-Amz-Signature={signature}"
    return Put(url, headers)


def _query(parameters: dict[str, str]) -> str:
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in sorted(parameters.items()))


def _canonical(path: str, query: str, headers: dict[str, str]) -> str:
    """Write the request as it will be sent; the body is bound by its checksum, a signed header."""
    lines = [f"{name}:{value}" for name, value in sorted(headers.items())]
    return "\n".join(["PUT", path, query, *lines, "", ";".join(sorted(headers)), "UNSIGNED-PAYLOAD"])


def _key(secret: str, scope: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in scope.split("/"):
        key = hmac.new(key, part.encode(), "sha256").digest()
    return key
