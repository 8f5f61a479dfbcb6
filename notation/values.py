"""Lengths of time, sizes and names."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from domain.durations import parse_duration
from domain.sizes import parse_size
from domain.times import Millis

Duration = Annotated[
    Millis,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": ["string", "number"], "title": "duration", "examples": ["30s", "5m", "1h30m"]}),
]
"""A length of time: ``30s``, ``5m``, ``1h30m`` or plain seconds in YAML, milliseconds for the code."""
Size = Annotated[
    int,
    BeforeValidator(parse_size),
    Field(gt=0),
    WithJsonSchema({"type": ["string", "integer"], "title": "size", "examples": ["500kB", "5MiB", "1GiB"]}),
]
"""An amount of memory: ``5MiB`` or plain bytes in YAML, bytes for the code."""
Label = Annotated[str, Field(min_length=1)]
"""Name of a label, or of anything else that must have one."""
Labels = Annotated[list[Label], Field(min_length=1)]
"""At least one of them."""


def lasting(default: str, description: str, *, gt: Millis | None = None) -> Any:
    """A length of time, or a size, whose default is written, and shown in the schema, as people write it."""
    return Field(default, description=description, validate_default=True, gt=gt)
