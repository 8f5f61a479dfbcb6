"""A short name for what a configuration says, so that each decision can name the rules it was made under."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b

from config.models import TocsinConfig

ELSEWHERE = frozenset({"broker", "store"})
"""Where things are kept, not how they are decided."""


def version_of(config: TocsinConfig, tables: Iterable[str]) -> str:
    """Name a configuration: 8 hex digits, the same wherever and whenever it is loaded.

    *tables* are the digests of the files that belong to it.

    Secrets are not part of it, nor are comments, the order of keys, and defaults that are written out.
    """
    said = config.model_dump(mode="json", exclude=set(ELSEWHERE))
    hasher = blake2b(json.dumps(said, sort_keys=True).encode("utf-8", "surrogatepass"), digest_size=4)
    for digest in tables:
        hasher.update(digest.encode())
    return hasher.hexdigest()
