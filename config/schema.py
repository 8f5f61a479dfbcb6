"""The JSON Schema of the configuration file, for editors: completion, hover texts, red lines."""

from __future__ import annotations

from typing import Any

from config.models import TocsinConfig

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema() -> dict[str, Any]:
    """Describe the file in JSON Schema, draft 2020-12."""
    return {"$schema": DIALECT, **TocsinConfig.model_json_schema()}
