"""The JSON Schema of the files that people write, for editors: completion, hover texts, red lines."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from config.models import TocsinConfig

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(model: type[BaseModel] = TocsinConfig) -> dict[str, Any]:
    """Describe the configuration, or another file, in JSON Schema, draft 2020-12."""
    return {"$schema": DIALECT, **model.model_json_schema()}
