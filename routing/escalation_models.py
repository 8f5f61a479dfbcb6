"""The ``escalation`` part of the YAML: what is done when nobody acts, or time runs out."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from domain.clock import Target
from domain.matching import Matcher
from domain.priority import Priority
from notation import Duration, MatchConfig, RuleConfig
from notation import Label as Name
from routing.escalation import EscalationPolicy, EscalationStep


class EscalationStepConfig(BaseModel):
    """One step: when it is taken, and what it does."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    unacknowledged: Annotated[Duration, Field(gt=0)] | None = Field(
        None, description="When nobody has taken the incident on for so long."
    )
    sla: Annotated[float, Field(gt=0, le=10)] | None = Field(
        None, description="When this part of the time agreed is used up, like 0.8; 1 is the breach."
    )
    target: Target = Field(Target.RESOLVE, description="Whose time is meant by sla.")
    priority: Priority | None = Field(None, description="The priority that it has at least from then on.")
    raise_by: int = Field(0, ge=0, le=4, description="Priorities that it goes up.")
    destinations: list[Name] = Field(default_factory=list, description="Where it gets a ticket, too.")
    team: str = Field("", description="The team that gets it.")

    @model_validator(mode="after")
    def _when_and_what(self) -> Self:
        if (self.unacknowledged is None) is (self.sla is None):
            raise ValueError("needs either unacknowledged or sla, to know when it is taken")
        if not (self.priority or self.raise_by or self.destinations or self.team):
            raise ValueError("does nothing; give priority, raise_by, destinations or team")
        return self

    def compile(self, name: str) -> EscalationStep:
        """Make the step that the core works with."""
        return EscalationStep(
            name,
            self.unacknowledged,
            self.target,
            self.sla,
            self.priority,
            self.raise_by,
            tuple(self.destinations),
            self.team,
        )


class EscalationConfig(RuleConfig):
    """A policy: steps for the incidents that it matches, each taken once."""

    match: MatchConfig = Field(
        default_factory=dict,
        description="Incidents that the policy is for, as in routes. Empty: every incident.",
    )
    steps: list[EscalationStepConfig] = Field(min_length=1, description="What is done, and when.")

    def compile(self) -> EscalationPolicy:
        """Make the policy that the core works with; a step is named by its place."""
        steps = tuple(step.compile(f"{self.id}#{place}") for place, step in enumerate(self.steps, start=1))
        return EscalationPolicy(self.id, steps, Matcher.of(self.match))
