"""What may be written under ``auth``, what it builds, and what is said of the rest."""

import subprocess
import sys
from base64 import b64encode

import pytest
from pydantic import TypeAdapter, ValidationError

from ingest.auth import Authenticator, Result
from ingest.auth.models import Auth, AuthConfig, build
from tests.ingest.auth.showing import BODY, show
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
    seal,
    token,
)
from tests.ingest.auth.test_signatures import SECONDS, sign
from tests.ingest.auth.test_standard_webhooks import PUBLIC, SECRET, asymmetric, signed, symmetric

AUTH: TypeAdapter[AuthConfig | list[AuthConfig]] = TypeAdapter(Auth)
WEB = Web({CERTIFICATE_URL: certificate(rsa_key("sns")), KEYS_URL: key_set("entra")})


def made(written: object) -> Authenticator:
    return build(AUTH.validate_python(written), WEB)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ({"bearer": ["old", "hush"]}, show({"Authorization": "Bearer hush"})),
        ({"basic": {"username": "u", "password": "p"}}, show({"Authorization": "Basic dTpw"})),
        ({"key": {"header": "X-Key", "secret": "hush"}}, show({"X-Key": "hush"})),
        ({"key": [{"query": "k", "secret": ["old", "hush"]}]}, show(query={"k": "hush"})),
        ({"hmac": {"header": "X", "secret": "hush"}}, show({"X": sign()})),
        (
            {"hmac": [{"header": "X", "secret": "hush", "timestamp_header": "T"}]},
            show({"X": sign(f"{SECONDS}.".encode() + BODY), "T": SECONDS}),
        ),
        ({"github": "hush"}, show({"X-Hub-Signature-256": f"sha256={sign()}"})),
        ({"sentry": ["old", "hush"]}, show({"Sentry-Hook-Signature": sign()})),
        ({"pagerduty": "hush"}, show({"X-PagerDuty-Signature": f"v1={sign(b'')},v1={sign()}"})),
        ({"grafana": {"secret": "hush"}}, show({"X-Grafana-Alerting-Signature": sign()})),
        (
            {"grafana": {"secret": "hush", "header": "X", "timestamp_header": "T"}},
            show({"X": sign(f"{SECONDS}:".encode() + BODY), "T": SECONDS}),
        ),
        ({"gitlab": "hush"}, show({"X-Gitlab-Token": "hush"})),
        ({"honeycomb": "hush"}, show({"X-Honeycomb-Webhook-Token": "hush"})),
        ({"standard_webhooks": {"secret": SECRET}}, signed(symmetric())),
        ({"standard_webhooks": {"public_key": [PUBLIC]}}, signed(asymmetric())),
        ({"sns": {"topics": [TOPIC]}}, show({}, seal(notification()))),
        (
            {"entra": {"tenant": TENANT.upper(), "audience": AUDIENCE}},
            show({"Authorization": f"Bearer {token()}"}),
        ),
        (
            {"client_certificate": {"names": ["CN=am"], "trusted_proxies": ["unix"]}},
            show({"X-SSL-Client-S-DN": "CN=am"}),
        ),
        ({"addresses": {"allow": ["192.0.2.0/24"]}}, show(peer="192.0.2.7")),
        (
            {"addresses": {"allow": ["192.0.2.7"]}, "bearer": "a"},
            show({"Authorization": "Bearer a"}, peer="192.0.2.7"),
        ),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
async def test_every_way_is_built(written, shown):
    """It accepts what it should, and nothing without credentials, alone or in a list."""
    assert (await made(written).check(shown)).accepted
    assert (await made([{"bearer": "other"}, written]).check(shown)).accepted
    assert (await made(written).check(show(peer="198.51.100.1"))).result in {"no_credentials", "forbidden"}
    wrong = show(dict.fromkeys(shown.headers, "wrong"), peer="198.51.100.1")
    assert not (await made(written).check(wrong)).authentic


def test_without_auth_everybody_may_post():
    assert build(None).open


def test_only_bearer_and_basic_are_the_fast_path():
    assert made([{"bearer": "a"}, {"basic": {"username": "u", "password": "p"}}]).header_only
    assert not made([{"bearer": "a"}, {"github": "b"}]).header_only
    assert not made({"bearer": "a", "addresses": {"allow": ["::1"]}}).header_only


async def test_addresses_are_a_condition_of_their_own_mapping_only():
    auth = made([{"bearer": "near", "addresses": {"allow": ["192.0.2.7"]}}, {"bearer": "far"}])
    assert auth.accepts("Bearer far")
    assert not auth.accepts("Bearer near")
    far = {"Authorization": "Bearer far"}
    near = {"Authorization": "Bearer near"}
    assert (await auth.check(show(far, peer="198.51.100.1"))).accepted
    assert (await auth.check(show(near, peer="192.0.2.7"))).accepted
    assert (await auth.check(show(near, peer="198.51.100.1"))).result is Result.WRONG


