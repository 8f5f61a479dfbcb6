"""Moments as tools tell them. Pure."""

from __future__ import annotations

from datetime import UTC, datetime

from domain.errors import PermanentError, Reason
from domain.times import Millis, to_millis


def moment(text: str) -> Millis:
    """Read an ISO date; one without a zone is in UTC.

    Raises:
        ValueError: it is none.

    >>> moment("2024-01-01 00:00:00"), moment("2024-01-01T01:00:00+01:00")
    (1704067200000, 1704067200000)
    """
    try:
        parsed = datetime.fromisoformat(text.strip())
        return to_millis(parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC))
    except (ValueError, OverflowError) as error:
        raise ValueError(f"no ISO date: {text[:40]!r}") from error


def shown_moment(what: str, text: str | None) -> Millis:
    """Read a moment that an answer tells of the ticket *what*.

    Raises:
        PermanentError: it is none.
    """
    try:
        return moment(text or "")
    except ValueError as error:
        raise PermanentError(f"{what} tells no moment: {error}", Reason.BAD_ANSWER) from error
