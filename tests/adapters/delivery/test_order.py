"""What is done first, and how long is waited."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from adapters.delivery.breaker import LONGEST_REST, TRIPS_AT, after_call, state_at
from adapters.delivery.handler import DeliveryHandler
from adapters.delivery.reconcile import LONGEST_PAUSE, pause_after, readiness
from adapters.delivery.state import Breaker, BreakerState, Call, Failure
from domain.errors import Reason
from domain.events import TicketsDesired
from domain.priority import Priority
from domain.ticket import TicketAction
from tests.adapters.delivery.test_faults import PACE, desired
from tests.builders import DAY, NOON
from tests.core import Core

DOWN = Failure("refused", Reason.UNREACHABLE, permanent=False, unknown=False)


def test_urgent_first() -> None:
    """Whatever came first, tickets are begun by priority."""
    core = Core(DeliveryHandler("noc", PACE, 30 * DAY))
    tickets = [replace(desired(p.value, 1), priority=p) for p in reversed(Priority)]
    core.tell(TicketsDesired(NOON, tickets, "alerts.0"))

    core.pass_time(NOON)

    begun = [call.ticket.priority for call in core.actions if isinstance(call, Call)]
    assert begun == list(Priority)


@given(
    st.sampled_from(Priority),
    st.sampled_from(Priority),
    st.sampled_from(TicketAction),
    st.integers(0, 86_400),
)
def test_readiness(ours: Priority, theirs: Priority, action: TicketAction, later: int) -> None:
    """A higher priority is always ready before a lower one, and before anything that waits."""
    early, late = readiness(ours, action, NOON + later * 1000), readiness(theirs, action, NOON)
    if ours.is_above(theirs):
        assert early < late
    assert max(early, late) < NOON


@given(st.text(max_size=20), st.integers(1, 1_000))
def test_pause(key: str, failures: int) -> None:
    """Pauses grow to a bound, and are the same for the same history."""
    pause = pause_after(key, failures)

    assert 500 <= pause <= 1.5 * LONGEST_PAUSE
    assert pause == pause_after(key, failures)


def test_breaker_opens_and_rests_longer() -> None:
    """After five failures in a row it rests; each failed probe makes the rest longer, to a bound."""
    breaker, now, rests = Breaker(), NOON, []
    for _ in range(TRIPS_AT + 10):
        breaker = after_call(breaker, DOWN, now)
        if state_at(breaker, now) is BreakerState.OPEN:
            rests.append(breaker.until - now)
            now = breaker.until
            assert state_at(breaker, now) is BreakerState.HALF_OPEN

    assert rests == sorted(rests)
    assert rests[-1] == LONGEST_REST


def test_breaker_closes() -> None:
    """One answer closes it, even one that refuses what was asked."""
    tripped = Breaker(TRIPS_AT, NOON)
    refusal = Failure("no", Reason.REJECTED, permanent=True, unknown=False)

    assert after_call(tripped, None, NOON) == Breaker()
    assert after_call(tripped, refusal, NOON) == Breaker()


def test_stragglers_do_not_prolong_the_rest() -> None:
    """Calls that were under way when it opened may fail without making the rest longer."""
    opened = Breaker(TRIPS_AT, NOON + 5_000)

    assert after_call(opened, DOWN, NOON + 1_000) == opened


def test_rate_limit_pauses_all() -> None:
    """A tool that limits us is left alone for as long as it asks, by every ticket."""
    limited = Failure("slow down", Reason.RATE_LIMITED, permanent=False, unknown=False, retry_after=30_000)

    assert after_call(Breaker(), limited, NOON) == Breaker(0, NOON + 30_000)


def test_new_owner_heeds_the_breaker() -> None:
    """Who takes over is told at once that the tool is to be left alone."""
    core = Core(DeliveryHandler("noc", PACE, 30 * DAY))
    opened = Breaker(TRIPS_AT, NOON + 5_000)
    core.records["breaker:"] = opened

    core.decide(core.handler.resume([], NOON), NOON)

    assert core.actions == [opened]
