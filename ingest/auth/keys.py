"""A secret that is sent as it is, in a header or in the query of the address."""

from __future__ import annotations

from collections.abc import Iterable

from ingest.auth.compare import digest, is_one_of, octets
from ingest.auth.scheme import REALM, Presented, Result, Verdict


class HeaderKey:
    """A key in a header: ``X-Api-Key``, ``X-Gitlab-Token``, ``X-Honeycomb-Webhook-Token``, ..."""

    reads_body = False

    def __init__(self, secrets: Iterable[str], header: str, name: str = "key") -> None:
        self.name = name
        self.challenge = f'Key realm="{REALM}", header="{header}"'
        self._header = header.lower()
        self._known = _digests(secrets)

    def check(self, presented: Presented) -> Verdict:
        """Decide."""
        return _check(self.name, presented.headers.get(self._header), self._known, "header")


class QueryKey:
    """A key in the query: for tools that can be given an address and nothing else."""

    name = "key"
    reads_body = False

    def __init__(self, secrets: Iterable[str], parameter: str) -> None:
        self.challenge = f'Key realm="{REALM}", query="{parameter}"'
        self._parameter = parameter
        self._known = _digests(secrets)

    def check(self, presented: Presented) -> Verdict:
        """Decide."""
        return _check(self.name, presented.query.get(self._parameter), self._known, "query")


def _digests(secrets: Iterable[str]) -> tuple[bytes, ...]:
    return tuple(digest(b"key", octets(secret)) for secret in secrets)


def _check(name: str, given: str | None, known: tuple[bytes, ...], where: str) -> Verdict:
    if not given:
        return Verdict(Result.NO_CREDENTIALS, name, f"there is no key in the {where}")
    if is_one_of(digest(b"key", octets(given)), known):
        return Verdict(Result.ACCEPTED, name)
    return Verdict(Result.WRONG, name, f"the key in the {where} is none of those known")
