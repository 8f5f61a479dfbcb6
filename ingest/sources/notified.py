"""What Nagios and its descendants tell: a host or a service of it, why they notify, and the state it is in."""

from __future__ import annotations

import re

from domain.alert import AlertState, Severity
from ingest.sources.body import BadBody
from ingest.sources.flat import one_line

GOOD = {"OK", "UP"}
SEVERITIES = {
    "CRITICAL": Severity.CRITICAL,
    "CRIT": Severity.CRITICAL,
    "DOWN": Severity.CRITICAL,
    "UNREACHABLE": Severity.HIGH,
    "UNREACH": Severity.HIGH,
    "WARNING": Severity.MEDIUM,
    "WARN": Severity.MEDIUM,
    "UNKNOWN": Severity.MEDIUM,
    "UNKN": Severity.MEDIUM,
    "PENDING": Severity.LOW,
    "OK": Severity.INFO,
    "UP": Severity.INFO,
}
SERVICE_STATES = dict(enumerate(("OK", "WARNING", "CRITICAL", "UNKNOWN")))
HOST_STATES = dict(enumerate(("UP", "DOWN", "UNREACHABLE")))
QUIET_ENDS = {
    "FLAPPINGSTOP",
    "FLAPPINGEND",
    "FLAPPINGDISABLED",
    "DOWNTIMEEND",
    "DOWNTIMECANCELLED",
    "DOWNTIMEREMOVED",
}
"""Until then the tool held back what it would have told, a recovery too."""


def state_of(kind: str, status: str) -> AlertState | None:
    """Say what a notification of this *kind* means while the host or service is in this *status*.

    None for one that tells neither of a problem nor of its end: a downtime that starts, flapping, a custom one.

    >>> state_of("PROBLEM", "CRITICAL"), state_of("DowntimeEnd", "OK")
    (<AlertState.FIRING: 'firing'>, <AlertState.RESOLVED: 'resolved'>)

    Raises:
        BadBody: if neither is told.
    """
    word = re.sub(r"[^A-Z]", "", kind.upper().split(" ", maxsplit=1)[0])
    status = status.upper()
    if word in {"RECOVERY", "RECOVERED"}:
        return AlertState.RESOLVED
    if word in {"ACKNOWLEDGEMENT", "ACKNOWLEDGED"}:
        return AlertState.ACKNOWLEDGED
    if word == "PROBLEM":
        return AlertState.RESOLVED if status in GOOD else AlertState.FIRING
    if word in QUIET_ENDS and status in GOOD:
        return AlertState.RESOLVED
    return None if word else _of_status(status)


def _of_status(status: str) -> AlertState:
    if status in GOOD:
        return AlertState.RESOLVED
    if status in SEVERITIES:
        return AlertState.FIRING
    raise BadBody("should be a state like CRITICAL, OK, DOWN or UP", "state")


def status_word(status: str, of_service: bool) -> str:  # noqa: FBT001
    """Write a state out that came as a number, 2 or 2.0.

    >>> status_word("2.0", True), status_word("1", False), status_word("Down", False)
    ('CRITICAL', 'DOWN', 'DOWN')
    """
    names = SERVICE_STATES if of_service else HOST_STATES
    digit = status.removesuffix(".0")
    return names.get(int(digit), "UNKNOWN") if re.fullmatch(r"[0-9]", digit) else status.upper()


def severity_of_status(status: str) -> Severity:
    """Translate a state; one that is not told is in the middle."""
    return SEVERITIES.get(status.upper(), Severity.MEDIUM)


def identity(host: str, service: str) -> str:
    """Name the host, or the service on it. Problem ids change, and Nagios sends 0 with a recovery."""
    return f"{host}/{service}" if service else host


def summary(host: str, service: str, status: str, output: str) -> str:
    """Say in one line what is the matter: ``web1/HTTP is CRITICAL: Socket timeout``."""
    said = f"{identity(host, service)} is {status}" if status else identity(host, service)
    return f"{said}: {line}" if (line := one_line(output)) else said
