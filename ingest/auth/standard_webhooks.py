"""Standard Webhooks: ``v1`` (HMAC) and ``v1a`` (Ed25519), several signatures in a header.

The reference library signs in our tests, but does not check here: it reads the clock itself, and what is not
as it expects raises whatever comes.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from domain.times import Millis
from ingest.auth.compare import is_one_of, octets
from ingest.auth.freshness import read_timestamp
from ingest.auth.scheme import REALM, Presented, Result, Verdict
from ingest.auth.signatures import MOST_SIGNATURES, from_base64, judge_age

PREFIXES = ("webhook-", "svix-")
"""Of the headers: those of the standard, and those of the service it came from, which are still sent."""

SECRET_PREFIX = "whsec_"  # noqa: S105 - what every such secret begins with
PUBLIC_PREFIX = "whpk_"
_SHORTEST_SECRET = 16


class Verifies(Protocol):
    """A public key."""

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether *signature* is of *message*."""
        ...


def read_secret(text: str) -> bytes:
    """Read a symmetric secret: ``whsec_`` and base64.

    Raises:
        ValueError: without a word of the secret.
    """
    secret = from_base64(text.removeprefix(SECRET_PREFIX))
    if secret is None or len(secret) < _SHORTEST_SECRET:
        raise ValueError(f"a secret is {SECRET_PREFIX} and then base64 of at least {_SHORTEST_SECRET} bytes")
    return secret


class StandardWebhooks:
    """Checks ``webhook-signature`` over the id, the timestamp and the body."""

    name = "standard_webhooks"
    challenge = f'Signature realm="{REALM}", header="webhook-signature"'
    reads_body = True

    def __init__(self, secrets: Iterable[bytes], public_keys: Iterable[Verifies], tolerance: Millis) -> None:
        self._secrets = tuple(secrets)
        self._public_keys = tuple(public_keys)
        self._tolerance = tolerance

    def check(self, presented: Presented) -> Verdict:
        """Decide."""
        message_id, timestamp, header = _read_headers(presented.headers)
        if not header:
            return Verdict(Result.NO_CREDENTIALS, self.name, "there is no header webhook-signature")
        if not message_id or not timestamp.isdecimal():
            reason = "webhook-id or webhook-timestamp is missing or cannot be read"
            return Verdict(Result.MALFORMED, self.name, reason)
        macs, signatures = _read(header, "v1"), _read(header, "v1a")
        if not macs and not signatures:
            return Verdict(Result.MALFORMED, self.name, "webhook-signature holds no signature of v1 or v1a")
        head = octets(f"{message_id}.{timestamp}.")
        if not any(self._signed(head + body, macs, signatures) for body in presented.bodies):
            return Verdict(Result.WRONG, self.name, "none of the signatures is that of the message")
        key = octets(message_id)
        return judge_age(self.name, key, read_timestamp(timestamp), presented.now, self._tolerance)

    def _signed(self, message: bytes, macs: Sequence[bytes], signatures: Sequence[bytes]) -> bool:
        made = [hmac.digest(secret, message, "sha256") for secret in self._secrets]
        if any([is_one_of(each, made) for each in macs]):  # noqa: C419 - each is compared
            return True
        return any(key.verifies(each, message) for each in signatures for key in self._public_keys)


def _read_headers(headers: Mapping[str, str]) -> tuple[str, str, str]:
    for prefix in PREFIXES:
        if signature := headers.get(f"{prefix}signature"):
            return headers.get(f"{prefix}id", ""), headers.get(f"{prefix}timestamp", ""), signature
    return "", "", ""


def _read(header: str, version: str) -> list[bytes]:
    parts = [part.partition(",") for part in header.split(None, MOST_SIGNATURES)[:MOST_SIGNATURES]]
    read = [from_base64(signature) for tag, _, signature in parts if tag == version]
    return [signature for signature in read if signature]
