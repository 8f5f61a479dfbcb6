"""The shapes of answers that are as another tool's, so that whatever posts there can post here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NotRequired, TypedDict


class PagerDutyTaken(TypedDict):
    """What PagerDuty would answer."""

    status: str
    message: str
    dedup_key: NotRequired[str]


class PagerDutyRefused(TypedDict):
    """What PagerDuty would answer to what it does not take."""

    status: str
    message: str
    errors: Sequence[str]


class OpsgenieTaken(TypedDict):
    """What Opsgenie would answer."""

    result: str
    took: float
    requestId: str


class OpsgenieRefused(TypedDict):
    """What Opsgenie would answer to what it does not take."""

    message: str
    took: float
    requestId: str
