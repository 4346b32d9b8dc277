"""Webhooks: where a message may go."""

import pytest

from api import webhooks


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.1", "100.64.0.1", "224.0.0.1",
        "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "2002:7f00:0001::",
    ],
)  # fmt: skip
def test_no_message_goes_into_our_own_network(address: str):
    """Loopback, private, link-local with the cloud's metadata, shared, multicast, and IPv4 in IPv6's clothes."""
    assert not webhooks.public(address)


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111"])
def test_the_internet_is_reached(address: str):
    """Else no buyer would hear."""
    assert webhooks.public(address)


@pytest.mark.parametrize(
    "url", ["http://1.1.1.1/x", "https://127.0.0.1/x", "https://localhost/x", "https://[::1]/", "ftp://a/", "nothing"]
)
async def test_such_an_address_is_not_even_connected_to(url: str):
    """Plain HTTP neither, unless the operator allows it."""
    with pytest.raises(webhooks.NotDelivered):
        await webhooks.post(url, b"secret", "1", b"{}")


def test_the_signature_is_the_one_of_the_standard():
    """Example of the Standard Webhooks specification's reference libraries."""
    import base64

    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'

    assert "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" == webhooks.signature(
        secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body
    )
