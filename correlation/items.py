"""What the correlation shard decides on, one by one: an alert of a delivery, unopened as long as can be. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from correlation.enrichment import EnrichRule, enriched
from correlation.grouping import Group, group_of
from correlation.identity import identify, identify_unopened
from correlation.rules import CorrelationRules
from correlation.state import alert_record, seen_record
from domain.alert import Alert, AlertHead, AlertRecord
from domain.events import AlertsReceived, AlertsSealed, read_alert, read_head
from domain.times import Millis


class AlertItem:
    """One alert of one delivery, and the names it is looked up by."""

    __slots__ = ("_alert", "_enrich", "_group", "at", "head", "key", "ready", "record", "repeats", "seen")

    def __init__(
        self,
        at: Millis,
        key: str,
        head: Alert | AlertHead,
        alert: Alert | msgspec.Raw,
        enrich: Sequence[EnrichRule] = (),
    ) -> None:
        self.at = at
        self.key = key
        self.head = head
        """What tells whether it is a repeat."""
        self.record = alert_record(key)
        self.seen = seen_record(key)
        self.ready = False
        """Whether all was asked for that deciding on it needs."""
        self.repeats: AlertRecord | None = None
        """What it was found to repeat; while that is what is known, there is no need to compare again."""
        self._alert = alert
        self._enrich = enrich
        """What is still to be added to it."""
        self._group: Group | None = None

    @property
    def alert(self) -> Alert:
        """All of it, opened and enriched on first need: repeats never need it.

        Raises:
            msgspec.DecodeError: it cannot be read.
        """
        if isinstance(self._alert, msgspec.Raw):
            self._alert = read_alert(self._alert)
        if self._enrich:
            self._alert = enriched(self._alert, self._enrich)
            self._enrich = ()
        return self._alert

    def group(self, rules: CorrelationRules) -> Group:
        """Where it belongs, found on first need; raises as ``alert``."""
        if self._group is None:
            self._group = group_of(self.alert, self.key, rules)
        return self._group

    def __repr__(self) -> str:
        written = self._alert
        return f"{bytes(written) if isinstance(written, msgspec.Raw) else written!r} at {self.at}"


def items_of(event: AlertsReceived | AlertsSealed, rules: CorrelationRules) -> Iterator[AlertItem]:
    """Split a delivery.

    Raises:
        msgspec.DecodeError: it cannot be read.
    """
    at = event.received_at
    if isinstance(event, AlertsReceived):
        for alert in event.alerts:
            yield AlertItem(at, identify(alert, rules), alert, alert, rules.enrich)
        return
    for sealed in event.alerts:
        head = read_head(sealed)
        key = identify_unopened(head, rules)
        yield AlertItem(at, key, head, sealed, rules.enrich) if key else _opened(at, sealed, rules)


def _opened(at: Millis, sealed: msgspec.Raw, rules: CorrelationRules) -> AlertItem:
    alert = read_alert(sealed)
    return AlertItem(at, identify(alert, rules), alert, alert, rules.enrich)
