"""What people did in a tool, found by comparing how a ticket stands with what was known of it. Pure.

Tools tell states, late, twice and in the wrong order, and tell our own writes too. A state that is as we wrote
it, or as it was seen before, is no news; so nothing that we do comes back as if a person had done it, and two
destinations that both mirror an incident cannot chase each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec.structs import replace

from adapters.delivery.state import TicketRecord, in_words
from domain.incident import TicketRef
from domain.priority import Priority
from domain.ticket import Comment, NewsKind, TicketSeen, TicketState
from domain.times import Millis

SKEW: Millis = 5_000
"""What is this much older than our last write was seen before it."""
COMMENTS_KNOWN = 50
SHORTEST_LIMIT = 100
"""No tool cuts a title to less."""

_PROGRESS = {TicketState.OPEN: 0, TicketState.ACKNOWLEDGED: 1, TicketState.IN_PROGRESS: 2}
_KINDS = {
    TicketState.OPEN: NewsKind.IN_PROGRESS,
    TicketState.ACKNOWLEDGED: NewsKind.ACKNOWLEDGED,
    TicketState.IN_PROGRESS: NewsKind.IN_PROGRESS,
    TicketState.ON_HOLD: NewsKind.ON_HOLD,
    TicketState.RESOLVED: NewsKind.RESOLVED,
    TicketState.CLOSED: NewsKind.CLOSED,
}
_IMPLIED = {
    NewsKind.ACKNOWLEDGED: TicketState.ACKNOWLEDGED,
    NewsKind.IN_PROGRESS: TicketState.IN_PROGRESS,
    NewsKind.REOPENED: TicketState.IN_PROGRESS,
    NewsKind.ON_HOLD: TicketState.ON_HOLD,
    NewsKind.RESOLVED: TicketState.RESOLVED,
    NewsKind.CLOSED: TicketState.CLOSED,
}
"""What the incident will want of its tickets after such news. The one it comes from is taken to show it already."""


class Owner(StrEnum):
    """Whose word counts where Tocsin and a person in the tool differ."""

    TOCSIN = "tocsin"
    TOOL = "tool"
    LATEST = "latest"


@dataclass(frozen=True, slots=True)
class Owners:
    """Who owns which part of a ticket."""

    state: Owner = Owner.LATEST
    priority: Owner = Owner.TOCSIN
    reads_as: Mapping[Priority, Priority] = field(default_factory=dict)
    """What a priority that we wrote reads as, where the tool has fewer."""


DEFAULT_OWNERS = Owners()


@dataclass(frozen=True, slots=True)
class News:
    """One thing that a person did."""

    kind: NewsKind
    detail: str = ""
    actor: str = ""


def differences(record: TicketRecord, seen: TicketSeen, owners: Owners) -> list[str]:
    """Name the parts of a ticket that are not as they should be."""
    if record.observed is None:
        return []
    if seen.is_deleted:
        return ["deleted"]
    found = []
    if seen.merged_into and seen.merged_into != record.observed.ref.id:
        found.append("merged")
    if seen.state is not None and seen.state.is_over is not record.desired.state.is_over:
        found.append("state")
    if seen.title is not None and not _is_same_title(record.desired.title, seen.title):
        found.append("title")
    if seen.priority not in (None, owners.reads_as.get(wanted := shown_priority(record), wanted)):
        found.append("priority")
    return found


def set_right(record: TicketRecord, seen: TicketSeen, owners: Owners) -> TicketRecord:
    """Have a ticket written anew where it differs in what Tocsin owns."""
    wrong = set(differences(record, seen, owners)) & {"title", "priority"}
    return _written_anew(record) if wrong else record


def shown_priority(record: TicketRecord) -> Priority:
    """The priority that the ticket should show: a person's, where one was set and stays."""
    return record.pinned or record.desired.priority


def _is_same_title(wanted: str, shown: str) -> bool:
    """Tools keep titles on one line, and cut long ones; we mark where we cut."""
    ours, theirs = " ".join(wanted.split()), " ".join(shown.split())
    is_cut = len(theirs) >= SHORTEST_LIMIT or theirs.endswith("…")
    return theirs == ours or (is_cut and ours.startswith(theirs.removesuffix("…").rstrip()))


def hear(record: TicketRecord, seen: TicketSeen, owners: Owners) -> tuple[TicketRecord, list[News]]:
    """Take in how a ticket stands; return what is known from now on, and what people did."""
    if record.observed is None or seen.at < record.seen_at or seen.at + SKEW < record.observed.written_at:
        return record, []
    if seen.is_deleted:
        return _deleted(record, seen)
    known = replace(record, seen_at=seen.at)
    news: list[News] = []
    for part in (_state, _priority, _assignee, _comments, _merged):
        known, found = part(known, seen, owners)
        news += found
    return known, news


