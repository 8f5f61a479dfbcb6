"""Whatever is presented, no scheme raises, and none accepts what nobody signed."""

import asyncio
import json
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest.auth import Authenticator, Presented, Result
from ingest.auth.models import AuthConfig, build
from tests.ingest.auth.showing import NOW, show
from tests.ingest.auth.signing import (
    AUDIENCE,
    CERTIFICATE_URL,
    KEYS_URL,
    TENANT,
    TOPIC,
    Web,
    certificate,
    key_set,
    notification,
    rsa_key,
    token,
)
from tests.ingest.auth.test_standard_webhooks import PUBLIC, SECRET

WAYS = {
    "bearer": "a secret of thirty characters or so",
    "basic": {"username": "anna", "password": "a secret of thirty characters or so"},
    "key": [
        {"header": "X-Key", "secret": "a secret of thirty"},
        {"query": "k", "secret": "a secret of thirty"},
    ],
    "hmac": [
        {"header": "X-Sig", "secret": "hush", "timestamp_header": "X-Time"},
        {"header": "X-Sig", "secret": "hush", "encoding": "base64"},
    ],
    "github": "hush",
    "sentry": "hush",
    "pagerduty": "hush",
    "grafana": {"secret": "hush", "timestamp_header": "X-Time"},
    "gitlab": "a secret of thirty characters or so",
    "honeycomb": "a secret of thirty characters or so",
    "standard_webhooks": {"secret": SECRET, "public_key": PUBLIC},
    "sns": {"topics": [TOPIC]},
    "entra": {"tenant": TENANT, "audience": AUDIENCE},
    "client_certificate": {
        "names": ["spiffe://acme/a-long-name", "CN=*.a-long-name,O=Acme"],
        "trusted_proxies": ["10.0.0.0/8", "unix"],
        "header": "X-Forwarded-Client-Cert",
    },
}
HEADERS = [
    "authorization",
    "x-key",
    "x-sig",
    "x-time",
    "sentry-hook-signature",
    "x-pagerduty-signature",
    "x-grafana-alerting-signature",
    "x-gitlab-token",
    "x-honeycomb-webhook-token",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
    "x-forwarded-client-cert",
    "x-forwarded-for",
    "x-ssl-client-s-dn",
]
PAGES = {CERTIFICATE_URL: certificate(rsa_key("sns")), KEYS_URL: key_set("entra")}
WEB = Web(PAGES)
AUTH = build(AuthConfig.model_validate(WAYS), WEB)

WILD = st.characters(codec=None)
PIECES = [
    "Bearer ",
    "Basic ",
    "v1=",
    "v1,",
    "v1a,",
    "sha256=",
    "00",
    "AAAA",
    "10.0.0.1",
    "::1",
    "URI=",
    "Subject=",
]
WORDS = st.sampled_from([*PIECES, str(NOW // 1000), token(), *'=, .;:["\\\x00\udcff\ud800é'])
VALUES = st.lists(WORDS | st.text(WILD, max_size=20), max_size=6).map("".join)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(WILD, max_size=9),
    lambda each: st.lists(each, max_size=3),
)
ENVELOPES = st.dictionaries(
    st.sampled_from([*notification(), "Signature", "Token", "SubscribeURL"]), JSON | VALUES, max_size=4
).map(lambda fields: json.dumps({**notification(), "Signature": "AAAA", **fields}).encode())
BODIES = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()) | ENVELOPES


async def decide(presented: Presented) -> Result:
    return (await AUTH.check(presented)).result


@st.composite
def shown(draw: st.DrawFn) -> Presented:
    """Anything that nobody signed."""
    headers = draw(st.dictionaries(st.sampled_from(HEADERS), VALUES, max_size=5))
    headers = {name: value for name, value in headers.items() if token() not in value}
    peer = draw(st.sampled_from(["", "10.0.0.1", "192.0.2.1", "::1", "x"]))
    sent = draw(st.none() | st.binary(max_size=20))
    return show(headers, draw(BODIES), sent=sent, query={"k": draw(VALUES)}, peer=peer)


def hold(auth: Authenticator, presented: Presented) -> None:
    verdict = asyncio.run(auth.check(presented))
    assert verdict.result not in {Result.ACCEPTED, Result.REPLAYED}
    assert set(WEB.asked) <= set(PAGES)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(shown())
def test_nothing_raises_and_nothing_is_accepted(presented):
    hold(AUTH, presented)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(st.integers(0, len(token()) - 1), st.characters(codec="ascii"))
def test_a_token_with_one_character_changed(place, other):
    """Unless it is the same bytes: the last character holds bits that do not count."""
    changed = token()[:place] + other + token()[place + 1 :]
    result = asyncio.run(decide(show({"Authorization": f"Bearer {changed}"})))
    if changed.strip() != token() and place < len(token()) - 1:
        assert result is not Result.ACCEPTED


@pytest.mark.parametrize(
    "piece", ["v1=00,", "v1,AA ", "a.", "URI=x,", 'Subject="', "10.0.0.1,", "\\", "[", "{", "=", "9"]
)
def test_long_headers_take_no_time(piece):
    """A megabyte of anything is decided at once, though no server lets it through."""
    value = piece * (1_000_000 // len(piece))
    shown = show(dict.fromkeys(HEADERS, value), value.encode(), query={"k": value}, peer="10.0.0.1")
    began = time.perf_counter()
    assert asyncio.run(decide(shown)) is not Result.ACCEPTED
    assert time.perf_counter() - began < 5
