"""Who may post: bearer tokens and basic credentials, several at once, to change them without a gap."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Iterable

REALM = "tocsin"


class Authenticator:
    """Checks an ``Authorization`` header against the secrets of a source. Without any, everybody may post."""

    def __init__(self, bearer: Iterable[str] = (), basic: Iterable[tuple[str, str]] = ()) -> None:
        tokens = [_digest("bearer", token.encode()) for token in bearer]
        logins = [_digest("basic", f"{username}:{password}".encode()) for username, password in basic]
        self._known = (*tokens, *logins)
        self.open = not self._known
        self.challenge = ", ".join(_challenges(bearer=bool(tokens), basic=bool(logins)))
        """Value of ``WWW-Authenticate`` that says what is asked for."""

    def accepts(self, header: str | None) -> bool:
        """Tell whether *header* holds one of the secrets, taking the same time whichever it is, or none."""
        if self.open:
            return True
        given = _read(header or "")
        # Every secret is compared, and only digests are, so that the time tells nothing of what was wrong.
        return sum(hmac.compare_digest(given, known) for known in self._known) > 0


def _read(header: str) -> bytes:
    scheme, _, rest = header.partition(" ")
    given = rest.strip().encode("utf-8", "surrogateescape")
    scheme = scheme.lower()
    return _digest(scheme, _plain(given) if scheme == "basic" else given)


def _plain(encoded: bytes) -> bytes:
    try:
        return b64decode(encoded, validate=True)
    except NotBase64:
        return b""


def _digest(scheme: str, secret: bytes) -> bytes:
    return hashlib.sha256(scheme.encode("utf-8", "surrogateescape") + b" " + secret).digest()


def _challenges(*, bearer: bool, basic: bool) -> list[str]:
    wanted = [f'Bearer realm="{REALM}"'] if bearer else []
    return [*wanted, f'Basic realm="{REALM}", charset="UTF-8"'] if basic else wanted