def _deleted(record: TicketRecord, seen: TicketSeen) -> tuple[TicketRecord, list[News]]:
    """A ticket that people deleted is not made again; a retry of the parked one makes another."""
    if record.parked:
        return record, []
    text = f"deleted in the tool by {seen.actor or 'somebody'}"
    gone = replace(record, observed=None, intent=None, seen_at=seen.at, parked=text, error=text)
    return gone, [News(NewsKind.DELETED, actor=seen.actor)]


def _state(record: TicketRecord, seen: TicketSeen, owners: Owners) -> tuple[TicketRecord, list[News]]:
    if seen.state is None or record.observed is None or _may_be_ours(record, seen.state):
        return record, []
    kind = changed(record.observed.state, record.seen_state, seen.state)
    known = replace(record, seen_state=seen.state)
    if kind is None:
        return known, []
    if owners.state is Owner.TOCSIN:  # the next look at the record sets it right again
        return replace(known, observed=replace(record.observed, state=seen.state)), []
    observed = replace(record.observed, state=_implied(kind, record.observed.state))
    return replace(known, observed=observed, yields=record.desired.version), [News(kind, actor=seen.actor)]


def _implied(kind: NewsKind, written: TicketState | None) -> TicketState:
    """What was closed stays so, though people set its ticket back to resolved."""
    is_kept = kind is NewsKind.RESOLVED and written is TicketState.CLOSED
    return TicketState.CLOSED if is_kept else _IMPLIED[kind]


def _may_be_ours(record: TicketRecord, state: TicketState) -> bool:
    """Tell whether a write that is under way may have made the state; it is heard again once that has ended."""
    return record.calling is not None and state.is_over is record.desired.state.is_over


def changed(written: TicketState | None, before: TicketState | None, now: TicketState) -> NewsKind | None:
    """Say what a person did that makes the state *now*; None for nothing that counts.

    Tools have fewer states than we do: one that shows less progress than we wrote tells nothing, and a hold has
    ended only where one was seen.

    >>> changed(TicketState.ACKNOWLEDGED, None, TicketState.OPEN) is None
    True
    >>> changed(TicketState.OPEN, None, TicketState.RESOLVED)
    <NewsKind.RESOLVED: 'resolved'>
    """
    if now in (written, before) or written is None:
        return None
    if now.is_over:
        return _KINDS[now]
    if written.is_over:
        return NewsKind.REOPENED
    resumed = before is TicketState.ON_HOLD
    if now is TicketState.ON_HOLD or resumed or _PROGRESS[now] > _PROGRESS.get(written, len(_PROGRESS)):
        return _KINDS[now]
    return None


def _priority(record: TicketRecord, seen: TicketSeen, owners: Owners) -> tuple[TicketRecord, list[News]]:
    shown = shown_priority(record)
    shown = owners.reads_as.get(shown, shown)
    behind = record.observed is None or record.observed.version < record.desired.version
    if seen.priority is None or seen.priority is shown or behind:
        return record, []
    news = [News(NewsKind.PRIORITY, seen.priority.value, seen.actor)]
    if owners.priority is Owner.TOCSIN:
        return _written_anew(record), news
    return replace(record, pinned=seen.priority), news


def _written_anew(record: TicketRecord) -> TicketRecord:
    """Have the ticket written once more."""
    observed = record.observed and replace(record.observed, version=0)
    return replace(record, observed=observed)


def _assignee(record: TicketRecord, seen: TicketSeen, _: Owners) -> tuple[TicketRecord, list[News]]:
    if seen.assignee is None or seen.assignee == record.assignee:
        return record, []
    news = [News(NewsKind.ASSIGNED, seen.assignee, seen.actor)] if seen.assignee else []
    return replace(record, assignee=seen.assignee), news


def _comments(record: TicketRecord, seen: TicketSeen, _: Owners) -> tuple[TicketRecord, list[News]]:
    fresh = list(_fresh(record, seen.comments))
    if not fresh:
        return record, []
    heard = (*record.heard, *(comment.id for comment in fresh))[-COMMENTS_KNOWN:]
    return replace(record, heard=heard), [
        News(NewsKind.COMMENTED, one.text, one.author or seen.actor) for one in fresh
    ]


def _fresh(record: TicketRecord, comments: tuple[Comment, ...]) -> Iterator[Comment]:
    """Those that were not taken in yet, and that are not our own notes come back."""
    ours = [note.text for note in record.desired.notes] + list(map(in_words, record.desired.links))
    for comment in comments:
        if comment.id not in record.heard and not any(text in comment.text for text in ours):
            yield comment


def _merged(record: TicketRecord, seen: TicketSeen, _: Owners) -> tuple[TicketRecord, list[News]]:
    """What was merged lives on in the other."""
    if not seen.merged_into or record.observed is None or record.observed.ref.id == seen.merged_into:
        return record, []
    moved = replace(record.observed, ref=TicketRef(seen.merged_into), version=0)
    return replace(record, observed=moved), [News(NewsKind.MERGED, seen.merged_into, seen.actor)]
