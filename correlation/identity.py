"""Which condition an alert is about: the name under which it is counted, resolved and grouped."""

from __future__ import annotations

from hashlib import blake2b

from correlation.rules import CorrelationRules
from domain.alert import Alert, AlertHead


def identify(alert: Alert, rules: CorrelationRules) -> str:
    """Name the condition: ``source/fingerprint``.

    The labels configured for the source come first, then the tool's own fingerprint, then all labels.
    """
    labels = rules.identity.get(alert.source)
    if labels:
        return f"{alert.source}/{_digest([(name, alert.labels.get(name, '')) for name in labels])}"
    if alert.fingerprint:
        return f"{alert.source}/{alert.fingerprint}"
    return f"{alert.source}/{_digest(sorted(alert.labels.items()))}"


def identify_unopened(head: AlertHead, rules: CorrelationRules) -> str:
    """Name the condition as ``identify`` does; empty where that takes more than the head."""
    if not head.fingerprint or rules.identity.get(head.source):
        return ""
    return f"{head.source}/{head.fingerprint}"


def explain_identity(alert: Alert, rules: CorrelationRules) -> str:
    """Say where the identity comes from."""
    labels = rules.identity.get(alert.source)
    if labels:
        lacks = [name for name in labels if not alert.labels.get(name)]
        but = f"; the alert has no {' and no '.join(lacks)}" if lacks else ""
        return f"labels {', '.join(labels)}, as configured for source {alert.source}{but}"
    return (
        "the tool's own fingerprint" if alert.fingerprint else "all labels, as the tool gives no fingerprint"
    )


def _digest(pairs: list[tuple[str, str]]) -> str:
    hasher = blake2b(digest_size=8)
    for name, value in pairs:
        hasher.update(f"{len(name)}:{name}{len(value)}:{value}".encode("utf-8", "surrogatepass"))
    return hasher.hexdigest()
