"""The ``threshold`` of a group rule: how much must happen before it is worth an incident."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from correlation.threshold_rules import Threshold
from notation import Duration, lasting

AT_MOST = 1_000


class ThresholdConfig(BaseModel):
    """How much must happen within a time before an incident opens; all that waited joins it then."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    within: Duration = lasting("10m", "The time.", gt=0)
    count: int = Field(
        0, ge=0, le=AT_MOST, description="So many times alerts of the group must fire; repeats count."
    )
    distinct: str = Field("", description="Label or field whose different values are counted, like resource.")
    at_least: int = Field(
        0, ge=0, le=AT_MOST, description="So many different values of `distinct` there must be."
    )

    @model_validator(mode="after")
    def _asks_for_something(self) -> Self:
        if bool(self.distinct) is not bool(self.at_least):
            raise ValueError("distinct and at_least go together: {distinct: resource, at_least: 3}")
        if max(self.count, self.at_least) <= 1:
            raise ValueError("asks for nothing: give count, or distinct with at_least, of 2 or more")
        return self

    def compile(self) -> Threshold:
        """Make the value that the core works with."""
        return Threshold(self.within, self.count, self.distinct, self.at_least)
