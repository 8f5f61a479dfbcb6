"""Mutual TLS that ends at a trusted proxy: who the client is stands in a header the proxy sets."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ingest.auth.addresses import Networks, read_peer
from ingest.auth.compare import is_one_of, octets
from ingest.auth.scheme import Presented, Result, Verdict

ANY = r"[^,/+=;\"\\]*"
"""What a ``*`` stands for: part of one value, never a further attribute of the name."""

_PART = re.compile(r'\s*([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^;,"]*)\s*([;,]|$)')
_FORWARDED = "x-forwarded-client-cert"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRule:
    """Where the proxy puts what."""

    header: str
    """Holds the subject or a subject alternative name; in ``X-Forwarded-Client-Cert`` all of them."""
    names: Sequence[str]
    """Subjects and alternative names that may post; ``*`` stands for part of a value."""
    verified_header: str = ""
    verified_value: str = "SUCCESS"


class ClientCertificate:
    """Lets in by the name in a client's certificate."""

    name = "client_certificate"
    challenge = ""
    reads_body = False

    def __init__(self, rule: CertificateRule, proxies: Networks) -> None:
        self._rule = rule
        self._header = rule.header.lower()
        self._proxies = proxies
        self._exact = [octets(name) for name in rule.names if "*" not in name]
        self._patterns = [_pattern(name) for name in rule.names if "*" in name]

    def check(self, presented: Presented) -> Verdict:
        """Decide."""
        if not self._proxies.hold(read_peer(presented.peer)):
            reason = f"it does not come from a trusted proxy but from {presented.peer or 'a socket'}"
            return self._say(Result.NO_CREDENTIALS, reason)
        header = presented.headers.get(self._header)
        if not header or not self._is_verified(presented.headers):
            return self._say(
                Result.NO_CREDENTIALS, "the proxy does not tell of a verified client certificate"
            )
        names = read_forwarded(header) if self._header == _FORWARDED else [header.strip()]
        if not names:
            return self._say(Result.MALFORMED, f"the header {self._rule.header} cannot be read")
        if not any([self._fits(each) for each in names]):  # noqa: C419 - each is compared
            return self._say(Result.WRONG, "the client certificate is not of a name that may post")
        return self._say(Result.ACCEPTED)

    def _is_verified(self, headers: Mapping[str, str]) -> bool:
        if not self._rule.verified_header:
            return True
        said = headers.get(self._rule.verified_header.lower(), "")
        return is_one_of(octets(said), [octets(self._rule.verified_value)])

    def _fits(self, name: str) -> bool:
        return is_one_of(octets(name), self._exact) or any(each.fullmatch(name) for each in self._patterns)

    def _say(self, result: Result, reason: str = "") -> Verdict:
        return Verdict(result, self.name, reason)


def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(ANY.join(re.escape(piece) for piece in name.split("*")))


def read_forwarded(header: str) -> list[str]:
    r"""Read the names of the last certificate in an ``X-Forwarded-Client-Cert``: that which our proxy saw.

    >>> read_forwarded('URI=spiffe://evil, Hash=1;Subject="CN=am,O=Acme";URI=spiffe://acme/am;DNS=am.acme')
    ['CN=am,O=Acme', 'spiffe://acme/am', 'am.acme']
    """
    names: list[str] = []
    place = 0
    while place < len(header):
        part = _PART.match(header, place)
        if part is None:
            return []
        if part[1].lower() in ("subject", "uri", "dns"):
            names.append(_unquote(part[2]))
        if part[3] == ",":
            names = []
        place = part.end()
    return [name for name in names if name]


def _unquote(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value.strip()
