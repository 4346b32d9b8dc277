"""How this service tells push services who it is (VAPID, RFC 8292): a token for each of them, good for hours."""

from __future__ import annotations

import time
import warnings
from base64 import urlsafe_b64decode
from urllib.parse import urlsplit

from api.signing import base64url
from storage.push_keys import PushKey

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from joserfc import jwt
    from joserfc.jwk import ECKey

#: A day is the longest that is allowed (section 2); clocks differ.
LASTS_S = 12 * 3600


def authorization(key: PushKey, endpoint: str, contact: str) -> str:
    """Write the Authorization header for a message to this address.

    `contact` is a mailto: or https: address of whoever runs this service, which some push services ask for; it is left
    out when empty.
    """
    parts = urlsplit(endpoint)
    claims: dict[str, str | int] = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": int(time.time()) + LASTS_S}
    if contact:
        claims["sub"] = contact
    token = jwt.encode({"typ": "JWT", "alg": "ES256"}, claims, _signing(key), algorithms=["ES256"])
    return f"vapid t={token}, k={base64url(key.public_key)}"


def _signing(key: PushKey) -> ECKey:
    x, y = key.public_key[1:33], key.public_key[33:]
    numbers = {"x": base64url(x), "y": base64url(y), "d": base64url(key.private)}
    return ECKey.import_key({"kty": "EC", "crv": "P-256", **numbers})


def from_base64url(text: str) -> bytes:
    """Read bytes as browsers write them, padded or not (RFC 4648, section 5). Raises ValueError."""
    text = text.rstrip("=")
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
