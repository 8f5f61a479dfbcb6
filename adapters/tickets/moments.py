"""Moments as tools tell them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AfterValidator

from domain.errors import PermanentError, Reason
from domain.times import Millis, to_millis


def _known(name: str) -> str:
    try:
        ZoneInfo(name)
    except (LookupError, OSError, ValueError):
        raise ValueError(f"{name!r} is no time zone; write one like Europe/Berlin") from None
    return name


TimeZone = Annotated[str, AfterValidator(_known)]
"""The name of a time zone."""


def moment(text: str, zone: tzinfo = UTC) -> Millis:
    """Read an ISO date; one without a zone is in *zone*.

    Raises:
        ValueError: it is none.

    >>> moment("2024-01-01 00:00:00"), moment("2024-01-01T01:00:00+01:00")
    (1704067200000, 1704067200000)
    """
    try:
        parsed = datetime.fromisoformat(text.strip())
        return to_millis(parsed if parsed.tzinfo else parsed.replace(tzinfo=zone))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no ISO date: {text[:40]!r}") from error


def local_text(at: Millis, zone: tzinfo) -> str:
    """Write a moment as tools do that tell no zone.

    >>> local_text(1704067200000, UTC)
    '2024-01-01 00:00:00'
    """
    return datetime.fromtimestamp(at / 1000, zone).strftime("%Y-%m-%d %H:%M:%S")


def shown_moment(what: str, text: str | None, zone: tzinfo = UTC) -> Millis:
    """Read a moment that an answer tells of the ticket *what*.

    Raises:
        PermanentError: it is none.
    """
    try:
        return moment(text or "", zone)
    except ValueError as error:
        raise PermanentError(f"{what} tells no moment: {error}", Reason.BAD_ANSWER) from error
