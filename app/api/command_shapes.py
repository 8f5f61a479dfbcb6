"""The shapes of what is said of an incident's life, and of what operators ask of it."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from domain.incident import RelationKind


class RelationView(TypedDict):
    """Another incident that one has to do with."""

    kind: RelationKind
    incident: str


class IncidentAsked(TypedDict):
    """What was asked for is on durable storage; what comes of it is on the incident's timeline."""

    id: str
    asked: str
    request: Annotated[str, Meta(description="Names the request: a copy of it changes nothing.")]
