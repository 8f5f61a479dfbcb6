"""Mutual TLS that ends at a proxy."""

import pytest

from ingest.auth import Result
from ingest.auth.addresses import Networks, read_network
from ingest.auth.client_certificate import CertificateRule, ClientCertificate, read_forwarded
from tests.ingest.auth.showing import show

PROXY = Networks([read_network("10.0.0.1")])


def certificate(*names: str, **rule: str) -> ClientCertificate:
    return ClientCertificate(CertificateRule(**{"header": "X-DN", "names": names, **rule}), PROXY)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("subject", "result"),
    [
        ("CN=am,O=Acme", "accepted"),
        ("CN=AM,O=Acme", "wrong"),
        ("CN=eu1.mon.acme,O=Acme", "accepted"),
        ("CN=evil,CN=x.mon.acme,O=Acme", "wrong"),  # a star does not reach over an attribute
        (r"CN=evil\,x.mon.acme,O=Acme", "wrong"),
        ("CN=x.mon.acme,O=Acme,O=Evil", "wrong"),
        ("", "no_credentials"),
    ],
)
def test_names_exact_or_with_a_star(subject, result):
    scheme = certificate("CN=am,O=Acme", "CN=*.mon.acme,O=Acme")
    assert scheme.check(show({"X-DN": subject}, peer="10.0.0.1")).result == result


@pytest.mark.parametrize("peer", ["10.0.0.2", "", "nonsense"])
def test_only_a_trusted_proxy_is_believed(peer):
    scheme = certificate("CN=am")
    assert scheme.check(show({"X-DN": "CN=am"}, peer=peer)).result is Result.NO_CREDENTIALS


def test_the_proxy_must_have_checked_it():
    scheme = certificate("CN=am", verified_header="X-Verify")
    for said, result in (
        ("SUCCESS", "accepted"),
        ("FAILED:expired", "no_credentials"),
        ("", "no_credentials"),
    ):
        shown = show({"X-DN": "CN=am", "X-Verify": said}, peer="10.0.0.1")
        assert scheme.check(shown).result == result


@pytest.mark.parametrize(
    ("header", "names"),
    [
        ('By=spiffe://me;Hash=ab;Subject="CN=am,O=Acme"', ["CN=am,O=Acme"]),
        (r'Subject="CN=\"am\"";URI=spiffe://am;DNS=a;DNS=b', ['CN="am"', "spiffe://am", "a", "b"]),
        ("URI=spiffe://evil,URI=spiffe://am", ["spiffe://am"]),
        ("URI=spiffe://am,Hash=ab", []),
        ('Subject="CN=am', []),
        ("nonsense", []),
        ("", []),
    ],
)
def test_the_header_of_envoy(header, names):
    """Only the last element counts: the others were there before our proxy."""
    assert read_forwarded(header) == names
    scheme = certificate("spiffe://am", header="X-Forwarded-Client-Cert")
    shown = scheme.check(show({"X-Forwarded-Client-Cert": header}, peer="10.0.0.1"))
    assert shown.accepted == ("spiffe://am" in names)
