"""Messages for one device: the standard's own example, and how much fits."""

from base64 import urlsafe_b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from api.push_encryption import CAPACITY, encrypt
from tests.api.devices import Device


def plain(text: str) -> bytes:
    """Read base64url without padding."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_message_is_the_example_of_the_standard():
    """RFC 8291, appendix A: with its keys and salt the body is the same to the last byte."""
    number = int.from_bytes(plain("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"), "big")
    private = ec.derive_private_key(number, ec.SECP256R1())

    body = encrypt(
        b"When I grow up, I want to be a watermelon",
        plain("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"),
        plain("BTBZMqHH6r4Tts7J_aSIgg"),
        private=private,
        salt=plain("DGv6ra1nlYgDCS1FRnbzlw"),
    )

    assert body == plain(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7"
        "A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )


@given(size=st.sampled_from([0, 1, 1000, CAPACITY - 1, CAPACITY]))
def test_a_device_reads_what_was_sent(size: int):
    """Every message up to the largest; its body is no larger than a push service carries."""
    phone = Device()
    try:
        body = encrypt(b"a" * size, phone.p256dh, phone.auth)
        assert len(body) <= 4096
        assert phone.read(body) == b"a" * size
    finally:
        phone.server_close()


def test_a_key_that_is_none_is_refused():
    """A point beside the curve would give the private half away, one message at a time."""
    with pytest.raises(ValueError, match="key"):
        encrypt(b"", b"\x04" + b"\x01" * 64, b"\0" * 16)
