"""Everything that people and tools read from Tocsin over HTTP. It decides nothing and changes nothing."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from app.api.alerts import Alerts
from app.api.answers import Handler, answering, not_found
from app.api.health import Health
from app.api.incidents import Incidents
from app.api.metrics import Metrics
from app.api.stats import Stats


@dataclass(frozen=True, slots=True)
class Api:
    """The parts that answer."""

    incidents: Incidents
    alerts: Alerts
    stats: Stats
    health: Health
    metrics: Metrics

    def routes(self) -> list[web.RouteDef]:
        """List what to add to the application. They take every method, to answer a wrong one in our way."""
        table: dict[str, Handler] = {
            "/api/v1/incidents": self.incidents.list,
            "/api/v1/incidents/{id}": self.incidents.one,
            "/api/v1/incidents/{id}/timeline": self.incidents.timeline,
            "/api/v1/incidents/{id}/alerts": self.incidents.alerts,
            "/api/v1/alerts": self.alerts.list,
            "/api/v1/stats": self.stats.show,
            "/healthz": self.health.live,
            "/readyz": self.health.ready,
            "/metrics": self.metrics.show,
            "/api/v1/{rest:.*}": _unknown,
        }
        return [web.route("*", path, answering(handler)) for path, handler in table.items()]


async def _unknown(request: web.Request) -> web.Response:
    detail = f"there is nothing at {request.path}; see /api/v1/incidents, /api/v1/alerts and /api/v1/stats"
    raise not_found("unknown-address", detail)
