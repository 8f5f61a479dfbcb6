"""The public keys of Standard Webhooks ``v1a``."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from ingest.auth.signatures import from_base64
from ingest.auth.standard_webhooks import PUBLIC_PREFIX

_LENGTH = 32


class Ed25519Key:
    """A public key: ``whpk_`` and base64 of its 32 bytes."""

    def __init__(self, text: str) -> None:
        raw = from_base64(text.removeprefix(PUBLIC_PREFIX))
        if raw is None or len(raw) != _LENGTH:
            raise ValueError(f"a public key is {PUBLIC_PREFIX} and then base64 of {_LENGTH} bytes")
        self._key = Ed25519PublicKey.from_public_bytes(raw)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Tell whether *signature* is of *message*."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True
