"""An incident: an unplanned interruption or degradation of a service. It groups alerts.

Values of which a shard holds many have ``gc=False``: as frozen trees they cannot be part of a cycle, and the garbage
collector would look through all of them again and again.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from domain.alert import SEVERITIES, Severity
from domain.clock import Clock
from domain.priority import Level, Priority
from domain.times import Millis


class IncidentState(StrEnum):
    """Where an incident is in its life."""

    OPEN = "open"
    RESOLVED = "resolved"
    CLOSED = "closed"
    """Over for good: what comes later opens another."""


class RelationKind(StrEnum):
    """How an incident relates to another."""

    FOLLOWS = "follows"
    """The other was over when the same came back."""
    MERGED = "merged"
    """The other was merged into this one."""
    SPLIT_FROM = "split_from"
    """Its alerts belonged to the other."""


class Relation(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Another incident that one has to do with."""

    kind: RelationKind
    incident: str


class Stage(StrEnum):
    """How far the people who work on an open incident are."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    IN_PROGRESS = "in_progress"
    ON_HOLD = "on_hold"


class Note(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Something to tell the people at a ticket, once."""

    id: str
    """Its number: it grows with every note of an incident."""
    text: str
    origin: str = ""
    """Destination where a person wrote it; it is not told there again."""


class Lead(msgspec.Struct, frozen=True, array_like=True, order=True, gc=False):
    """The alert that gives an incident its title: the worst, then the earliest. The smallest one leads."""

    rank: int
    starts_at: Millis
    key: str
    name: str
    summary: str


