"""Tokens (JWT) of an OpenID provider: openid.net/specs/openid-connect-core-1_0.html, RFC 7519, RFC 9068.

The provider says in its discovery document where its public keys are. Only signatures by such a key count, never ones
by a shared secret, and ``alg: none`` is none.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
from joserfc import jws, jwt
from joserfc.errors import ExpiredTokenError, JoseError

from domain.access import Principal, Role
from domain.times import Millis
from ingest.auth.entra import Keys, read_keys
from ingest.auth.fetched import MINUTE, Fetched
from ingest.auth.scheme import Fetch

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
LONGEST = 16_384
LEEWAY = 60
"""Seconds that clocks may differ."""


class NotLetIn(Exception):
    """A token that lets nobody in; says why."""


class ProviderAway(Exception):
    """The provider's keys cannot be had, so nobody knows whether a token is good."""


@dataclass(frozen=True, slots=True)
class OidcRule:
    """Whose tokens, made for whom, give which role."""

    issuer: str
    audiences: Sequence[str]
    roles: Mapping[str, Role]
    """By a value of the claim."""
    claim: str = "groups"
    """Where groups or roles of a person stand; dots lead into objects, as in ``realm_access.roles``."""
    name: str = "email"
    """Claim that names a person; ``sub`` stands in for one that is missing."""


class _Discovery(msgspec.Struct):
    issuer: str
    jwks_uri: str


class Oidc:
    """Checks tokens of one provider."""

    def __init__(self, rule: OidcRule, fetch: Fetch) -> None:
        self._rule = rule
        self._address = f"{rule.issuer.rstrip('/')}/.well-known/openid-configuration"
        self._discovery = Fetched(fetch, self._read_discovery)
        self._keys: Fetched[Keys] = Fetched(fetch, read_keys)

    async def owner(self, token: str, now: Millis) -> Principal:
        """Return whose token it is.

        Raises:
            NotLetIn: nobody's who may do anything here.
            ProviderAway: that cannot be known now.
        """
        if token.count(".") != 2 or len(token) > LONGEST:  # noqa: PLR2004 - head, claims, signature
            raise NotLetIn("the token is none that is known, and no JWT either")
        claims = self._verified(token, await self._keys_for(token, now))
        self._check(claims, now)
        return Principal(self._name(claims), self._role(claims))

    async def _keys_for(self, token: str, now: Millis) -> Keys:
        """Get the provider's keys, anew if the token names one that is not there."""
        await self._discovery.ensure(self._address, now)
        discovery = self._discovery.get(self._address)
        if discovery is None:
            raise ProviderAway(f"the discovery document of {self._rule.issuer} cannot be had")
        await self._keys.ensure(discovery.jwks_uri, now)
        keys = self._keys.get(discovery.jwks_uri)
        if keys is not None and _key_id(token) not in keys.ids:
            await self._keys.ensure(discovery.jwks_uri, now, max_age=MINUTE)
            keys = self._keys.get(discovery.jwks_uri)
        if keys is None:
            raise ProviderAway(f"the keys of {self._rule.issuer} cannot be had")
        return keys

    def _verified(self, token: str, keys: Keys) -> dict[str, Any]:
        try:
            return dict(jwt.decode(token, keys.key_set, algorithms=ALGORITHMS).claims)
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise NotLetIn(
                f"the token is not signed by {self._rule.issuer}: {type(error).__name__}"
            ) from None

    def _check(self, claims: dict[str, Any], now: Millis) -> None:
        registry = jwt.JWTClaimsRegistry(
            now=now // 1000,
            leeway=LEEWAY,
            iss={"essential": True, "value": self._rule.issuer},
            aud={"essential": True, "values": list(self._rule.audiences)},
            exp={"essential": True},
        )
        try:
            registry.validate(claims)
        except ExpiredTokenError:
            raise NotLetIn("the token has expired") from None
        except JoseError as error:
            raise NotLetIn(f"a claim of the token is not as it must be: {error}") from None

    def _name(self, claims: dict[str, Any]) -> str:
        return str(claims.get(self._rule.name) or claims.get("sub") or "somebody")

    def _role(self, claims: dict[str, Any]) -> Role:
        held = _values(claims, self._rule.claim)
        roles = [self._rule.roles[value] for value in held if value in self._rule.roles]
        best = max(roles, key=list(Role).index, default=None)
        if best is None:
            raise NotLetIn(f"none of the token's {self._rule.claim} has a role here")
        return best

    def _read_discovery(self, body: bytes) -> _Discovery:
        """Read the provider's document.

        Raises:
            ValueError: it is none, is another's, or would have keys come over an open line.
        """
        found = msgspec.json.decode(body, type=_Discovery)
        if found.issuer != self._rule.issuer:
            message = "the discovery document is another issuer's"
            raise ValueError(message)
        if urlsplit(found.jwks_uri).scheme not in {"https", urlsplit(self._rule.issuer).scheme}:
            message = "the keys would come over an open line"
            raise ValueError(message)
        return found


def _key_id(token: str) -> str | None:
    """Read which key a token names, unverified: it decides nothing but whether to fetch the keys again."""
    try:
        kid = jws.extract_compact(token.encode()).headers().get("kid")
    except (ValueError, JoseError, RecursionError):
        return None
    return kid if isinstance(kid, str) else None


def _values(claims: Mapping[str, Any], path: str) -> list[str]:
    """Find the texts at a place in the claims.

    >>> _values({"realm_access": {"roles": ["ops"]}}, "realm_access.roles"), _values({"groups": "ops"}, "groups")
    (['ops'], ['ops'])
    """
    found: Any = claims.get(path)
    if found is None:
        found = claims
        for part in path.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
    listed = found if isinstance(found, list) else [found]
    return [each for each in listed if isinstance(each, str)]
