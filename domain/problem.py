"""A problem: the cause of one or more incidents (ITIL 4 practice guide: problem management)."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from domain.incident import IncidentTicket, Note, Stage
from domain.priority import Level, Priority
from domain.times import Millis


class ProblemState(StrEnum):
    """Where a problem is in its life."""

    OPEN = "open"
    KNOWN_ERROR = "known_error"
    """There is a workaround; the cause is still there."""
    RESOLVED = "resolved"
    """Said to be gone; that is verified by waiting whether it recurs."""
    CLOSED = "closed"

    @property
    def is_over(self) -> bool:
        """Whether nobody works on it any more."""
        return self in {ProblemState.RESOLVED, ProblemState.CLOSED}


class Workaround(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How to get along while the cause is still there."""

    text: str
    url: str = ""


class Problem(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One problem, with the incidents that it is the cause of."""

    id: str
    """16 hex digits, the same for the same history; also the key of its tickets."""
    rule: str
    """Id of the rule that opened it."""
    signature: str
    """The values that make incidents the same, as ``label=value``."""
    state: ProblemState
    opened_at: Millis
    changed_at: Millis
    title: str
    """What the last of its incidents is called."""
    labels: dict[str, str]
    """The labels of the signature."""
    services: tuple[str, ...]
    """Services its incidents hit, sorted."""
    incidents: tuple[str, ...]
    """Ids of its last incidents, the oldest first."""
    occurrences: int
    """All its incidents, also those whose ids are not kept."""
    verify_for: Millis
    """How long it must not recur once it is resolved, to be closed."""
    impact: Level
    """The highest that one of its incidents had."""
    frequency: Level
    """How often it recurs, against what its rule calls a problem."""
    priority: Priority
    team: str = ""
    destinations: tuple[str, ...] = ()
    revision: int = 0
    """Grows with every change; the version of its tickets."""
    resolved_at: Millis | None = None
    closed_at: Millis | None = None
    tickets: tuple[IncidentTicket, ...] = ()
    notes: tuple[Note, ...] = ()
    """The last ones."""
    workaround: Workaround | None = None
    previous: str = ""
    """The closed problem of the same signature before it."""
    assignee: str = ""
    stage: Stage = Stage.NEW
