"""What tools post whose webhooks are written by hand: our own shape, see docs/destinations/callbacks.md."""

from __future__ import annotations

import json
from typing import Any

SECRET = "of-the-callback"  # noqa: S105 - of a fake


def posting(**news: Any) -> tuple[dict[str, str], bytes]:
    """Give headers and body of a callback; what is empty is left out."""
    body = {name: value for name, value in news.items() if value not in ("", None)}
    headers = {"content-type": "application/json", "x-tocsin-secret": SECRET}
    return headers, json.dumps(body).encode()
