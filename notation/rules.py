"""What can be said of a rule of any kind."""

from __future__ import annotations

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from notation.values import Label


class RuleConfig(BaseModel):
    """Base of all rules that people write. ``config`` leaves out those that have expired, wherever they stand."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Label = Field(description="Name of the rule, shown with every decision it makes.")
    owner: str = Field("", description="Who answers for the rule: a person or a team.")
    expires: date | None = Field(
        None,
        description="Last day, in UTC, on which the rule applies, like 2027-03-31; later it is left out, "
        "and `tocsin check` says so.",
    )
