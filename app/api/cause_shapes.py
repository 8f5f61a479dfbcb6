"""What an incident shows of its causes."""

from __future__ import annotations

from typing import Annotated, TypedDict

from msgspec import Meta

from app.api.basic_shapes import Moment


class ShownWorkaroundView(TypedDict):
    """How to get along with an incident, where a known error matches."""

    known_error: Annotated[str, Meta(description="Its id, or problem/ID for the workaround of a problem.")]
    text: str
    url: str
    at: Annotated[Moment, Meta(description="When it was shown.")]
    helped: Annotated[bool, Meta(description="Whether the incident was over soon after.")]


class SuspectView(TypedDict):
    """A change that an incident may come of."""

    change: Annotated[str, Meta(description="Id of the change.")]
    title: str
    relation: Annotated[
        str, Meta(description="What they have in common: service, dependency or environment.")
    ]
    state: str
    at: Annotated[Moment, Meta(description="When it ended, or began while it has not ended.")]
    actor: str
    url: str
