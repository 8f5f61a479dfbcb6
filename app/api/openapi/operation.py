"""What is said of one method at one address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from app.api.paging import Parameter
from app.api.shapes import ProblemView

JSON = "application/json"
PROBLEM = "application/problem+json"
ANYTHING: Any = object
"""The type of what has no shape of ours."""


@dataclass(frozen=True, slots=True)
class Content:
    """A body: what type it has, and how one looks."""

    shape: Any = None
    """None for what is no JSON."""
    example: Any = None
    media: str = JSON


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method at one address."""

    summary: str
    tag: str
    answers: Mapping[int, tuple[str, tuple[Content, ...]]]
    """Status → when it is given, and with what."""
    query: Mapping[str, Parameter] = field(default_factory=dict)
    takes: tuple[Content, ...] = ()
    optional: bool = False
    """Whether the body may be left out."""
    secured: bool = False
    """Whether a source's credentials are asked for."""


def refusals(**why: str) -> dict[int, tuple[str, tuple[Content, ...]]]:
    """List refusals by their status: ``refusals(_404="there is none")``."""
    told = (Content(ProblemView, media=PROBLEM),)
    return {int(status.lstrip("_")): (reason, told) for status, reason in why.items()}