@pytest.mark.parametrize(
    ("written", "place", "message"),
    [
        ({}, (), "leave auth out"),
        ({"bearer": None}, (), "leave auth out"),
        ([], (), "at least 1"),
        ({"bearr": "x"}, ("bearr",), "Extra"),
        ({"bearer": ""}, ("bearer",), "at least 1"),
        ({"key": {"secret": "s"}}, ("key",), "either header or query"),
        ({"key": {"secret": "s", "header": "X", "query": "k"}}, ("key",), "either header or query"),
        ({"hmac": {"secret": "s", "header": "X Y"}}, ("hmac",), "pattern"),
        ({"hmac": {"secret": "s", "header": "X", "algorithm": "md5"}}, ("hmac",), "sha256"),
        (
            {"hmac": {"secret": "s", "header": "X", "signed": "{timestamp}.{body}"}},
            ("hmac",),
            "timestamp_header",
        ),
        (
            {"hmac": {"secret": "s", "header": "X", "timestamp_header": "T", "signed": "{body}"}},
            ("hmac",),
            "{timestamp}",
        ),
        ({"hmac": {"secret": "s", "header": "X", "signed": "nothing"}}, ("hmac",), "{body}"),
        ({"hmac": {"secret": "s", "header": "X", "tolerance": "soon"}}, ("hmac",), "length of time"),
        ({"standard_webhooks": {}}, ("standard_webhooks",), "public_key"),
        ({"standard_webhooks": {"secret": "whsec_hush"}}, ("standard_webhooks", "secret"), "base64"),
        ({"standard_webhooks": {"public_key": "whpk_x"}}, ("standard_webhooks", "public_key"), "pattern"),
        ({"sns": {"topics": []}}, ("sns", "topics"), "at least 1"),
        ({"sns": {"topics": ["alarms"]}}, ("sns", "topics", 0), "arn:aws:sns"),
        ({"sns": {"topics": ["arn:aws:sns:eu-central-1:*:alarms"]}}, ("sns", "topics", 0), "arn:aws:sns"),
        ({"entra": {"tenant": "common", "audience": "x"}}, ("entra", "tenant"), "pattern"),
        ({"addresses": {"allow": ["10.0.0.1/8"]}}, ("addresses", "allow", 0), "host bits"),
        ({"addresses": {"allow": []}}, ("addresses", "allow"), "at least 1"),
        (
            {"client_certificate": {"names": ["a"], "trusted_proxies": []}},
            ("client_certificate", "trusted_proxies"),
            "at",
        ),
    ],
)
def test_mistakes_are_named_with_their_place(written, place, message):
    with pytest.raises(ValidationError) as caught:
        AUTH.validate_python(written)
    found = [error for error in caught.value.errors() if error["loc"][1 : len(place) + 1] == place]
    assert any(message in error["msg"] for error in found), caught.value.errors()
    assert "hush" not in " ".join(error["msg"] for error in caught.value.errors())


def test_secrets_are_not_shown():
    secret = "whsec_" + b64encode(b"hush" * 6).decode()
    written = {
        **dict.fromkeys(("bearer", "github", "sentry", "pagerduty", "gitlab", "honeycomb"), "hush"),
        "key": {"header": "X", "secret": "hush"},
        "hmac": {"header": "X", "secret": "hush"},
        "grafana": {"secret": "hush"},
        "standard_webhooks": {"secret": secret},
    }
    config = AuthConfig.model_validate(written)
    shown = repr(config) + str(config.model_dump()) + config.model_dump_json()
    assert "hush" not in shown
    assert secret not in shown


async def test_no_verdict_holds_a_secret():
    """Nor what was given in place of one."""
    auth = made(
        {"bearer": "hush", "github": "hush", "gitlab": "hush", "standard_webhooks": {"secret": SECRET}}
    )
    given = {
        "authorization": "Bearer h1",
        "x-hub-signature-256": "h2",
        "x-gitlab-token": "h3",
        "webhook-signature": "h4",
    }
    for name, value in given.items():
        verdict = await auth.check(show({name: value}))
        assert verdict.reason
        assert not {"hush", SECRET, *given.values()} & set(verdict.reason.split())
    assert "hush" not in repr(show({"Authorization": "hush"}, b"hush"))


def test_every_field_is_described():
    schema = AUTH.json_schema()
    models = {**schema["$defs"]}
    for name, model in models.items():
        for field, said in model["properties"].items():
            assert said.get("description"), f"{name}.{field}"


def test_what_is_not_used_is_not_imported():
    """The libraries for certificates and tokens take longer to import than all of ours."""
    code = "import sys, ingest.auth.models; print({'cryptography', 'joserfc'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
