"""HMAC of the body in a header, as GitHub, Sentry, Grafana, PagerDuty and many others do it."""

from __future__ import annotations

import hmac
import re
from base64 import b64decode
from binascii import Error as NotEncoded
from binascii import unhexlify
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from domain.times import Millis
from ingest.auth.compare import is_one_of, octets
from ingest.auth.freshness import is_fresh, read_timestamp
from ingest.auth.scheme import REALM, Once, Presented, Result, Verdict

Algorithm = Literal["sha1", "sha256", "sha512"]
Encoding = Literal["hex", "base64"]

MOST_SIGNATURES = 16
"""Read of one header; rotation needs two or three."""

PLACEHOLDER = re.compile(r"\{(timestamp|id|body)\}")
_BETWEEN = re.compile(r"[,\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class HmacRule:
    """How one sender signs."""

    header: str
    algorithm: Algorithm = "sha256"
    encoding: Encoding = "hex"
    prefix: str = ""
    """What stands before each signature, like ``sha256=``; signatures without it are passed over."""
    signed: str = "{body}"
    """What is signed, of ``{timestamp}``, ``{id}`` and ``{body}``."""
    timestamp_header: str = ""
    id_header: str = ""
    tolerance: Millis = 0


@dataclass(frozen=True, slots=True)
class _Named:
    """What is signed beside the body."""

    timestamp: str = ""
    id: str = ""


class HmacSignature:
    """Checks the signatures in a header against every secret."""

    reads_body = True

    def __init__(self, rule: HmacRule, secrets: Sequence[str], name: str = "hmac") -> None:
        self.name = name
        self.challenge = f'Signature realm="{REALM}", header="{rule.header}"'
        self._rule = rule
        self._header = rule.header.lower()
        self._secrets = [octets(secret) for secret in secrets]
        self._pieces = PLACEHOLDER.split(rule.signed)  # text, name, text, name, ..., text

    def check(self, presented: Presented) -> Verdict:
        """Decide."""
        header = presented.headers.get(self._header)
        if not header:
            return self._say(Result.NO_CREDENTIALS, f"there is no header {self._rule.header}")
        given = read_signatures(header, self._rule)
        if not given:
            return self._say(
                Result.MALFORMED, f"the header {self._rule.header} holds no signature as expected"
            )
        named = _Named(*(_header(presented.headers, each) for each in self._beside()))
        if self._rule.timestamp_header and not named.timestamp:
            return self._say(Result.MALFORMED, f"there is no header {self._rule.timestamp_header}")
        mac = self._match(given, named, presented.bodies)
        if mac is None:
            return self._say(Result.WRONG, "the signature is not that of the body with any of the secrets")
        return (
            self._judge_age(mac, named.timestamp, presented.now)
            if self._rule.timestamp_header
            else self._say()
        )

    def _beside(self) -> tuple[str, str]:
        return self._rule.timestamp_header, self._rule.id_header

    def _match(self, given: list[bytes], named: _Named, bodies: Sequence[bytes]) -> bytes | None:
        """Find the body that is signed, and give what the first secret makes of it: the same for each sending."""
        for body in bodies:
            message = self._message(named, body)
            made = [hmac.digest(secret, message, self._rule.algorithm) for secret in self._secrets]
            if any([is_one_of(each, made) for each in given]):  # noqa: C419 - each is compared
                return made[0]
        return None

    def _message(self, named: _Named, body: bytes) -> bytes:
        values = {"body": body, "timestamp": octets(named.timestamp), "id": octets(named.id)}
        return b"".join(
            values[piece] if place % 2 else octets(piece) for place, piece in enumerate(self._pieces)
        )

    def _judge_age(self, mac: bytes, timestamp: str, now: Millis) -> Verdict:
        return judge_age(self.name, mac, read_timestamp(timestamp), now, self._rule.tolerance)

    def _say(self, result: Result = Result.ACCEPTED, reason: str = "") -> Verdict:
        return Verdict(result, self.name, reason)


def judge_age(scheme: str, key: bytes, moment: Millis | None, now: Millis, tolerance: Millis) -> Verdict:
    """Accept, once, what is authentic if its signed timestamp is of now."""
    if moment is None:
        return Verdict(Result.MALFORMED, scheme, "the signed timestamp is missing or cannot be read")
    if not is_fresh(moment, now, tolerance):
        where = "before" if moment < now else "after"
        late = f"it was signed {abs(now - moment) // 1000} s {where} now; {tolerance // 1000} s are allowed"
        return Verdict(Result.EXPIRED, scheme, late)
    return Verdict(Result.ACCEPTED, scheme, once=Once(octets(scheme) + b" " + key, moment + tolerance))


def read_signatures(header: str, rule: HmacRule) -> list[bytes]:
    """Read the signatures of a header, as many as may be; those not as expected are left out.

    >>> read_signatures("v1=6869,v2=0000,v1=zz", HmacRule(header="X", prefix="v1="))
    [b'hi']
    """
    parts = [part for part in _BETWEEN.split(header.strip(), MOST_SIGNATURES) if part.startswith(rule.prefix)]
    decode = DECODERS[rule.encoding]
    read = [decode(part.removeprefix(rule.prefix)) for part in parts[:MOST_SIGNATURES]]
    return [signature for signature in read if signature]


def _header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name.lower(), "") if name else ""


def from_hex(text: str) -> bytes | None:
    """Read hexadecimal digits; None if it is anything else."""
    try:
        return unhexlify(text)
    except ValueError:  # not ASCII, or not hexadecimal
        return None


def from_base64(text: str) -> bytes | None:
    """Read base64, with or without its padding; None if it is anything else."""
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (NotEncoded, ValueError):
        return None


DECODERS: Mapping[Encoding, Callable[[str], bytes | None]] = {"hex": from_hex, "base64": from_base64}
