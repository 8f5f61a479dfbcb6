"""The circuit breaker: after several failures in a row a tool is left alone for a while, then probed once. Pure.

Pattern: Michael Nygard, "Release It!", 2nd edition, chapter 5.
"""

from __future__ import annotations

from adapters.delivery.state import Breaker, BreakerState, Failure
from domain.errors import Reason
from domain.times import Millis

TRIPS_AT = 5
FIRST_REST: Millis = 5_000
LONGEST_REST: Millis = 60_000
_UNHEALTHY = {Reason.UNREACHABLE, Reason.TIMEOUT, Reason.SERVER_ERROR}


def state_at(breaker: Breaker, now: Millis) -> BreakerState:
    """Tell whether calls are let through: all, none, or one to see."""
    if breaker.failures < TRIPS_AT:
        return BreakerState.CLOSED
    return BreakerState.OPEN if now < breaker.until else BreakerState.HALF_OPEN


def calls_allowed(breaker: Breaker, most: int, now: Millis) -> int:
    """Say how many calls may be under way at once, at the most."""
    if now < breaker.until:
        return 0
    return min(most, 1) if state_at(breaker, now) is BreakerState.HALF_OPEN else most


def after_call(breaker: Breaker, failure: Failure | None, now: Millis) -> Breaker:
    """Judge the tool by how a call ended. Any answer but a server error shows that it is alive."""
    if failure is not None and failure.reason is Reason.RATE_LIMITED:
        return Breaker(0, max(breaker.until, now + failure.retry_after))
    if failure is None or failure.reason not in _UNHEALTHY:
        return Breaker(0, breaker.until if breaker.failures < TRIPS_AT else 0)
    if state_at(breaker, now) is BreakerState.OPEN:
        return breaker
    failures = breaker.failures + 1
    if failures < TRIPS_AT:
        return Breaker(failures, breaker.until)
    rest = min(LONGEST_REST, FIRST_REST << min(failures - TRIPS_AT, 10))
    return Breaker(failures, now + rest)
