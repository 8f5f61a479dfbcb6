"""Whether the labels that a source's identities are made of are fit for it. Pure, and bounded in memory.

A label that is often missing makes one alert of many; one with a new value in each alert makes many of one, and no
resolve ever finds its firing. Both are seen soon, by counting.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b

from domain.alert import Alert, AlertState

ENOUGH = 100
"""Alerts after which a share means something."""
NEW_AT_MOST = 0.9
"""Share of alerts with a value never seen before: an identity is heard of at its end, too, so half is usual."""


@dataclass(slots=True)
class LabelCount:
    """What was seen of one label."""

    missing: int = 0
    values: set[bytes] = field(default_factory=set, repr=False)
    """Digests of its values: those seen first, up to the most that are kept."""


class IdentityLint:
    """Counts for one source, since it was configured in this process."""

    def __init__(self, labels: Iterable[str], missing: float = 5.0, most: int = 10_000) -> None:
        """Warn of labels that lack in more than *missing* percent, or have *most* values."""
        self.alerts = 0
        self.labels = {name: LabelCount() for name in labels}
        self._missing = missing / 100
        self._most = most
        self._told: set[tuple[str, str]] = set()

    def see(self, alerts: Iterable[Alert]) -> None:
        """Count alerts."""
        for alert in alerts:
            if alert.state in {AlertState.HEARTBEAT, AlertState.TEST}:
                continue
            self.alerts += 1
            for name, count in self.labels.items():
                self._count(count, alert.labels.get(name, ""))

    def news(self) -> list[str]:
        """Say what is wrong and was not said before; nothing before there are enough alerts."""
        if self.alerts < ENOUGH:
            return []
        found = [each for each in self._wrong() if each[:2] not in self._told]
        self._told.update((label, kind) for label, kind, _ in found)
        return [says for _, _, says in found]

    def faults(self) -> list[str]:
        """Say all that is wrong, however few alerts there were."""
        return [says for _, _, says in self._wrong()]

    def _count(self, count: LabelCount, value: str) -> None:
        if not value:
            count.missing += 1
        elif len(count.values) < self._most:
            count.values.add(blake2b(value.encode("utf-8", "surrogatepass"), digest_size=8).digest())

    def _wrong(self) -> Iterator[tuple[str, str, str]]:
        for name, count in self.labels.items():
            if self.alerts and count.missing / self.alerts > self._missing:
                yield name, "missing", f"{name} is missing in {count.missing} of {self.alerts} alerts"
            values = len(count.values)
            if values >= self._most or (self.alerts >= ENOUGH and values / self.alerts > NEW_AT_MOST):
                many = f"{values} values or more" if values >= self._most else f"{values} values"
                yield name, "values", f"{name} has {many} in {self.alerts} alerts: hardly two say the same"
