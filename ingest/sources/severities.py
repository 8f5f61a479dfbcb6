"""The words that tools use for how bad something is, on our one scale."""

from __future__ import annotations

from domain.alert import Severity

_WORDS = {
    Severity.CRITICAL: "critical page fatal emergency disaster",
    Severity.HIGH: "error high major",
    Severity.MEDIUM: "warning warn medium average",
    Severity.LOW: "minor low",
    Severity.INFO: "info informational none notice ok",
}
_SEVERITIES = {word: severity for severity, words in _WORDS.items() for word in words.split()}


def severity_of(word: str) -> Severity:
    """Translate a tool's word; one that nobody knows, or none, is in the middle.

    >>> severity_of("Warning"), severity_of("")
    (<Severity.MEDIUM: 'medium'>, <Severity.MEDIUM: 'medium'>)
    """
    return _SEVERITIES.get(word) or _SEVERITIES.get(word.strip().lower(), Severity.MEDIUM)
