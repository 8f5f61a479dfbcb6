"""Entra ID: the token (JWT) that Azure sends with a secure webhook."""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import ClaimError, ExpiredTokenError, JoseError
from joserfc.jwk import KeySet

from domain.times import Millis
from ingest.auth.compare import is_one_of, octets
from ingest.auth.fetched import MINUTE, Fetched
from ingest.auth.pins import ACTION_GROUPS, LOGIN_HOSTS, Cloud, keys_of
from ingest.auth.scheme import REALM, Fetch, Presented, Result, Verdict

ALGORITHMS = ["RS256"]
LONGEST = 16_384

_STS: dict[Cloud, str] = {
    "public": "sts.windows.net",
    "us_government": "sts.windows.net",
    "china": "sts.chinacloudapi.cn",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EntraRule:
    """Whose tokens, made for whom, let in."""

    tenant: str
    audiences: Sequence[str]
    callers: Sequence[str] = (ACTION_GROUPS,)
    """Ids of the applications that may call; empty for any of the tenant."""
    roles: Sequence[str] = ()
    """One of these must be in the token; empty if none need be."""
    leeway: Millis = MINUTE
    cloud: Cloud = "public"

    @property
    def issuers(self) -> list[str]:
        """Who issues the tenant's tokens, in their versions 1 and 2."""
        return [
            f"https://{_STS[self.cloud]}/{self.tenant}/",
            f"https://{LOGIN_HOSTS[self.cloud]}/{self.tenant}/v2.0",
        ]


class Keys:
    """A tenant's public keys."""

    def __init__(self, key_set: KeySet) -> None:
        self.key_set = key_set
        self.ids = frozenset(key.kid for key in key_set.keys)


def read_keys(body: bytes) -> Keys:
    """Read a JSON Web Key Set.

    Raises:
        ValueError: if it is none.
    """
    try:
        return Keys(KeySet.import_key_set(msgspec.json.decode(body)))
    except (JoseError, msgspec.MsgspecError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"not a set of keys: {type(error).__name__}") from error


class _Header(msgspec.Struct):
    alg: str
    kid: str


class Entra:
    """Checks the token in ``Authorization: Bearer``."""

    name = "entra"
    challenge = f'Bearer realm="{REALM}"'
    reads_body = False

    def __init__(self, rule: EntraRule, fetch: Fetch) -> None:
        self._rule = rule
        self._url = keys_of(rule.cloud, rule.tenant)
        self._keys = Fetched(fetch, read_keys)

    async def prepare(self, presented: Presented) -> None:
        """Fetch the tenant's keys, anew if the token names one that is not there."""
        header = read_header(_token(presented))
        if header is None:
            return
        await self._keys.ensure(self._url, presented.now)
        if (keys := self._keys.get(self._url)) and header.kid not in keys.ids:
            await self._keys.ensure(self._url, presented.now, max_age=MINUTE)

    def check(self, presented: Presented) -> Verdict:
        """Decide."""
        token = _token(presented)
        if not token:
            return self._say(Result.NO_CREDENTIALS, "there is no bearer token")
        if read_header(token) is None:
            return self._say(Result.MALFORMED, "the bearer token is no signed JWT as Entra ID makes them")
        keys = self._keys.get(self._url)
        if keys is None:
            return self._say(Result.UNAVAILABLE, "the keys of Entra ID could not be fetched")
        try:
            claims = jwt.decode(token, keys.key_set, algorithms=ALGORITHMS).claims
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            return self._say(Result.WRONG, f"the token is not signed by Entra ID: {type(error).__name__}")
        return self._judge(claims, presented.now)

    def _judge(self, claims: dict[str, Any], now: Millis) -> Verdict:
        try:
            self._registry(now).validate(claims)
        except ExpiredTokenError:
            return self._say(Result.EXPIRED, "the token has expired")
        except ClaimError as error:
            early = error.claim in ("nbf", "iat")
            why = f"the token's claim {error.claim} is not as it must be"
            return self._say(Result.EXPIRED if early else Result.WRONG, why)
        return self._judge_caller(claims)

    def _registry(self, now: Millis) -> jwt.JWTClaimsRegistry:
        return jwt.JWTClaimsRegistry(
            now=now // 1000,
            leeway=self._rule.leeway // 1000,
            iss={"essential": True, "values": self._rule.issuers},
            aud={"essential": True, "values": list(self._rule.audiences)},
            exp={"essential": True},
        )

    def _judge_caller(self, claims: dict[str, Any]) -> Verdict:
        caller = str(claims.get("azp") or claims.get("appid") or "").lower()
        if self._rule.callers and not _is_among(caller, self._rule.callers):
            return self._say(Result.WRONG, f"the application {caller[:64]!r} is not one that may call")
        roles = claims.get("roles")
        held = roles if isinstance(roles, list) else []
        if self._rule.roles and not any(_is_among(str(role), self._rule.roles) for role in held):
            return self._say(Result.WRONG, "the token holds none of the roles that may call")
        return self._say(Result.ACCEPTED)

    def _say(self, result: Result, reason: str = "") -> Verdict:
        return Verdict(result, self.name, reason)


def read_header(token: str) -> _Header | None:
    """Read the head of a token, unverified: to know which key it needs; None if it is no token of theirs."""
    if token.count(".") != 2 or len(token) > LONGEST:  # noqa: PLR2004 - head, claims, signature
        return None
    head = octets(token.partition(".")[0])
    try:
        header = msgspec.json.decode(urlsafe_b64decode(head + b"=" * (-len(head) % 4)), type=_Header)
    except (msgspec.MsgspecError, binascii.Error, ValueError, RecursionError):
        return None
    return header if header.alg in ALGORITHMS else None


def _token(presented: Presented) -> str:
    scheme, _, token = presented.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _is_among(given: str, known: Sequence[str]) -> bool:
    return is_one_of(octets(given), [octets(each) for each in known])
