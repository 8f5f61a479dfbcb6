"""What all that people write into files of tests has in common."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

Text = Annotated[str, Field(min_length=1)]


class Written(BaseModel):
    """Base of all that is written: unknown keys are mistakes."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def given(model: BaseModel) -> dict[str, Any]:
    """List what was written, nothing filled in."""
    fields = type(model).model_fields
    return {name: getattr(model, name) for name in fields if name in model.model_fields_set}
