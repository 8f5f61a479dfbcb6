"""Replays the same traffic under two configurations, side by side, and notes which incidents share alerts."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence

import msgspec
from msgspec.structs import replace

from app.backtest.side import Side, Touch
from app.backtest.traffic import Recorded
from app.shard.deciding import Letter
from config.settings import Settings
from correlation.identity import identify
from domain.alert import Alert
from domain.events import AlertsReceived, AlertsSealed, Delivered, OperatorAsked, TicketNews, read_alert
from domain.times import Millis

ITEMS_AT_ONCE = 2_000
"""Alerts decided on by one side before the other catches up: bounds memory, and what a pair may miss."""


class Backtest:
    """Two sides of the same traffic. Deterministic: neither reads a clock."""

    def __init__(self, before: Settings | None, after: Settings) -> None:
        """Without *before* there is one side, which is both."""
        self.after = Side(after)
        self.before = Side(before) if before else self.after
        self.pairs: Counter[tuple[str, str]] = Counter()
        """(incident before, incident after) → how often an alert touched both."""
        self.alerts = 0
        self.began: Millis | None = None
        self.ended: Millis = 0
        self.strangers = 0
        """Acts of people on incidents that are not known here: they opened before the recording begins."""
        self._alike = before is None or _read_alike(before, after)
        self._waiting: dict[Side, dict[int, list[Letter]]] = {self.after: {}, self.before: {}}
        self._held = 0
        self._keys: dict[str, str] = {}
        """Keys of alerts before → after, where they may differ."""

    def take(self, recorded: Recorded) -> None:
        """Take in what was recorded next."""
        self.began = recorded.at if self.began is None else self.began
        self.ended = max(self.ended, recorded.at)
        ours = self.before.read(recorded)
        theirs = ours if self._alike else self.after.read(recorded)
        if not self._alike:
            self._match_keys(ours, theirs)
        self._hold(self.after, recorded.at, theirs)
        if self.before is not self.after:
            self._hold(self.before, recorded.at, ours)
        self.alerts += sum(map(_alerts_in, theirs))
        for event in ours:
            if isinstance(event, TicketNews | OperatorAsked):
                self.flush()
                self._hear(event)
        if self._held >= ITEMS_AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Decide on all that was taken in."""
        after = self._decided(self.after)
        before = self._decided(self.before)
        self._pair(before, after)
        self._keys.clear()
        self._held = 0

    def _pair(self, before: list[Touch], after: list[Touch]) -> None:
        """Pair incidents that the same alert touched at the same moment; else with the one that it is in by now."""
        theirs: dict[tuple[Millis, str], deque[str]] = {}
        for at, key, incident in after:
            theirs.setdefault((at, key), deque()).append(incident)
        for at, old, incident in before:
            key = self._keys.get(old, old)
            same = theirs.get((at, key))
            if partner := same.popleft() if same else self.after.incident_of(key):
                self.pairs[incident, partner] += 1
        back = {new: old for old, new in self._keys.items()}
        for (_, key), left in theirs.items():
            for incident in left:
                if partner := self.before.incident_of(back.get(key, key)):
                    self.pairs[partner, incident] += 1

    def _hold(self, side: Side, at: Millis, events: Sequence[Delivered]) -> None:
        for partition, letter in side.letters(at, events):
            self._waiting[side].setdefault(partition, []).append(letter)
            self._held += len(letter.items)

    def _decided(self, side: Side) -> list[Touch]:
        waiting, self._waiting[side] = self._waiting[side], {}
        for partition, letters in waiting.items():
            side.decide(partition, letters)
        return side.touched()

    def _match_keys(self, ours: Sequence[Delivered], theirs: Sequence[Delivered]) -> None:
        before, after = self.before.settings.correlation, self.after.settings.correlation
        for one, other in zip(_alerts_of(ours), _alerts_of(theirs), strict=False):
            self._keys[identify(one, before)] = identify(other, after)

    def _hear(self, event: TicketNews | OperatorAsked) -> None:
        """Tell each side of what a person did: the other one of its incident that has the same leading alert."""
        incident = event.incident if isinstance(event, TicketNews) else getattr(event.action, "incident", "")
        if not incident:  # it is about all of them, as a silence is
            self.before.hear_all(event)
            if self.after is not self.before:
                self.after.hear_all(event)
            return
        if self.before.incident(incident) is None:
            self.strangers += 1
            return
        self.before.hear(event, incident)
        if self.before is self.after:
            return
        if partner := self._partner(incident):
            self.after.hear(self._translated(event), partner)

    def _partner(self, incident: str) -> str:
        known = self.before.incident(incident)
        return self.after.incident_of(known.lead.key) if known else ""

    def _translated(self, event: TicketNews | OperatorAsked) -> TicketNews | OperatorAsked:
        if isinstance(event, TicketNews):
            return replace(event, incident=self._partner(event.incident))
        named = {
            key: value
            for key, value in msgspec.structs.asdict(event.action).items()
            if isinstance(value, str)
        }
        partners = {key: partner for key, value in named.items() if (partner := self._partner(value))}
        return replace(event, action=replace(event.action, **partners))


def _read_alike(before: Settings, after: Settings) -> bool:
    """Tell whether both read requests to the same alerts, and give these the same keys."""
    return before.sources == after.sources and before.correlation.identity == after.correlation.identity


def _alerts_in(event: Delivered) -> int:
    return len(event.alerts) if isinstance(event, AlertsReceived | AlertsSealed) else 0


def _alerts_of(events: Sequence[Delivered]) -> Iterator[Alert]:
    for event in events:
        if isinstance(event, AlertsReceived | AlertsSealed):
            for alert in event.alerts:
                yield alert if isinstance(alert, Alert) else read_alert(alert)
