"""The ``flapping`` of a group rule: when an alert is not believed any more."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from correlation.flap_rules import FlapRule
from notation import Duration, lasting

AT_MOST = 100


class FlapConfig(BaseModel):
    """When an alert that begins and ends again and again is taken for flapping: its incident is then held open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    changes: int = Field(
        6,
        ge=0,
        le=AT_MOST,
        description="So many beginnings and ends within the time make it flap; 0 turns it off.",
    )
    within: Duration = lasting("30m", "The time.", gt=0)
    quiet: Duration = lasting("15m", "It is believed again when it has not changed for so long.", gt=0)

    @model_validator(mode="after")
    def _is_more_than_one_life(self) -> Self:
        if 0 < self.changes <= 2:  # noqa: PLR2004 - a beginning and an end
            raise ValueError("every alert begins and ends: changes must be 3 or more, or 0 for never")
        return self

    def compile(self) -> FlapRule | None:
        """Make the rule that the core works with."""
        return FlapRule(self.changes, self.within, self.quiet) if self.changes else None
