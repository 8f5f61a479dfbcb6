"""What is suspected to have caused an incident: the deepest thing hit that the others need. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from correlation.incidents import lead_of
from domain.alert import Alert
from domain.incident import Incident
from domain.topology import Topology


def deepest(cause: str, places: Sequence[str], topology: Topology) -> str:
    """Say what the cause is, once *places* were hit, too: the deepest, of several the first."""
    for place in places:
        if not cause or topology.is_deeper(place, cause):
            cause = place
    return cause


def with_cause(
    incident: Incident, places: Sequence[str], alert: Alert, key: str, topology: Topology
) -> Incident:
    """Let an alert show a deeper cause; then it gives the incident its name."""
    cause = deepest(incident.cause, places, topology)
    if cause == incident.cause:
        return incident
    is_ours = cause in (alert.resource, alert.service)
    service = alert.service if is_ours and alert.service else topology.service_of(cause)
    return replace(incident, cause=cause, cause_service=service, lead=lead_of(alert, key))


def is_symptom(incident: Incident, places: Sequence[str], topology: Topology) -> bool:
    """Tell whether what an alert is about needs the cause of an incident."""
    return any(topology.is_deeper(incident.cause, place) for place in places[:1])
