"""What people do to the tickets of an incident, and what its people are told in return. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from correlation.incidents import closed, resolved, taken_up_again
from domain.events import TicketNews
from domain.incident import Assessment, Incident, Note, Stage
from domain.ticket import NewsKind

NOTES_KEPT = 20
_STAGES = {
    NewsKind.ACKNOWLEDGED: Stage.ACKNOWLEDGED,
    NewsKind.IN_PROGRESS: Stage.IN_PROGRESS,
    NewsKind.ON_HOLD: Stage.ON_HOLD,
}
_WORDS = {
    NewsKind.ASSIGNED: "assigned to ",
    NewsKind.PRIORITY: "priority set to ",
    NewsKind.MERGED: "merged into ",
}


def after_news(incident: Incident, news: TicketNews) -> Incident:
    """Take in what a person did. One who ends it though alerts fire knows better, until one fires anew."""
    match news.kind:
        case NewsKind.ACKNOWLEDGED | NewsKind.IN_PROGRESS | NewsKind.ON_HOLD if incident.is_open:
            return replace(incident, stage=_STAGES[news.kind])
        case NewsKind.RESOLVED if incident.is_open:
            return resolved(incident, news.at)
        case NewsKind.CLOSED:
            return closed(incident, news.at)
        case NewsKind.REOPENED:
            return taken_up_again(incident)
        case _:
            return _after_word(incident, news)


def _after_word(incident: Incident, news: TicketNews) -> Incident:
    """Take in what changes no state."""
    match news.kind:
        case NewsKind.ASSIGNED:
            return replace(incident, assignee=news.detail)
        case NewsKind.COMMENTED:
            return with_note(incident, told(news), news.destination)
        case _:
            return incident


def told(news: TicketNews) -> str:
    """Say in words what a person did.

    >>> told(TicketNews("a1", "jira", 0, NewsKind.PRIORITY, "alice", "P1"))
    'priority set to P1 by alice in jira'
    """
    who = f"by {news.actor} in {news.destination}" if news.actor else f"in {news.destination}"
    if news.kind is NewsKind.COMMENTED:
        return f"{news.detail} ({who})"
    return f"{_WORDS.get(news.kind, news.kind.value.replace('_', ' '))}{news.detail} {who}"


def with_note(incident: Incident, text: str, origin: str = "") -> Incident:
    """Have the people at its tickets told something, but not where it came from."""
    number = int(incident.notes[-1].id) + 1 if incident.notes else 1
    return replace(incident, notes=(*incident.notes, Note(str(number), text, origin))[-NOTES_KEPT:])


def with_priority_told(
    incident: Incident, known: Assessment | None, judged: Assessment, why: str
) -> Incident:
    """Tell of a change of priority; the first is in the ticket itself."""
    if known is None or known.priority is judged.priority:
        return incident
    return with_note(incident, f"Priority changed from {known.priority} to {judged.priority}: {why}")


def with_alerts_told(incident: Incident) -> Incident:
    """Tell of alerts that joined: each time there are twice as many, so that a large incident stays readable."""
    if incident.alerts < 2 * incident.noted_alerts:
        return incident
    text = f"{incident.alerts} alerts by now, the worst: {incident.lead.summary or incident.lead.name}"
    return replace(with_note(incident, text), noted_alerts=incident.alerts)
