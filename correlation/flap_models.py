"""The ``flapping`` of a group rule: when an alert is not believed any more."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from correlation.flap_rules import FlapRule
from notation import Duration, lasting

AT_MOST = 100


class FlapConfig(BaseModel):
    """When an alert that begins and ends again and again is taken for flapping: its incident is then held open."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    changes: int = Field(
        6, ge=3, le=AT_MOST, description="So many beginnings and ends within the time make it flap."
    )
    within: Duration = lasting("30m", "The time.", gt=0)
    quiet: Duration = lasting("15m", "It is believed again when it has not changed for so long.", gt=0)

    def compile(self) -> FlapRule:
        """Make the rule that the core works with."""
        return FlapRule(self.changes, self.within, self.quiet)
