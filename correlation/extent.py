"""How far an incident reaches: which configuration items and sites its alerts name, and how fast it grows. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from domain.alert import Alert, AlertRecord
from domain.fields import AlertFields
from domain.incident import Extent, Incident
from domain.times import Millis

MOST = 200
"""Names kept of each kind; what an incident of more is, is clear by then."""


@dataclass(frozen=True, slots=True)
class ExtentRules:
    """What is kept, as somebody asks for it."""

    cis: tuple[str, ...] = ()
    """Fields that may name an alert's CI; the first that is there does."""
    sites: tuple[str, ...] = ()
    joins: int = 0
    """How many of the last times that an alert joined are kept."""


def reaching(
    incident: Incident, before: AlertRecord | None, after: AlertRecord | None, rules: ExtentRules, now: Millis
) -> Incident:
    """Follow what a change of one alert's record, *before* to *after*, means for the extent of *incident*."""
    known = extent = incident.extent or Extent()
    if _is_member(after, incident) and not _is_member(before, incident) and rules.joins:
        extent = replace(extent, joins=tuple(sorted((*extent.joins, now)))[-rules.joins :])
    if _fires_in(before, incident) is not _fires_in(after, incident):
        extent = _counted(extent, before, after, incident, rules)
    return incident if extent is known else replace(incident, extent=extent)


def merged_extent(ours: Extent | None, theirs: Extent | None) -> Extent | None:
    """Add up how far two incidents reach."""
    if ours is None or theirs is None:
        return ours or theirs
    cis = {**ours.cis, **{ci: ours.cis.get(ci, 0) + count for ci, count in theirs.cis.items()}}
    sites = sorted({*ours.sites, *theirs.sites})
    most = max(len(ours.joins), len(theirs.joins))
    joins = sorted((*ours.joins, *theirs.joins))[-most:] if most else []
    return Extent(dict(list(cis.items())[:MOST]), tuple(sites[:MOST]), tuple(joins))


def _counted(
    extent: Extent,
    before: AlertRecord | None,
    after: AlertRecord | None,
    incident: Incident,
    rules: ExtentRules,
) -> Extent:
    if after is not None and _fires_in(after, incident):
        return _hit(extent, after.alert, rules)
    return _recovered(extent, before.alert, rules) if before is not None else extent


def _is_member(record: AlertRecord | None, incident: Incident) -> bool:
    return record is not None and record.incident == incident.id


def _fires_in(record: AlertRecord | None, incident: Incident) -> bool:
    return record is not None and record.fires and record.incident == incident.id


def _hit(extent: Extent, alert: Alert, rules: ExtentRules) -> Extent:
    ci, site = _named(alert, rules.cis), _named(alert, rules.sites)
    if ci and (ci in extent.cis or len(extent.cis) < MOST):
        extent = replace(extent, cis={**extent.cis, ci: extent.cis.get(ci, 0) + 1})
    if site and site not in extent.sites and len(extent.sites) < MOST:
        extent = replace(extent, sites=tuple(sorted((*extent.sites, site))))
    return extent


def _recovered(extent: Extent, alert: Alert, rules: ExtentRules) -> Extent:
    """One alert less fires on its CI; that it was hit stays."""
    ci = _named(alert, rules.cis)
    if not extent.cis.get(ci):
        return extent
    return replace(extent, cis={**extent.cis, ci: extent.cis[ci] - 1})


def _named(alert: Alert, names: tuple[str, ...]) -> str:
    fields = AlertFields(alert)
    return next(filter(None, map(fields.get, names)), "")
