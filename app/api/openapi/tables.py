"""All that is said, by address and method."""

from __future__ import annotations

from collections.abc import Mapping

from app.api.openapi.managing import CHANGES, KNOWN_ERRORS, PROBLEMS
from app.api.openapi.operating import OPERATORS
from app.api.openapi.operation import Operation
from app.api.openapi.posting import CALLBACKS, INGEST
from app.api.openapi.reading import (
    CONFIGURATION,
    INCIDENTS,
    OPERATING,
    PARKED,
    QUARANTINE,
    RECONCILE,
    SHADOW,
    SILENCES,
)

OPERATIONS: Mapping[str, Mapping[str, Operation]] = {
    **INGEST,
    **CALLBACKS,
    **INCIDENTS,
    **OPERATORS,
    **QUARANTINE,
    **PARKED,
    **CHANGES,
    **PROBLEMS,
    **KNOWN_ERRORS,
    **RECONCILE,
    **SILENCES,
    **CONFIGURATION,
    **SHADOW,
    **OPERATING,
}
