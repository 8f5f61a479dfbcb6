"""A tool's words for the states of a ticket, which state an action asks for, and what fails after a create."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TypeVar

from domain.errors import DeliveryError
from domain.ticket import TicketAction, TicketState

W = TypeVar("W", str, int)

# Where one word stands for several states, the first of these is read.
_READ = (
    TicketState.OPEN,
    TicketState.IN_PROGRESS,
    TicketState.ACKNOWLEDGED,
    TicketState.ON_HOLD,
    TicketState.RESOLVED,
    TicketState.CLOSED,
)


def state_of(word: W, words: Mapping[TicketState, W]) -> TicketState | None:
    """Return the state that *word* stands for; None for a word that the table does not know.

    >>> state_of("Stalled", {TicketState.OPEN: "Open", TicketState.ON_HOLD: "stalled"})
    <TicketState.ON_HOLD: 'on_hold'>
    """
    return next((state for state in _READ if state in words and _same(words[state], word)), None)


def wanted_state(action: TicketAction, state: TicketState, now: TicketState | None) -> TicketState | None:
    """Return the state to set by *action* on a ticket that should be in *state* and is in *now*; None to leave it.

    States are people's too: a ticket that is over needs no resolving, and one that is not needs no reopening.
    *now* is None where people use a word that we do not know.

    >>> wanted_state(TicketAction.RESOLVE, TicketState.RESOLVED, TicketState.CLOSED) is None
    True
    """
    is_over = now is not None and now.is_over
    if action is TicketAction.RESOLVE:
        closes = state is TicketState.CLOSED and now is TicketState.RESOLVED
        return None if is_over and not closes else state if state.is_over else TicketState.RESOLVED
    if action is TicketAction.REOPEN:
        return None if not is_over else TicketState.OPEN if state.is_over else state
    if action is TicketAction.TRANSITION:
        return None if now is state else state
    return None


@contextmanager
def once_created() -> Iterator[None]:
    """Let what goes wrong after a create tell that the ticket is there: a search will find it by our key."""
    try:
        yield
    except DeliveryError as error:
        error.unknown = True
        raise


def _same(one: str | int, other: str | int) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return one.casefold() == other.casefold()
    return one == other
