"""The ``changes`` part of the YAML: what changes mean for incidents."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, Field

from correlation.change_rules import ChangeRules, closure
from notation import Duration, lasting


class ChangesConfig(BaseModel):
    """What changes mean for incidents. Left out: they are only listed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    suspect_within: Duration = lasting(
        "1h",
        "An incident that opens during a change, or this soon after it, shows it as suspected: of the same service "
        "or configuration item, of a service it depends on, or of the same environment.",
        gt=0,
    )
    maintenance: bool = Field(
        True,
        description="Whether a planned change, one with a beginning and an end, keeps alerts of its services and "
        "configuration items quiet in between. What still fires at its end opens an incident.",
    )

    def compile(self, depends_on: Mapping[str, Iterable[str]]) -> ChangeRules:
        """Make the rules that the core works with; *depends_on* is that of the service catalogue."""
        return ChangeRules(self.suspect_within, self.maintenance, closure(depends_on))
