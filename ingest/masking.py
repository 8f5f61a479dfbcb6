"""Takes secrets out of what is kept of a request."""

from __future__ import annotations

import re
from collections.abc import Mapping

MASK = "***"
_SECRET = re.compile(
    r"auth|cookie|token|secret|passw|signature|credential|session|(^|[-_])(api|access|routing|private)?[-_]?key$"
    r"|client-cert|^ssl-client|(^|[-_])sig$",
    re.IGNORECASE,
)
_KEY = re.compile(rb'("routing_key"\s*:\s*")[^"\\]{0,255}(")')
_PLAIN = frozenset({"idempotency-key", "www-authenticate"})


def masked(values: Mapping[str, str]) -> dict[str, str]:
    """Copy headers or a query without the values that let somebody in.

    >>> masked({"authorization": "Bearer x", "x-api-key": "x", "host": "h", "idempotency-key": "1"})
    {'authorization': '***', 'x-api-key': '***', 'host': 'h', 'idempotency-key': '1'}
    """
    return {name: MASK if _is_secret(name) else value for name, value in values.items()}


def _is_secret(name: str) -> bool:
    return name.lower() not in _PLAIN and _SECRET.search(name) is not None


def without_key(body: bytes) -> bytes:
    """Take the key out of an event for PagerDuty, which has nowhere else to put it.

    >>> without_key(b'{"routing_key": "R0UT3", "event_action": "trigger"}')
    b'{"routing_key": "***", "event_action": "trigger"}'
    """
    return _KEY.sub(rb"\1***\2", body) if b"routing_key" in body else body
