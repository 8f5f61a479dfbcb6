"""Answers of Alloy Navigator's API, and its usual words. Pure."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

from domain.errors import PermanentError, Reason
from domain.priority import Level, Priority
from domain.ticket import TicketState

STATES = {
    TicketState.OPEN: "New",
    TicketState.ACKNOWLEDGED: "In Progress",
    TicketState.IN_PROGRESS: "In Progress",
    TicketState.ON_HOLD: "Pending",
    TicketState.RESOLVED: "Resolved",
    TicketState.CLOSED: "Closed",
}
PRIORITIES = {
    Priority.P1: "Immediate",
    Priority.P2: "High",
    Priority.P3: "Medium",
    Priority.P4: "Low",
    Priority.P5: "Low",
}
IMPACTS = {Level.HIGH: "Organization", Level.MEDIUM: "Multiple People", Level.LOW: "One Person"}
URGENCIES = {Level.HIGH: "High", Level.MEDIUM: "Medium", Level.LOW: "Low"}

_OID = re.compile(r"[A-Z]{1,4}\d{3,}")
T = TypeVar("T")


class Answer(msgspec.Struct, rename={"text": "errorText", "content": "responseObject"}):
    """What every call answers."""

    success: bool
    text: str | None = ""
    content: Any = None


class Token(msgspec.Struct):
    """A login."""

    access_token: str


class Item(msgspec.Struct):
    """One field of an object."""

    name: str
    value: Any = None


class Items(msgspec.Struct, rename={"items": "Items"}):
    """An object."""

    items: list[Item]


class Column(msgspec.Struct, rename={"name": "Name", "lower": "name"}):
    """One column of a list; versions differ in how they write it."""

    name: str = ""
    lower: str = ""


class Table(msgspec.Struct, rename={"columns": "Fields", "rows": "Data"}):
    """A list of objects."""

    columns: list[Column]
    rows: list[list[Any]]


def values_of(content: Any) -> dict[str, str]:
    """Read an object's fields.

    Raises:
        PermanentError: it is none.
    """
    return {item.name: _text(item.value) for item in _read(content, Items).items}


def rows_of(content: Any) -> list[dict[str, str]]:
    """Read a list of objects.

    Raises:
        PermanentError: it is none.
    """
    table = _read(content, Table)
    names = [column.name or column.lower for column in table.columns]
    return [dict(zip(names, map(_text, row), strict=False)) for row in table.rows]


def created_id(content: Any) -> str:
    """Return the identifier of what a create made, whatever its name in the answer; empty where there is none.

    Raises:
        PermanentError: the answer does not say that anything was made.
    """
    made = _read(content, dict[str, Any])
    if made.get("Succeed") is not True:
        told = _text(made.get("ErrorText") or made.get("Message"))
        raise PermanentError(f"Alloy did not run the action: {told or 'it gives no reason'}", Reason.REJECTED)
    return next((text for text in map(_text, made.values()) if _OID.fullmatch(text)), "")


def what_failed(answer: Answer) -> PermanentError | None:
    """Make the error of an answer without success."""
    if answer.success:
        return None
    text = answer.text or "no reason given"
    if "not found" in text.lower():
        return PermanentError(f"Alloy: {text}", Reason.NOT_FOUND)
    if "denied" in text.lower() or "permission" in text.lower():
        return PermanentError(f"Alloy: {text}", Reason.AUTHENTICATION)
    return PermanentError(f"Alloy: {text}", Reason.REJECTED)


def _read(content: Any, shape: type[T]) -> T:
    try:
        return msgspec.convert(content, shape)
    except msgspec.ValidationError as error:
        raise PermanentError(
            f"Alloy answered an unexpected shape: {error}", Reason.BAD_ANSWER, unknown=True
        ) from error


def _text(value: Any) -> str:
    return "" if value is None else str(value)
