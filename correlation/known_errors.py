"""Known errors: incidents that match one show its workaround, once, and it is counted whether that helped. Pure."""

from __future__ import annotations

from msgspec.structs import replace

from correlation.known_error_rules import KNOWN_ERRORS, KnownErrorRules, KnownErrors
from correlation.news import with_note
from domain.batch import Batch
from domain.fields import incident_fields
from domain.incident import Incident, ShownWorkaround
from domain.known_error import ForgetKnownError, KnownErrorAction
from domain.matching import Matcher
from domain.times import Millis

MATCHED, HELPED = "known_error_matched.", "known_error_helped."
"""How counters begin; the id follows."""


def with_known_error(batch: Batch, incident: Incident, now: Millis, configured: KnownErrorRules) -> Incident:
    """Show an open incident's workaround, if one is known by now; those of the configuration go first."""
    if incident.workaround is not None or not incident.is_open:
        return incident
    recorded = batch.get(KNOWN_ERRORS, KnownErrors)
    if not configured and (recorded is None or not recorded.items):
        return incident
    judged = incident.assessment
    fields = incident_fields(incident, judged.priority.value if judged else "", judged.team if judged else "")
    found = configured.index.first(fields) or (recorded.index.first(fields) if recorded else None)
    if found is None:
        return incident
    batch.count(MATCHED + found.id)
    return with_workaround(
        incident, ShownWorkaround(found.id, found.text, found.url, now, found.helps_within, found.problem)
    )


def with_workaround(incident: Incident, shown: ShownWorkaround) -> Incident:
    """Show a workaround; a new incident's ticket has it from the beginning, others are told."""
    known = replace(incident, workaround=shown)
    if incident.revision == 0:
        return known
    return with_note(known, f"Workaround: {shown.text} {shown.url}".rstrip())


def with_help_counted(batch: Batch, before: Incident | None, incident: Incident, now: Millis) -> Incident:
    """Count, once, that an incident was over soon after its workaround was shown."""
    shown = incident.workaround
    if shown is None or shown.helped or incident.is_open or before is None or not before.is_open:
        return incident
    if now - shown.at > shown.helps_within:
        return incident
    batch.count(HELPED + shown.known_error)
    return replace(incident, workaround=replace(shown, helped=True))


def obey(batch: Batch, action: KnownErrorAction) -> None:
    """Record one, or forget it.

    Raises:
        BadMatcher: a matcher cannot be read.
    """
    if not isinstance(action, ForgetKnownError):
        Matcher.of(action.known_error.matchers)
    batch.put(KNOWN_ERRORS, (batch.get(KNOWN_ERRORS, KnownErrors) or KnownErrors()).after(action))
