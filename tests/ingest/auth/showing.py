"""Making requests to show to a scheme."""

from collections.abc import Mapping
from typing import Any

from ingest.auth import Presented

NOW = 1_715_674_891_000
"""2024-05-14T08:21:31Z"""
BODY = b'{"alert":"cpu"}'


def show(headers: Mapping[str, str] | None = None, body: bytes = BODY, **others: Any) -> Presented:
    """Present a request; names of headers may be in any case."""
    lower = {name.lower(): value for name, value in (headers or {}).items()}
    return Presented(**{"now": NOW, "headers": lower, "body": body, **others})
