"""Everything that people and tools read from Tocsin over HTTP, and what they may ask of it. It decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from app.api.alerts import Alerts
from app.api.answers import READ, Handler, answering, not_found
from app.api.audit import AuditLog
from app.api.changes import Changes
from app.api.commands import Commands
from app.api.health import Health
from app.api.incidents import Incidents
from app.api.known_errors import KnownErrorsApi
from app.api.metrics import Metrics
from app.api.openapi import OpenApi
from app.api.parked import Parked
from app.api.problems import Problems
from app.api.quarantine import Quarantine
from app.api.reconcile import Reconcile
from app.api.reload import Reload
from app.api.shadow import ShadowApi
from app.api.silences import SilencesApi
from app.api.stats import Stats
from ingest.server import REST

Table = dict[str, tuple[Handler, tuple[str, ...]]]


@dataclass(frozen=True, slots=True)
class Api:
    """The parts that answer."""

    incidents: Incidents
    alerts: Alerts
    stats: Stats
    health: Health
    metrics: Metrics
    quarantine: Quarantine
    parked: Parked
    openapi: OpenApi
    reconcile: Reconcile
    silences: SilencesApi
    problems: Problems
    reload: Reload
    shadow: ShadowApi
    known_errors: KnownErrorsApi
    commands: Commands
    audit: AuditLog
    guarded: Callable[[str, Handler], Handler]
    """Lets only those to a handler, which answers at the path, who may ask it."""
    changes: Changes

    def routes(self) -> list[web.RouteDef]:
        """List what to add to the application. They take every method, to answer a wrong one in our way."""
        guarded: Table = {
            **{path: (handler, READ) for path, handler in self._read().items()},
            **self._asked(),
            **self.commands.table(),
        }
        everybodys = {
            "/healthz": self.health.live,
            "/readyz": self.health.ready,
            f"/api/v1/{REST}": _unknown,
        }
        return [
            *(
                web.route("*", path, answering(self.guarded(path, handler), methods))
                for path, (handler, methods) in guarded.items()
            ),
            *(web.route("*", path, answering(handler)) for path, handler in everybodys.items()),
        ]

    def _read(self) -> dict[str, Handler]:
        """List what is only looked at."""
        return {
            "/api/v1/incidents": self.incidents.list,
            "/api/v1/incidents/{id}": self.incidents.one,
            "/api/v1/incidents/{id}/timeline": self.incidents.timeline,
            "/api/v1/incidents/{id}/alerts": self.incidents.alerts,
            "/api/v1/alerts": self.alerts.list,
            "/api/v1/quarantine": self.quarantine.list,
            "/api/v1/quarantine/{id}/body": self.quarantine.body,
            "/api/v1/parked": self.parked.list,
            "/api/v1/changes": self.changes.list,
            "/api/v1/changes/{source}/{key:.+}": self.changes.one,
            "/api/v1/problems": self.problems.list,
            "/api/v1/problems/{id}": self.problems.one,
            "/api/v1/problems/{id}/timeline": self.problems.timeline,
            "/api/v1/stats": self.stats.show,
            "/api/v1/audit": self.audit.list,
            "/api/v1/shadow": self.shadow.list,
            "/metrics": self.metrics.show,
            "/api/openapi.json": self.openapi.show,
        }

    def _asked(self) -> Table:
        """List where something can be asked for, with the methods."""
        return {
            "/api/v1/quarantine/{id}": (self.quarantine.one, (*READ, "DELETE")),
            "/api/v1/quarantine/{id}/replay": (self.quarantine.replay, ("POST",)),
            "/api/v1/silences": (self.silences.all, (*READ, "POST")),
            "/api/v1/silences/{id}": (self.silences.one, (*READ, "DELETE")),
            "/api/v1/reconcile": (self.reconcile.look, ("POST",)),
            "/api/v1/known-errors": (self.known_errors.all, (*READ, "POST")),
            "/api/v1/known-errors/{id}": (self.known_errors.one, (*READ, "DELETE")),
            "/api/v1/problems/{id}/resolve": (self.problems.resolve, ("POST",)),
            "/api/v1/problems/{id}/reopen": (self.problems.reopen, ("POST",)),
            "/api/v1/problems/{id}/workaround": (self.problems.work_around, ("POST",)),
            "/api/v1/reload": (self.reload.answer, (*READ, "POST")),
            "/api/v1/parked/{destination}/{key}": (self.parked.one, (*READ, "DELETE")),
            "/api/v1/parked/{destination}/{key}/retry": (self.parked.retry, ("POST",)),
        }


_PARTS = (
    "incidents",
    "alerts",
    "problems",
    "known-errors",
    "silences",
    "quarantine",
    "parked",
    "shadow",
    "changes",
    "stats",
)


async def _unknown(request: web.Request) -> web.Response:
    known = ", ".join(f"/api/v1/{part}" for part in _PARTS)
    detail = f"there is nothing at {request.path}; see {known}"
    raise not_found("unknown-address", detail)
