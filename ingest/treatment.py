"""What a source's settings do to alerts that a parser found, and what is cut off them. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from domain.alert import Alert, AlertState, Severity

CUT = "…"
"""Ends a text that was cut."""
NOTE = "tocsin_cut"
"""Annotation that tells of labels left out."""
KEPT_FIRST = ("alertname", "severity", "service", "resource", "instance", "host", "environment")


@dataclass(frozen=True, slots=True, kw_only=True)
class Treatment:
    """How alerts of one source are treated."""

    severities: Mapping[str, Severity] = field(default_factory=dict)
    """The tool's own word, in lower case, or ours → what it is here."""
    defaults: Mapping[str, str] = field(default_factory=dict)
    """Labels for alerts that do not have them."""
    max_labels: int = 128
    max_label: int = 4_096
    """Characters of a label's value."""
    max_text: int = 65_536
    """Characters of any other text."""

    def apply(self, alerts: Sequence[Alert], size: int, noticed: Counter[str]) -> list[Alert]:
        """Treat what a body of *size* bytes held. Tests are dropped; what is done is counted."""
        if not (size > self.max_text or self.severities or self.defaults):  # then only labels can be too long
            test, most, longest = AlertState.TEST, self.max_labels, self.max_label
            plain = [
                alert
                for alert in alerts
                if alert.state is not test
                and len(labels := alert.labels) <= most
                and len("".join(labels)) <= longest  # short together, so each is
                and len("".join(labels.values())) <= longest
            ]
            if len(plain) == len(alerts):
                return plain
        return list(self._treated(alerts, size, noticed))

    def _treated(self, alerts: Sequence[Alert], size: int, noticed: Counter[str]) -> Iterator[Alert]:
        for alert in alerts:
            if alert.state is AlertState.TEST:
                noticed["test"] += 1
                continue
            if self.severities or self.defaults:
                alert = self._adjusted(alert)  # noqa: PLW2901 - the same alert, as it is from here on
            if len(alert.labels) > self.max_labels or self._is_too_long(alert, size):
                noticed["cut"] += 1
                alert = self._cut(alert)  # noqa: PLW2901
            yield alert

    def _adjusted(self, alert: Alert) -> Alert:
        word = alert.labels.get("severity", "").strip().lower()
        severity = self.severities.get(word) or self.severities.get(alert.severity, alert.severity)
        labels = {**self.defaults, **alert.labels}
        service = alert.service or self.defaults.get("service", "")
        return replace(alert, severity=severity, labels=labels, service=service)

    def _is_too_long(self, alert: Alert, size: int) -> bool:
        """Tell whether a text of an alert in a body of *size* is; none is longer than the body."""
        labels, most = alert.labels, self.max_label
        if size <= most:
            return False
        if labels and (max(map(len, labels)) > most or max(map(len, labels.values())) > most):
            return True
        if size <= self.max_text:
            return False
        texts = (alert.name, alert.summary, alert.description, *alert.annotations.values())
        return max(map(len, texts)) > self.max_text

    def _cut(self, alert: Alert) -> Alert:
        kept = self._kept_labels(alert.labels)
        annotations = {key: _shortened(value, self.max_text) for key, value in alert.annotations.items()}
        if left_out := len(alert.labels) - len(kept):
            annotations[NOTE] = f"{left_out} labels were left out"
        return replace(
            alert,
            name=_shortened(alert.name, self.max_label),
            summary=_shortened(alert.summary, self.max_label),
            description=_shortened(alert.description, self.max_text),
            labels=kept,
            annotations=annotations,
        )

    def _kept_labels(self, labels: Mapping[str, str]) -> dict[str, str]:
        """Keep those that rules like to look at, then the first."""
        most = self.max_label
        names = [name for name in KEPT_FIRST if name in labels]
        names += [name for name in labels if name not in KEPT_FIRST and len(name) <= most]
        return {name: _shortened(labels[name], most) for name in names[: self.max_labels]}


def _shortened(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + CUT
