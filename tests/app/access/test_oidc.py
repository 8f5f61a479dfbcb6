"""Tokens of an OpenID provider: of a real one, and of one that says what it likes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from app.access.oidc import NotLetIn, Oidc, OidcRule, ProviderAway
from app.service import clock
from domain.access import Principal, Role
from domain.errors import Unavailable
from ingest.auth.fetching import get
from tests.builders import NOON
from tests.services.openid import CLIENT, OpenIdProvider

ISSUER = "https://login.example.com/realms/acme"
KEYS = "https://keys.example.com/acme"
ROLES = {"sre": Role.OPERATOR, "staff": Role.VIEWER, "owners": Role.ADMIN}
SECONDS = NOON // 1000


@cache
def key(name: str = "one") -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": name}, auto_kid=False)


class Provider:
    """Answers with a discovery document and keys."""

    def __init__(self, *keys: Any, **discovery: str) -> None:
        self.keys = list(keys or (key(),))
        self.discovery = {"issuer": ISSUER, "jwks_uri": KEYS} | discovery
        self.asked: list[str] = []

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if url == f"{ISSUER}/.well-known/openid-configuration":
            return json.dumps(self.discovery).encode()
        if url != KEYS:
            raise Unavailable("not found")
        return json.dumps({"keys": [each.as_dict(private=False) for each in self.keys]}).encode()


def token(signed_by: Any = None, alg: str = "RS256", kid: str | None = "one", **claims: Any) -> str:
    """Write a token that lets a person in, but for what is given."""
    good = {
        "iss": ISSUER,
        "aud": "tocsin",
        "sub": "7",
        "email": "ann@example.com",
        "groups": ["staff", "sre"],
        "exp": SECONDS + 300,
    }
    said = {name: value for name, value in (good | claims).items() if value is not None}
    head = {"alg": alg} | ({"kid": kid} if kid else {})
    return jwt.encode(head, said, signed_by or key(), algorithms=[alg])


async def ask(
    text: str, provider: Provider | None = None, *, claim: str = "groups", now: int = NOON
) -> Principal:
    rule = OidcRule(ISSUER, ["tocsin"], ROLES, claim)
    return await Oidc(rule, provider or Provider()).owner(text, now)


async def test_the_highest_role_of_a_person_counts() -> None:
    """Groups without a role here are passed over."""
    assert await ask(token(groups=["staff", "sre", "choir"])) == Principal("ann@example.com", Role.OPERATOR)
    assert (await ask(token(groups="owners"))).role is Role.ADMIN


async def test_roles_deep_in_the_claims_are_found() -> None:
    """As Keycloak has them; a claim may also have dots in its own name."""
    assert (
        await ask(token(realm_access={"roles": ["sre"]}), claim="realm_access.roles")
    ).role is Role.OPERATOR
    dotted: dict[str, Any] = {"https://acme.example/roles": ["sre"]}
    assert (await ask(token(**dotted), claim="https://acme.example/roles")).role is Role.OPERATOR


@pytest.mark.parametrize(
    ("claims", "why"),
    [
        ({"aud": "another"}, "aud"),
        ({"aud": None}, "aud"),
        ({"iss": "https://login.example.com/realms/other"}, "iss"),
        ({"iss": None}, "iss"),
        ({"exp": SECONDS - 61}, "expired"),
        ({"exp": None}, "exp"),
        ({"nbf": SECONDS + 61}, "nbf|not valid|is not as it must be"),
        ({"groups": ["choir"]}, "groups"),
        ({"groups": None}, "groups"),
        ({"groups": {"sre": True}}, "groups"),
    ],
)
async def test_what_is_not_as_it_must_be_lets_nobody_in(claims: dict[str, Any], why: str) -> None:
    with pytest.raises(NotLetIn, match=why):
        await ask(token(**claims))


@pytest.mark.parametrize(
    "forged",
    [
        token(key("two"), kid="one"),
        token(OctKey.import_key(json.dumps(key().as_dict(private=False))), alg="HS256"),
        token().rpartition(".")[0] + ".",
        "e30.e30.e30",
        "..",
        "not a token",
        "a" * 20_000,
    ],
    ids=["another's key", "the public key as a secret", "unsigned", "empty", "dots", "text", "long"],
)
async def test_what_the_provider_did_not_sign_lets_nobody_in(forged: str) -> None:
    with pytest.raises(NotLetIn):
        await ask(forged)


async def test_keys_are_fetched_once_and_again_when_they_change() -> None:
    """A provider changes its keys without notice; a token that names an unknown one makes us look."""
    provider = Provider()
    oidc = Oidc(OidcRule(ISSUER, ["tocsin"], ROLES), provider)
    for _ in range(3):
        await oidc.owner(token(), NOON)
    assert provider.asked.count(KEYS) == 1

    provider.keys = [key("two")]
    later = NOON + 120_000
    assert (await oidc.owner(token(key("two"), kid="two"), later)).role is Role.OPERATOR
    assert provider.asked.count(KEYS) == 2


async def test_elliptic_curves_will_do() -> None:
    curve = ECKey.generate_key("P-256", {"kid": "one"})
    assert (await ask(token(curve, alg="ES256"), Provider(curve))).role is Role.OPERATOR


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example.com"},
        {"jwks_uri": "http://keys.example.com/acme"},
        {"jwks_uri": "https://away.example.com"},
    ],
)
async def test_a_provider_that_cannot_be_trusted_is_away(discovery: dict[str, str]) -> None:
    """Another issuer's document, keys over an open line, keys that are not there."""
    with pytest.raises(ProviderAway):
        await ask(token(), Provider(**discovery))


@pytest.fixture
def provider(tmp_path: Path) -> Iterator[OpenIdProvider]:
    server = OpenIdProvider(tmp_path, ["sre", "staff", "choir"])
    try:
        yield server.start()
    finally:
        server.kill9()


@pytest.mark.services
async def test_a_real_provider(provider: OpenIdProvider) -> None:
    """Its discovery, its keys and its tokens, as they come; who was known stays so while it is away."""
    oidc = Oidc(OidcRule(provider.issuer, [CLIENT], {"sre": Role.OPERATOR}, claim="sub"), get)

    known = provider.token("sre")
    assert (await oidc.owner(known, clock())).role is Role.OPERATOR
    with pytest.raises(NotLetIn):
        await oidc.owner(provider.token("choir"), clock())
    provider.kill9()
    assert (await oidc.owner(known, clock())).role is Role.OPERATOR
