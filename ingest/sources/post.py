"""What a parser is given and what it gives back: values only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from domain.alert import Alert
from domain.change import Change
from domain.times import Millis
from ingest.sources.body import BadBody


@dataclass(slots=True)  # a value all the same; frozen, it would take five times as long to make
class Post:
    """One request of a monitoring tool, authenticated and unpacked."""

    body: bytes
    received_at: Millis
    source: str
    """Name of the configured source."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    query: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    path: str = ""
    """What follows ``/ingest/SOURCE``, without the slash."""

    @property
    def content_type(self) -> str:
        """The media type, in lower case and without parameters; empty if not told."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


@dataclass(frozen=True, slots=True)
class Fault:
    """A part of a body that could not be understood, while others could."""

    path: str
    """Where it is, like ``alerts[3].labels.foo``."""
    message: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that a tool insists on, in place of ours."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)  # a value all the same; frozen, it would take five times as long to make
class Parsed:
    """What a body holds."""

    alerts: Sequence[Alert] = ()
    faults: Sequence[Fault] = ()
    """The bad among the good. A body with nothing good in it raises BadBody instead."""
    nothing: str = ""
    """Why there is no alert in it, in a word that is counted: handshake, test, empty, not_an_alert, ..."""
    reply: Reply | None = None
    changes: Sequence[Change] = ()
    """What it tells of changes."""


Parser = Callable[[Post], Parsed]
"""Turns what one tool sends into our words. Raises BadBody, and nothing else."""


def each(parts: Sequence[object], read: Callable[[int], Alert | None], where: str) -> Parsed:
    """Read the parts of a list one by one, so that a bad one does not spoil the good.

    *read* is given the place of the part, and gives None for one that is no alert. *where* names the list.

    Raises:
        BadBody: if not one of them is good.
    """
    alerts: list[Alert] = []
    faults: list[Fault] = []
    for place in range(len(parts)):
        try:
            alert = read(place)
        except BadBody as error:
            faults.append(Fault(error.path or f"{where}[{place}]", str(error)))
        else:
            if alert is not None:
                alerts.append(alert)
    if faults and len(faults) == len(parts):
        raise BadBody(faults[0].message, faults[0].path)
    return Parsed(alerts, faults, "" if alerts else "empty")
