"""The shapes of what is said of an incident's life, and of what operators ask of it."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from app.api.basic_shapes import Moment
from domain.incident import RelationKind


class RelationView(TypedDict):
    """Another incident that one has to do with."""

    kind: RelationKind
    incident: str


class MajorView(TypedDict):
    """That an incident is a major one."""

    at: Moment
    by: Annotated[str, Meta(description="Who raised it: a rule or a person.")]
    reason: str


class IncidentAsked(TypedDict):
    """What was asked for is on durable storage; what comes of it is on the incident's timeline."""

    id: str
    asked: str
    request: Annotated[str, Meta(description="Names the request: a copy of it changes nothing.")]