class TicketRef(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A ticket as its tool names it."""

    id: str
    url: str = ""


class LinkKind(StrEnum):
    """How a ticket relates to another."""

    CHILD_OF = "child_of"
    CAUSED_BY = "caused_by"
    """An incident's problem."""


class TicketLink(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A ticket at the same destination that one relates to."""

    destination: str
    ref: TicketRef
    kind: LinkKind


class Suspect(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A change that an incident may come of."""

    change: str
    """``source/key``."""
    title: str
    relation: str
    """What the two have in common: service, dependency or environment."""
    state: str
    at: Millis
    """When it ended, or began while it has not ended."""
    actor: str = ""
    url: str = ""


class ShownWorkaround(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How to get along with an incident, as its people are shown."""

    known_error: str
    """Id of the known error, or ``problem/ID``."""
    text: str
    url: str
    at: Millis
    """When it was shown."""
    helps_within: Millis
    problem: str = ""
    helped: bool = False
    """Whether the incident was over soon after."""


class IncidentTicket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What an incident knows of its ticket at one destination."""

    destination: str
    state: str
    """open, resolved, parked, or pending while the tool has not answered yet."""
    ref: TicketRef | None = None
    version: int = 0
    """Revision of the incident that the ticket shows."""


class Assessment(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How an incident is judged: the result of routing, kept with the incident."""

    impact: Level
    urgency: Level
    priority: Priority
    team: str
    destinations: tuple[str, ...]
    lower_at: Millis | None = None
    """When a lower priority will be taken, if it is still right then; None while the priority is right."""
    names: tuple[str, str] | None = None
    """Impact and urgency as the configuration calls them, where it has levels of its own."""

    @property
    def impact_name(self) -> str:
        """The impact as the configuration calls it."""
        return self.names[0] if self.names else self.impact.value

    @property
    def urgency_name(self) -> str:
        """The urgency as the configuration calls it."""
        return self.names[1] if self.names else self.urgency.value


class Extent(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """How far an incident reaches, where a rule asks."""

    cis: dict[str, int] = {}
    """How many of its alerts fire now on each configuration item that was hit."""
    sites: tuple[str, ...] = ()
    """Sites hit, sorted."""
    joins: tuple[Millis, ...] = ()
    """When the last of its alerts joined."""


class Major(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """That an incident is, or was, a major one."""

    at: Millis
    by: str
    """Who raised it: a rule or a person."""
    reason: str
    team: str = ""
    """Who took it over; empty for whoever has it."""
    demoted_at: Millis | None = None
    told_at: Millis | None = None
    """When its end was told of: problems look for its cause."""


class Incident(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One incident. Its members are alert records that name it; it holds what must be known of them in sum."""

    id: str
    """16 hex digits, the same for the same history; also the key of its tickets."""
    rule: str
    """Id of the group rule that made it."""
    group: str
    """The group within the rule: the values of the labels it groups by."""
    state: IncidentState
    opened_at: Millis
    changed_at: Millis
    joined_at: Millis
    """When an alert last joined: the group's window rolls from here."""
    lead: Lead
    labels: dict[str, str]
    """The labels that all its alerts share."""
    services: tuple[str, ...]
    """Services hit, sorted."""
    firing: tuple[int, ...]
    """How many alerts fire now, by severity, worst first."""
    alerts: int
    """Distinct alerts that ever joined."""
    revision: int
    """Grows with every change worth telling; the version of its tickets."""
    resolved_at: Millis | None = None
    assessment: Assessment | None = None
    tickets: tuple[IncidentTicket, ...] = ()
    tell_at: Millis | None = None
    """When its destinations will be told of what could wait; None when nothing does."""
    stage: Stage = Stage.NEW
    assignee: str = ""
    """Who works on it, as a ticketing tool tells."""
    notes: tuple[Note, ...] = ()
    """The last ones."""
    noted_alerts: int = 1
    """How many alerts the people at its tickets were told of."""
    clocks: tuple[Clock, ...] = ()
    """How much of its time is used up, where anything is agreed."""
    follow_at: Millis | None = None
    """When routing has to look at it again: a warning, a breach, the end of support hours."""
    problem: str = ""
    """Id of the problem that causes it, where one is known."""
    links: tuple[TicketLink, ...] = ()
    """Tickets of others that its own relate to."""
    workaround: ShownWorkaround | None = None
    """How to get along, where a known error matches."""
    extent: Extent | None = None
    new_since: Millis | None = None
    """Since when nobody has taken it on, where escalation asks."""
    escalated: tuple[str, ...] = ()
    """Steps of escalation taken, in their order."""
    on_call: str = ""
    """Who is on call for it, until somebody takes it on."""
    closed_at: Millis | None = None
    related: tuple[Relation, ...] = ()
    """Incidents that it has to do with; of many, the last ones."""
    merged_into: str = ""
    """Id of the incident that lives on in its place: its alerts belong there now."""
    requests: tuple[str, ...] = ()
    """The last requests of operators: a copy of one changes nothing."""
    flapping: int = 0
    """How many of its alerts flap: they hold it open."""
    major: Major | None = None
    """Set if it was ever raised."""

    @property
    def is_major(self) -> bool:
        """Whether it is above the line that needs a procedure of its own."""
        return self.major is not None and self.major.demoted_at is None

    @property
    def is_closed(self) -> bool:
        """Whether it is over for good."""
        return self.state is IncidentState.CLOSED

    suspects: tuple[Suspect, ...] = ()
    """Changes that it may come of, the most likely first."""
    cause: str = ""
    """The deepest failing dependency, by the topology: the suspected cause. Empty where no graph tells."""
    cause_service: str = ""
    """The service that the cause is, or is a part of."""

    @property
    def is_open(self) -> bool:
        """Whether it still has to be worked on."""
        return self.state is IncidentState.OPEN

    @property
    def severity(self) -> Severity:
        """The worst that fires now, or of its lead when nothing does."""
        for rank, count in enumerate(self.firing):
            if count:
                return SEVERITIES[rank]
        return SEVERITIES[self.lead.rank]

    @property
    def service(self) -> str:
        """The service it is about; empty when unknown or more than one is hit."""
        return self.services[0] if len(self.services) == 1 else self.labels.get("service", "")


class TimelineEntry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One line of an incident's story: what was decided or done, and why."""

    at: Millis
    verdict: str
    reason: str
    alert: str = ""
    """Key of the alert that caused it, where there is one."""
    destination: str = ""
    rules: str = ""
    """Version of the configuration that it was decided under."""
