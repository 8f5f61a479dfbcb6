"""Tokens that stand in the configuration, for scripts and small teams."""

from __future__ import annotations

from collections.abc import Sequence

from domain.access import Principal
from ingest.auth.compare import digest, is_one_of, octets


class Tokens:
    """Knows whose token it is. All are compared each time, so the time tells nothing."""

    def __init__(self, known: Sequence[tuple[str, Principal]]) -> None:
        self._known = [(_digest(token), principal) for token, principal in known]

    def owner(self, token: str) -> Principal | None:
        """Return whose it is."""
        given = _digest(token)
        owners = [principal for known, principal in self._known if is_one_of(given, [known])]
        return owners[0] if owners else None


def _digest(token: str) -> bytes:
    return digest(b"api", octets(token))
