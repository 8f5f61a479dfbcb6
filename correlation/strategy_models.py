"""How a group rule's strategies are written in YAML."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Discriminator, Field

from correlation.strategies import PEERS, ByLabels, ByText, ByTopology
from domain.topology import REACH
from notation import Duration, Label, Labels, lasting


class TopologyStrategyConfig(BaseModel):
    """Joins what happens close by in the graph and in time."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["topology"]
    hops: int = Field(
        REACH, ge=0, le=REACH, description="Edges between two places that may still be one incident."
    )
    fade: Duration = lasting(
        "15s", "How quickly an alert loses its pull on those around it. Longer for slower monitoring.", gt=0
    )
    least: float = Field(
        0.05, gt=0, description="An incident that pulls less than this is not joined. An alert at the same "
        "place a moment ago pulls with 1, each hop halves it.",
    )  # fmt: skip
    peers: list[Label] = Field(
        default_factory=lambda: list(PEERS),
        description="Labels in which alerts name the other end of a call, which is a place of theirs, too.",
    )

    def compile(self) -> ByTopology:
        """Make the strategy that the core works with."""
        return ByTopology(self.hops, self.fade, self.least, tuple(self.peers))


class TextStrategyConfig(BaseModel):
    """Joins what reads alike, numbers and addresses left out."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["text"]
    fields: dict[Label, Annotated[float, Field(gt=0, le=100)]] = Field(
        default_factory=lambda: {"summary": 85.0},
        min_length=1,
        description="Labels or fields, also summary and description, each with how alike it must be: "
        "100 is the same words.",
    )
    window: Duration = lasting(
        "10m", "An incident is joined if an alert joined it no longer ago than this.", gt=0
    )

    def compile(self) -> ByText:
        """Make the strategy that the core works with."""
        return ByText(tuple(self.fields.items()), self.window)


class LabelsStrategyConfig(BaseModel):
    """Joins what has the same values of some fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["labels"]
    same: Labels = Field(description="Labels or fields that must be the same as those of an alert before.")
    window: Duration = lasting(
        "1h", "An incident is joined if an alert joined it no longer ago than this.", gt=0
    )

    def compile(self) -> ByLabels:
        """Make the strategy that the core works with."""
        return ByLabels(tuple(self.same), self.window)


class TimeStrategyConfig(BaseModel):
    """Joins what happens at nearly the same time in one place."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: Literal["time"]
    within: Labels = Field(
        default_factory=lambda: ["resource"],
        description="Labels or fields that say what one place is: resource, site, ...",
    )
    window: Duration = lasting(
        "2m", "An incident is joined if an alert joined it no longer ago than this.", gt=0
    )

    def compile(self) -> ByLabels:
        """Make the strategy that the core works with: the same place, for a short while."""
        return ByLabels(tuple(self.within), self.window, self.type)


StrategyConfig = Annotated[
    TopologyStrategyConfig | TextStrategyConfig | LabelsStrategyConfig | TimeStrategyConfig,
    Discriminator("type"),
]
