"""The ``Authorization`` header: bearer tokens and basic credentials. This is the hot path."""

from __future__ import annotations

from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable

from ingest.auth.compare import digest, is_one_of, octets
from ingest.auth.scheme import REALM, Presented, Result, Verdict

_BASIC = b"basic"
_KINDS = {"bearer": b"bearer", "basic": _BASIC}
_ACCEPTED = Verdict(Result.ACCEPTED, "authorization")
_MISSING = Verdict(Result.NO_CREDENTIALS, "authorization", "there is no Authorization header")
_WRONG = Verdict(Result.WRONG, "authorization", "the Authorization header holds none of the secrets")


class Credentials:
    """Checks an ``Authorization`` header against the secrets of a source."""

    name = "authorization"
    reads_body = False

    def __init__(self, bearer: Iterable[str] = (), basic: Iterable[tuple[str, str]] = ()) -> None:
        tokens = [digest(b"bearer", octets(token)) for token in bearer]
        logins = [digest(b"basic", octets(f"{username}:{password}")) for username, password in basic]
        self._known = (*tokens, *logins)
        self.challenge = ", ".join(_challenges(bearer=bool(tokens), basic=bool(logins)))

    def __bool__(self) -> bool:
        return bool(self._known)

    def accepts(self, header: str | None) -> bool:
        """Tell whether *header* holds one of the secrets, taking the same time whichever it is, or none."""
        return is_one_of(_read(header or ""), self._known)

    def check(self, presented: Presented) -> Verdict:
        """Decide."""
        header = presented.headers.get("authorization")
        if self.accepts(header):
            return _ACCEPTED
        return _WRONG if header else _MISSING


def _read(header: str) -> bytes:
    scheme, _, rest = header.partition(" ")
    given = octets(rest.strip())
    kind = _KINDS.get(scheme.lower(), b"other")
    return digest(kind, _plain(given) if kind is _BASIC else given)


def _plain(encoded: bytes) -> bytes:
    try:
        return b64decode(encoded, validate=True)
    except NotBase64:
        return b""


def _challenges(*, bearer: bool, basic: bool) -> list[str]:
    wanted = [f'Bearer realm="{REALM}"'] if bearer else []
    return [*wanted, f'Basic realm="{REALM}", charset="UTF-8"'] if basic else wanted
