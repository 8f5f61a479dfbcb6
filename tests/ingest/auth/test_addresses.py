"""Addresses, behind proxies or not."""

import pytest

from ingest.auth import Authenticator, Result
from ingest.auth.addresses import LOCALLY, AllowedAddresses, Networks, client_address, read_network
from ingest.auth.credentials import Credentials
from tests.ingest.auth.showing import show


def networks(*written: str) -> Networks:
    return Networks(read_network(each) for each in written)


PROXIES = networks("10.0.0.0/8", "fd00::/8", "unix")


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "192.0.2.1", "203.0.113.9"),  # anybody may claim
        ("10.0.0.1", "", "10.0.0.1"),
        ("10.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("10.0.0.1", "192.0.2.66, 192.0.2.1", "192.0.2.1"),  # the left is not to be believed
        ("10.0.0.1", "192.0.2.1, 10.9.9.9 ,10.0.0.2", "192.0.2.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("::ffff:10.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fd00::1", "192.0.2.1:8080", "192.0.2.1"),
        ("", "192.0.2.1", "192.0.2.1"),
        ("", "", LOCALLY),
        ("10.0.0.1", "unknown", "None"),
        ("10.0.0.1", "192.0.2.1, _hidden", "None"),
        ("10.0.0.1", "192.0.2.1,", "None"),
        ("nonsense", "192.0.2.1", "None"),
    ],
)
def test_the_client_is_the_nearest_that_is_no_proxy(peer, forwarded, client):
    assert str(client_address(peer, {"x-forwarded-for": forwarded}, PROXIES)) == client


@pytest.mark.parametrize(
    ("peer", "accepted"),
    [
        ("192.0.2.77", True),
        ("192.0.3.1", False),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("", False),
        ("x", False),
    ],
)
def test_networks(peer, accepted):
    scheme = AllowedAddresses(networks("192.0.2.0/24", "2001:db8::/32"), networks())
    verdict = scheme.check(show(peer=peer))
    assert verdict.result is (Result.ACCEPTED if accepted else Result.FORBIDDEN)


def test_an_address_that_cannot_be_told_is_not_a_socket():
    scheme = AllowedAddresses(networks("unix"), PROXIES)
    assert scheme.check(show(peer="")).accepted
    assert scheme.check(show({"X-Forwarded-For": "hidden"}, peer="")).result is Result.FORBIDDEN


async def test_as_a_condition_on_others():
    scheme = AllowedAddresses(networks("192.0.2.1"), networks(), [Credentials(["hush"])])
    auth = Authenticator(schemes=[scheme])
    assert auth.challenge == 'Bearer realm="tocsin"'
    assert not auth.header_only
    assert not auth.accepts("Bearer hush")
    right = {"Authorization": "Bearer hush"}
    assert (await auth.check(show(right, peer="192.0.2.1"))).accepted
    assert (await auth.check(show(right, peer="192.0.2.2"))).result is Result.FORBIDDEN
    assert (await auth.check(show(peer="192.0.2.1"))).result is Result.NO_CREDENTIALS


async def test_asking_for_credentials_tells_more_than_forbidding():
    scheme = AllowedAddresses(networks("192.0.2.1"), networks())
    auth = Authenticator(bearer=["hush"], schemes=[scheme])
    assert (await auth.check(show(peer="192.0.2.2"))).result is Result.NO_CREDENTIALS
    assert (await auth.check(show(peer="192.0.2.1"))).accepted
