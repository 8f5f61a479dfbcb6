"""What has to be done to make a ticket show what it should. Pure: this is all the policy there is.

Nothing is commanded. Desired and observed are compared whenever either changes, so updates that wait coalesce,
and a resolve that overtakes its create needs no special case.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

from msgspec.structs import replace

from adapters.delivery.state import Failure, Outcome, TicketRecord
from domain.incident import Note
from domain.priority import Priority
from domain.ticket import DesiredTicket, ObservedTicket, TicketAction, TicketLink, TicketState
from domain.times import Millis

FIRST_PAUSE: Millis = 1_000
LONGEST_PAUSE: Millis = 300_000
LONGEST_WAIT: Millis = 3_600_000
"""However long a tool asks us to wait."""
LINKS_KNOWN = 50
WATCHDOG: Millis = 600_000
"""A call whose end nobody told of for this long is taken for lost."""


_SMALL = {TicketAction.UPDATE, TicketAction.COMMENT, TicketAction.LINK}
"""Changes that leave the state of a ticket alone."""


class Standing(StrEnum):
    """How a ticket stands."""

    IN_SYNC = "in_sync"
    ACT = "act"
    WAIT = "wait"
    PARKED = "parked"


@dataclass(frozen=True, slots=True)
class Step:
    """How a ticket stands, and what follows."""

    standing: Standing
    action: TicketAction | None = None
    due: Millis = 0
    """When to look again, for one that waits."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a destination may be gone about with."""

    min_interval: Millis
    """Least time between two updates of one ticket."""
    search_lag: Millis
    """Time after a create until a search is sure to find it."""
    comments: bool = False
    """Whether the tool takes notes."""
    destination: str = ""
    """Notes from here are not told here."""
    state_is_theirs: bool = False
    """Whether people alone change the state of a ticket that is there."""
    links: bool = False
    """Whether the tool relates tickets, or takes notes that tell of it."""


def reconcile(record: TicketRecord, now: Millis, pace: Pace) -> Step:
    """Compare what a ticket should show with what it was last seen to show."""
    if record.parked:
        return Step(Standing.PARKED)
    if record.calling is not None:
        return Step(Standing.WAIT, due=record.calling + WATCHDOG)
    action = _difference(record, pace)
    if action is None:
        return Step(Standing.IN_SYNC)
    due = max(record.not_before, _earliest(record, action, pace))
    if due > now:
        return Step(Standing.WAIT, action, due)
    return Step(Standing.ACT, action)


def _difference(record: TicketRecord, pace: Pace) -> TicketAction | None:
    desired, observed = record.desired, record.observed
    if observed is None:
        return TicketAction.CREATE if record.intent is None else TicketAction.FIND
    if desired.state is not observed.state and not _is_left_to_people(record, pace):
        return _transition(observed.state, desired.state)
    if desired.version > observed.version:
        return TicketAction.UPDATE
    if unlinked(record, pace):
        return TicketAction.LINK
    return TicketAction.COMMENT if untold(record, pace) else None


def _is_left_to_people(record: TicketRecord, pace: Pace) -> bool:
    state = record.observed.state if record.observed else None
    return state is not None and (pace.state_is_theirs or record.desired.version <= record.yields)


def untold(record: TicketRecord, pace: Pace) -> tuple[Note, ...]:
    """List the notes that the people at this ticket have not got yet."""
    if not pace.comments:
        return ()
    return tuple(
        note
        for note in record.desired.notes
        if int(note.id) > record.noted and note.origin != pace.destination
    )


def unlinked(record: TicketRecord, pace: Pace) -> TicketLink | None:
    """Find the first ticket that this one is to be related to and was not yet."""
    if not pace.links:
        return None
    wanted = (link for link in record.desired.links if link.destination == pace.destination)
    return next((link for link in wanted if link.ref.id not in record.linked), None)


def _transition(shown: TicketState | None, wanted: TicketState) -> TicketAction:
    if wanted.is_over:
        return TicketAction.RESOLVE
    return TicketAction.REOPEN if shown is None or shown.is_over else TicketAction.TRANSITION


def _earliest(record: TicketRecord, action: TicketAction, pace: Pace) -> Millis:
    """Before a search can see a create it must not be asked; plain updates are not sent one by one."""
    if action is TicketAction.FIND and record.intent is not None:
        return record.intent + pace.search_lag
    if action in _SMALL and record.observed is not None:
        return record.observed.written_at + pace.min_interval
    return 0


def wished(record: TicketRecord | None, ticket: DesiredTicket, reply_to: str) -> TicketRecord | None:
    """Take in what the ticket should show from now on; None for old news.

    News gives a parked ticket another chance: what the tool refused may be right now.
    """
    if record is None:
        return TicketRecord(ticket, reply_to)
    if ticket.version <= record.desired.version:
        return None
    news = replace(record, desired=ticket, reply_to=reply_to)
    return unparked(news) if record.parked else news


def unparked(record: TicketRecord) -> TicketRecord:
    """Give a parked ticket another chance."""
    return replace(record, parked="", request="", doubt="", failures=0, not_before=0)


