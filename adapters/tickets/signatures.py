"""Whether a callback comes from its tool: shared secrets and HMACs, compared in constant time."""

from __future__ import annotations

import hmac
from base64 import b64encode
from collections.abc import Mapping

from domain.errors import CallbackRefused


def check_hmac(secret: str, message: bytes, given: str, digest: str = "sha256") -> None:
    """Check the hex HMAC *given* of *message*; what precedes a ``=`` in it names the algorithm and is left out.

    Raises:
        CallbackRefused: it is another, or there is none.
    """
    if not given:
        raise CallbackRefused("the signature is missing", is_forged=True)
    expected = hmac.new(secret.encode(), message, digest).hexdigest()
    if not hmac.compare_digest(
        expected.encode(), given.rpartition("=")[2].strip().lower().encode(errors="replace")
    ):
        raise CallbackRefused("the signature does not fit the body", is_forged=True)


def check_base64_hmac(secret: str, message: bytes, given: str) -> None:
    """Check the base64 HMAC-SHA256 *given* of *message*.

    Raises:
        CallbackRefused: it is another, or there is none.
    """
    expected = b64encode(hmac.new(secret.encode(), message, "sha256").digest())
    if not hmac.compare_digest(expected, given.strip().encode(errors="replace")):
        raise CallbackRefused("the signature is missing, or does not fit the body", is_forged=True)


def check_secret(secret: str, headers: Mapping[str, str], name: str) -> None:
    """Check that the header *name*, in lower case, holds *secret*.

    Raises:
        CallbackRefused: it holds another, or is not there.
    """
    given = headers.get(name, "")
    if not hmac.compare_digest(secret.encode(), given.encode(errors="replace")):
        raise CallbackRefused(f"the header {name} does not hold the secret", is_forged=True)


def check_any_hmac(secret: str, message: bytes, given: str, version: str) -> None:
    """Check that one of the comma-separated *given* signatures of *version* fits, as while a secret is changed.

    Raises:
        CallbackRefused: none does, or there is none.
    """
    ours = [one.strip() for one in given.split(",") if one.strip().startswith(f"{version}=")]
    if not ours:
        raise CallbackRefused("the signature is missing", is_forged=True)
    expected = f"{version}={hmac.new(secret.encode(), message, 'sha256').hexdigest()}".encode()
    # All of them are compared, so that the time tells nothing.
    if not any([hmac.compare_digest(expected, one.encode(errors="replace")) for one in ours]):  # noqa: C419
        raise CallbackRefused("the signature does not fit the body", is_forged=True)
