"""Signs of life of a source that something is expected of: its silence is an alert like that of any heartbeat.

Whatever a source posts and is understood is one. They travel with its alerts, a few in each interval, so a storm of
alerts costs no storm of heartbeats.
"""

from __future__ import annotations

from collections.abc import Mapping

from domain.alert import NEVER, Alert, AlertState, Severity
from domain.times import Millis

IDENTITY = "tocsin/source"
"""Fingerprint of a source's own heartbeat."""
BEATS = 4
"""Signs of life in the time that one is expected in."""


class Pulse:
    """Of one source, in this process."""

    def __init__(self, source: str, expect_every: Millis, labels: Mapping[str, str]) -> None:
        """Have something expected of *source*; its heartbeat has *labels*, so that rules can tell it."""
        self._source = source
        self._labels = dict(labels)
        self._pause = expect_every // BEATS
        self._beaten_at: Millis | None = None

    def expected(self) -> Alert:
        """Say that something is expected from now on. Where that is known, or was heard, it changes nothing."""
        return self._alert(NEVER)

    def beat(self, now: Millis) -> Alert | None:
        """Give a sign of life, unless there was one just before."""
        if self._beaten_at is not None and 0 <= now - self._beaten_at < self._pause:
            return None
        self._beaten_at = now
        return self._alert(now)

    def missed(self) -> None:
        """Take the last one back: it did not get through."""
        self._beaten_at = None

    def _alert(self, at: Millis) -> Alert:
        return Alert(
            source=self._source,
            fingerprint=IDENTITY,
            state=AlertState.HEARTBEAT,
            severity=Severity.INFO,
            name=f"source {self._source}",
            summary=f"something is heard of source {self._source}",
            labels=self._labels,
            annotations={},
            starts_at=at,
            service=self._labels.get("service", ""),
        )
