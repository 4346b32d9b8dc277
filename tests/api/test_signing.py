"""Signatures: what was signed can be checked by anybody, and nothing else can."""

import asyncio
import base64
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from api.cli import main
from api.commands.verify import checked
from api.settings import Settings
from api.signing import (
    Jwks,
    Signatures,
    SignatureWrong,
    Signer,
    current,
    draw,
    parse_jwks,
    public_jwk,
    sign,
    sign_detached,
    signer_of,
    verified,
)
from storage import signing_keys
from storage.database import Pool, transaction
from storage.errors import MediaDamaged
from storage.signing_keys import PrivateKey, PublicKey

PRIVATE = Ed25519PrivateKey.generate()
SIGNER: Signer = signer_of(PrivateKey("a-key", PRIVATE.private_bytes_raw()))
KEYS = Jwks([public_jwk(PublicKey("a-key", PRIVATE.public_key().public_bytes_raw()))])


@given(st.dictionaries(st.text(max_size=8), st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=8)))
def test_what_was_signed_is_what_is_read(payload: dict[str, int | str]):
    """The order of a document's members does not matter, its content does."""
    token = sign_detached(SIGNER, payload, typ="test+jws")

    backwards = dict(reversed(list(payload.items())))
    assert "test+jws" == verified(token, KEYS, backwards).typ


@pytest.mark.parametrize(
    "text",
    [
        "x", 5, None, {"keys": 5}, {"keys": [1]}, {"keys": ["a"]}, {"keys": {"a": 1}}, {"keys": [{"crv": "Ed25519"}]},
        *({"keys": [{"crv": "Ed25519", "kid": kid, "x": x}]} for kid, x in [(1, 2), ("k", "!!"), ("k", "AAAA")]),
    ],
)  # fmt: skip
def test_what_is_no_set_of_keys_is_said_to_be_none(text: Any):
    """Somebody else may have written the file."""
    with pytest.raises(SignatureWrong):
        parse_jwks(text)


@pytest.mark.parametrize("text", ['{"a":' * 100_000, "[" * 100_000, "{", "a.b", '{"signature": "a..b", "n": 1e999}'])
def test_a_text_that_nobody_signed_is_not_genuine(text: str):
    """Also one that is nested without a bottom."""
    with pytest.raises(SignatureWrong):
        checked(text, KEYS)


@given(st.binary(min_size=1, max_size=40), st.data())
def test_a_changed_byte_is_caught(payload: bytes, data: st.DataObject):
    """Wherever it lies: header, text or signature."""
    token = sign(SIGNER, payload, typ="test+jws")
    place = data.draw(st.integers(0, len(token) - 1))
    changed = data.draw(st.sampled_from([c for c in "ABab01-_" if c != token[place]]))
    broken = token[:place] + changed + token[place + 1 :]

    try:
        found = verified(broken, KEYS)
    except SignatureWrong:
        return
    # The last character of base64 carries unused bits: then nothing that was signed has changed.
    assert (payload, "test+jws") == (found.payload, found.typ)


@pytest.mark.parametrize("token", ["", "...", "a.b", "a.b.c.d", "e30.e30.", "é.é.é"])
def test_what_is_no_signature_is_refused(token: str):
    """Also what only looks like one."""
    with pytest.raises(SignatureWrong):
        verified(token, KEYS)


def test_another_s_key_and_another_algorithm_are_refused():
    """A token that names our key but was signed by somebody else, and one that wants no signature."""
    stranger = signer_of(PrivateKey("a-key", Ed25519PrivateKey.generate().private_bytes_raw()))
    unsigned = base64.urlsafe_b64encode(b'{"alg":"none","kid":"a-key"}').decode().rstrip("=") + ".e30."

    for token in (sign(stranger, b"{}", typ="test+jws"), unsigned):
        with pytest.raises(SignatureWrong):
            verified(token, KEYS)


async def test_everybody_who_starts_at_once_signs_with_one_key(database: Pool, settings: Settings) -> None:
    """Two processes that find no key do not both draw one."""
    signers = await asyncio.gather(*(current(database, settings.master_key) for _ in range(5)))

    assert 1 == len({signer.kid for signer in signers})


async def test_a_new_key_signs_and_the_old_one_still_checks(database: Pool, settings: Settings) -> None:
    """A receipt of last year holds after the key was changed."""
    signatures = Signatures(database, settings.master_key)
    old = sign(await signatures.signer(), {"n": 1}, typ="test+jws")

    async with transaction(database) as connection:
        newest = signer_of(await draw(connection, settings.master_key))

    keys = await signatures.published()
    assert newest.kid == (await current(database, settings.master_key)).kid
    assert b'{"n":1}' == verified(old, keys).payload
    assert b"{}" == verified(sign(newest, {}, typ="test+jws"), keys).payload


async def test_a_wrong_master_key_opens_no_signing_key(database: Pool, settings: Settings) -> None:
    """The database alone cannot sign in our name."""
    await current(database, settings.master_key)

    async with transaction(database) as connection:
        with pytest.raises(MediaDamaged):
            await signing_keys.newest(connection, bytes(32))


async def test_the_command_checks_what_the_service_signed(
    client: httpx.AsyncClient, database: Pool, settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """With a kept copy of the public keys, no network is asked; a changed document is caught."""
    (tmp_path / "jwks.json").write_text((await client.get("/.well-known/jwks.json")).text)
    signer = await current(database, settings.master_key)
    document = {"total": 1}
    document["signature"] = sign_detached(signer, {"total": 1}, typ="test-document+jws")
    (tmp_path / "good.json").write_text(json.dumps(document))
    (tmp_path / "good.jws").write_text(sign(signer, b"text", typ="test+jws") + "\n")
    (tmp_path / "changed.json").write_text(json.dumps({**document, "total": 2}))
    (tmp_path / "twice.json").write_text(json.dumps(document)[:-1] + ',"total":1}')
    keys = ["--keys", str(tmp_path / "jwks.json")]

    genuine = main(["verify", str(tmp_path / "good.json"), str(tmp_path / "good.jws"), *keys])
    said = capsys.readouterr().out

    assert 0 == genuine
    assert "good.json: genuine test-document+jws" in said
    assert 1 == main(["verify", str(tmp_path / "changed.json"), *keys])
    assert 1 == main(["verify", str(tmp_path / "twice.json"), *keys])
    assert 2 == main(["verify", str(tmp_path / "absent.json"), *keys])