def begun(record: TicketRecord, action: TicketAction, now: Millis) -> TicketRecord:
    """Note that a call is about to be made: a create is remembered before it is tried."""
    intent = now if action is TicketAction.CREATE else record.intent
    return replace(record, calling=now, intent=intent)


def interrupted(record: TicketRecord, action: TicketAction | None = None) -> TicketRecord:
    """Note that nobody will hear how a call ended. A create's intent stays, so it is looked for first."""
    return replace(record, observed=_in_doubt(record, action), calling=None, not_before=0)


def ended(record: TicketRecord, outcome: Outcome) -> TicketRecord:
    """Note how a call ended."""
    if outcome.failure is not None:
        return _failed(record, outcome, outcome.failure)
    done = replace(record, calling=None, failures=0, error="", not_before=0, intent=None, doubt="")
    if outcome.call.action is TicketAction.COMMENT:
        return replace(done, observed=_noticed(record, outcome), noted=_last_note(outcome))
    if outcome.call.action is TicketAction.LINK:
        return replace(done, observed=_noticed(record, outcome), linked=_with_link(record, outcome))
    if outcome.ref is None and record.doubt:
        return replace(done, error=record.doubt, parked=record.doubt)
    noted = _last_note(outcome) if outcome.call.action is TicketAction.CREATE else record.noted
    return replace(done, observed=_observed(record, outcome), noted=noted)


def _last_note(outcome: Outcome) -> int:
    """A new ticket shows in its description what notes would tell."""
    return max((int(note.id) for note in outcome.call.ticket.notes), default=0)


def _with_link(record: TicketRecord, outcome: Outcome) -> tuple[str, ...]:
    link = outcome.call.link
    return record.linked if link is None else (*record.linked, link.ref.id)[-LINKS_KNOWN:]


def _noticed(record: TicketRecord, outcome: Outcome) -> ObservedTicket | None:
    return record.observed and replace(record.observed, written_at=outcome.at)


def _observed(record: TicketRecord, outcome: Outcome) -> ObservedTicket | None:
    """Of a ticket that was found nothing is known but that it is there, as a create makes it."""
    if outcome.ref is None:
        return record.observed
    action = outcome.call.action
    version = 0 if action is TicketAction.FIND else outcome.call.ticket.version
    return ObservedTicket(outcome.ref, version, _state_after(outcome, record), outcome.at)


def _state_after(outcome: Outcome, record: TicketRecord) -> TicketState | None:
    action = outcome.call.action
    if action in {TicketAction.RESOLVE, TicketAction.TRANSITION}:
        return outcome.call.ticket.state
    if action is TicketAction.UPDATE and record.observed is not None:
        return record.observed.state
    return TicketState.OPEN


def _failed(record: TicketRecord, outcome: Outcome, failure: Failure) -> TicketRecord:
    action, failures = outcome.call.action, record.failures + 1
    error = f"{failure.reason.value}: {failure.message}"
    pause = max(min(failure.retry_after, LONGEST_WAIT), pause_after(record.desired.key, failures))
    failed = replace(
        record,
        calling=None,
        failures=failures,
        error=error,
        not_before=outcome.at + pause,
        request=failure.request if failure.permanent else "",
    )
    if action is TicketAction.COMMENT and (failure.permanent or failure.unknown):
        return replace(failed, failures=0, not_before=0, noted=_last_note(outcome))  # rather lost than twice
    if action is TicketAction.LINK and failure.permanent:  # the ticket itself is all right
        return replace(failed, failures=0, not_before=0, linked=_with_link(record, outcome))
    if action is TicketAction.FIND:
        return replace(failed, parked=error if failure.permanent else "")
    if failure.unknown:
        doubt = error if failure.permanent and record.intent is not None else ""
        return replace(failed, observed=_in_doubt(record, action), doubt=doubt)
    return replace(failed, intent=None, parked=error if failure.permanent else "")


def _in_doubt(record: TicketRecord, action: TicketAction | None) -> ObservedTicket | None:
    """What is known of a ticket once it is unknown whether *action* was done; None stands for any action."""
    if record.observed is None or action in _SMALL:
        return record.observed
    return replace(record.observed, state=None)


def pause_after(key: str, failures: int) -> Millis:
    """Wait longer after each failure, and not all at the same moment.

    The jitter comes from the key, so the same history waits the same time.

    >>> 500 <= pause_after("a", 1) <= 1500, 150_000 <= pause_after("a", 50) <= 450_000
    (True, True)
    """
    longest = min(LONGEST_PAUSE, FIRST_PAUSE << min(failures - 1, 20))
    noise = blake2b(f"{key}:{failures}".encode(), digest_size=2).digest()
    return longest // 2 + longest * int.from_bytes(noise, "big") // 65_536


def readiness(priority: Priority, action: TicketAction, now: Millis) -> Millis:
    """Say when a ticket that can be acted on at once is "due": in 1970, so before all that wait, P1 first.

    Timers come in the order they are due; so the store itself is the queue, and none has to be held in memory.
    Creates go before other changes of the same priority, and within these the oldest goes first.
    """
    rank = int(priority.value[1:]) * 2 + (action not in {TicketAction.CREATE, TicketAction.FIND})
    return rank * 10_000_000_000 + now // 1_000
