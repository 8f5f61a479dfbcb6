"""The mapping of a source of the type ``generic``: how any JSON or form becomes alerts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    model_validator,
)

from domain.alert import AlertState, Severity
from domain.change import ChangeState
from ingest.sources.generic_expressions import compile_expression

IGNORE = "ignore"
"""In a table of states: no alert at all."""


def _checked(text: str) -> str:
    compile_expression(text)
    return text


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        raise ValueError(f"{name!r} is no time zone; write one like Europe/Berlin") from None
    return name


def _words(table: Any) -> Any:
    """Take the keys for words, in lower case: YAML makes numbers and booleans of some."""
    if not isinstance(table, Mapping):
        return table
    return {str(key).strip().lower(): value for key, value in table.items()}


Jmespath = Annotated[str, AfterValidator(_checked), Field(examples=["check.name", "tags.team || 'nobody'"])]
Zone = Annotated[str, AfterValidator(_known_zone), Field(examples=["Europe/Berlin"])]
Named = dict[Annotated[str, Field(min_length=1)], Jmespath]
States = Annotated[dict[str, AlertState | Literal["ignore"]], BeforeValidator(_words)]
Severities = Annotated[dict[str, Severity], BeforeValidator(_words)]


def _table(of: str) -> Any:
    return Field(
        default_factory=dict, description=f"Names of {of} → expressions. `*` stands for all of an object."
    )


class GenericDefaults(BaseModel):
    """What an alert has where its expression finds nothing."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    state: AlertState | Literal["ignore"] | None = Field(None, description="Also for words not in `states`.")
    severity: Severity = Severity.MEDIUM
    name: str = ""
    summary: str = ""
    description: str = ""
    service: str = ""
    resource: str = ""
    url: str = ""
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    links: dict[str, str] = Field(default_factory=dict)


class GenericMapping(BaseModel):
    """JMESPath expressions over one alert of the body. `_body` is the whole body, `_query` the address's query."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["alert"] = Field("alert", description="What the body tells of.")
    items: Jmespath | None = Field(
        None, description="List of alerts in the body; without it the body is one."
    )
    identity: Jmespath | Annotated[list[Jmespath], Field(min_length=1)] = Field(
        description="What stays the same from a problem to its recovery; joined with `/`."
    )
    name: Jmespath | None = None
    summary: Jmespath | None = None
    description: Jmespath | None = None
    service: Jmespath | None = None
    resource: Jmespath | None = None
    url: Jmespath | None = None
    state: Jmespath | None = Field(None, description="The tool's word for the state.")
    states: States = Field(default_factory=dict, description="The tool's words → ours, or `ignore`.")
    firing_when: Jmespath | None = Field(None, description="Condition, in place of a word.")
    resolved_when: Jmespath | None = Field(None, description="Condition; looked at before the others.")
    acknowledged_when: Jmespath | None = None
    ignore_when: Jmespath | None = Field(None, description="Condition under which it is no alert at all.")
    severity: Jmespath | None = Field(None, description="The tool's word or number for how bad it is.")
    severities: Severities = Field(default_factory=dict, description="The tool's words → ours.")
    labels: Named = _table("labels")
    annotations: Named = _table("annotations")
    links: Named = _table("links")
    starts_at: Jmespath | None = None
    ends_at: Jmespath | None = None
    zone: Zone | None = Field(None, description="Of moments without an offset; the source's own if left out.")
    defaults: GenericDefaults = Field(default_factory=GenericDefaults)

    @model_validator(mode="after")
    def _tables_have_their_words(self) -> GenericMapping:
        if self.states and self.state is None:
            raise ValueError("states translates what state finds: give state too")
        if self.severities and self.severity is None:
            raise ValueError("severities translates what severity finds: give severity too")
        return self


ChangeStates = Annotated[dict[str, ChangeState | Literal["ignore"]], BeforeValidator(_words)]


class ChangeMapping(BaseModel):
    """JMESPath expressions over one change of the body. `_body` is the whole body, `_query` the address's query."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["change"] = Field(description="The body tells of changes, not of alerts.")
    items: Jmespath | None = Field(
        None, description="List of changes in the body; without it the body is one."
    )
    identity: Jmespath = Field(description="What stays the same from the beginning of a change to its end.")
    title: Jmespath | None = None
    kind_of_change: Jmespath | None = Field(
        None, description="The tool's word for what kind of change it is."
    )
    state: Jmespath | None = Field(None, description="The tool's word for how far it is.")
    states: ChangeStates = Field(
        default_factory=dict,
        description="The tool's words → planned, started, succeeded, failed, rolled_back, or `ignore`.",
    )
    default_state: ChangeState | None = Field(
        ChangeState.SUCCEEDED, description="What one is of which no state is found; null refuses it."
    )
    services: Jmespath | None = Field(None, description="Services that are changed: a name, or a list.")
    resources: Jmespath | None = Field(
        None, description="Configuration items that are changed: a name, or a list."
    )
    environment: Jmespath | None = None
    starts_at: Jmespath | None = Field(None, description="When it began, or is to begin.")
    ends_at: Jmespath | None = Field(None, description="When it ended, or is to end.")
    actor: Jmespath | None = None
    url: Jmespath | None = None
    zone: Zone | None = Field(None, description="Of moments without an offset; the source's own if left out.")


def _kind(given: Any) -> str:
    kind = given.get("kind") if isinstance(given, Mapping) else getattr(given, "kind", None)
    return "change" if kind == "change" else "alert"


AnyMapping = Annotated[
    Annotated[GenericMapping, Tag("alert")] | Annotated[ChangeMapping, Tag("change")], Discriminator(_kind)
]
"""What a body tells of: alerts, or changes."""
