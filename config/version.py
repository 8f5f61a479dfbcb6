"""A short name for what a configuration says, so that each decision can name the rules it was made under."""

from __future__ import annotations

import json
from collections.abc import Iterable
from hashlib import blake2b

from config.models import TocsinConfig
from correlation.enrichment import Lookup

ELSEWHERE = frozenset({"broker", "store"})
"""Where things are kept, not how they are decided."""


def version_of(config: TocsinConfig, lookups: Iterable[Lookup]) -> str:
    """Name a configuration and its tables: 8 hex digits, the same wherever and whenever it is loaded.

    Secrets are not part of it, nor are comments, the order of keys, and defaults that are written out.
    """
    said = config.model_dump(mode="json", exclude=set(ELSEWHERE))
    hasher = blake2b(json.dumps(said, sort_keys=True).encode("utf-8", "surrogatepass"), digest_size=4)
    for lookup in lookups:
        hasher.update(lookup.digest.encode())
    return hasher.hexdigest()
