"""The loss accounting: every accepted alert has had exactly one outcome, or is still in flight. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

OUTCOME = "outcome."
HANDLED = "handled."


@dataclass(frozen=True, slots=True)
class Account:
    """Where all alerts are: ``accepted == in_flight + sum(outcomes.values())``."""

    accepted: int
    in_flight: int
    outcomes: Mapping[str, int]


def account(counters: Iterable[Mapping[str, int]], reported: Mapping[str, int]) -> Account:
    """Add up the *counters* of all partitions, against what each producer had confirmed in all.

    A producer's total may be behind what was handled of it: it reports a little later, and not at all once it
    was killed. So the larger of the two counts. One commit counts an alert as handled and as an outcome, so
    those are equal within the counters of any one shard, whenever they are read, and ``in_flight`` is what
    was confirmed and not handled. It is on purpose not held at 0: less would tell of one counted twice.

    >>> account([{"handled.a": 3, "outcome.joined": 3}], {"a": 5, "b": 1})
    Account(accepted=6, in_flight=3, outcomes={'joined': 3})
    """
    totals: Counter[str] = Counter()
    for each in counters:
        totals.update(each)
    handled = _below(HANDLED, totals)
    outcomes = _below(OUTCOME, totals)
    producers = handled.keys() | reported.keys()
    accepted = sum(max(handled.get(name, 0), reported.get(name, 0)) for name in producers)
    return Account(accepted, accepted - sum(outcomes.values()), outcomes)


def largest(*totals: Mapping[str, int]) -> dict[str, int]:
    """Join what is known of producers: a total only grows, so the largest is the newest.

    >>> largest({"a": 5, "b": 1}, {"a": 4, "c": 2})
    {'a': 5, 'b': 1, 'c': 2}
    """
    joined: Counter[str] = Counter()
    for each in totals:
        joined |= Counter(each)
    return dict(joined)


def _below(prefix: str, totals: Mapping[str, int]) -> dict[str, int]:
    return {name.removeprefix(prefix): count for name, count in totals.items() if name.startswith(prefix)}
