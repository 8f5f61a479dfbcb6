"""What destinations are told of an incident, and what it shows of what they tell. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from correlation.router import Router
from correlation.rules import CorrelationRules
from correlation.state import incident_record, timeline_log
from domain.batch import Batch
from domain.events import TicketReported, TicketsDesired
from domain.incident import Assessment, Incident, IncidentTicket, TimelineEntry
from domain.ports import tickets_mailbox


def tell(batch: Batch, incident: Incident, router: Router, rules: CorrelationRules, mailbox: str) -> None:
    """Tell the destinations of an incident what its tickets should show; *mailbox* hears what becomes of them."""
    judged = incident.assessment
    if judged is None:
        return
    if left := _left_behind(judged, rules):
        judged = _forget_destinations(batch, incident, judged, left)
    ticket = router.render(incident)
    for destination in judged.destinations:
        batch.send(tickets_mailbox(destination), TicketsDesired(batch.clock, [ticket], mailbox))


def show_ticket(batch: Batch, incident: Incident, report: TicketReported) -> None:
    """A ticket's news changes what the incident shows, not what it is: no new revision, no new ticket."""
    others = tuple(ticket for ticket in incident.tickets if ticket.destination != report.destination)
    ticket = IncidentTicket(report.destination, report.state, report.ref, report.version)
    tickets = tuple(sorted((*others, ticket), key=lambda each: each.destination))
    batch.put(incident_record(incident.id), replace(incident, tickets=tickets))
    entry = TimelineEntry(
        report.at, f"ticket_{report.action.value}", report.detail, destination=report.destination
    )
    batch.log(timeline_log(incident.id), entry)


def sign(batch: Batch, version: str) -> None:
    """Have each entry of a timeline name the rules that it was made under."""
    batch.lines = [
        (name, replace(line, rules=version) if isinstance(line, TimelineEntry) else line)
        for name, line in batch.lines
    ]


def _left_behind(judged: Assessment, rules: CorrelationRules) -> set[str]:
    """Name the destinations that were taken out of the configuration since."""
    return set() if rules.destinations is None else set(judged.destinations) - rules.destinations


def _forget_destinations(batch: Batch, incident: Incident, judged: Assessment, left: set[str]) -> Assessment:
    """Tell them nothing more: nobody would read it. The timeline says so once, as they are named no longer."""
    destinations = tuple(name for name in judged.destinations if name not in left)
    after = replace(judged, destinations=destinations)
    batch.put(incident_record(incident.id), replace(incident, assessment=after))
    for name in sorted(left):
        reason = "the configuration has it no more; its ticket stays as it is"
        batch.log(
            timeline_log(incident.id),
            TimelineEntry(batch.clock, "destination_removed", reason, destination=name),
        )
    return after
