"""What can be said of a rule of any kind."""

from __future__ import annotations

from datetime import date
from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field

from notation.values import Label


class Mode(StrEnum):
    """Whether a rule decides, or is only tried."""

    ACTIVE = "active"
    SHADOW = "shadow"


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
    mode: Mode = Field(
        Mode.ACTIVE,
        description="With shadow it changes nothing. A rule of groups, enrich or routes is then tried where it "
        "stands, and what it would have done is counted and written down (`/api/v1/shadow`); others are left out.",
    )
