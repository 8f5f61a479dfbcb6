"""What ``serve`` tells a person who starts it for the first time: what to post, and where to look. Pure."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator

from config.settings import Settings
from correlation.rules import CorrelationRules
from ingest.models import AuthConfig

EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on
OURS = ("service", "name", "source", "severity")
"""Fields that an alert has, or that are set here anyway."""


def address(host: str, port: int) -> str:
    """Write where a person on this machine reaches the server.

    >>> address("0.0.0.0", 8080), address("::1", 8080)
    ('http://127.0.0.1:8080', 'http://[::1]:8080')
    """
    host = EVERYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def hints(settings: Settings, host: str, port: int, *, takes_alerts: bool) -> list[str]:
    """Write the lines; secrets are never in them."""
    url = address(host, port)
    return [
        f"Tocsin serves on {url}{' and all other addresses of this machine' if host in EVERYWHERE else ''}",
        *(
            _posting(settings, url)
            if takes_alerts
            else ["", "  No alerts are taken here: that is the ingest role's."]
        ),
        "",
        "  See what became of it:",
        f"    {url}/api/v1/incidents",
        f"    {url}/api/v1/stats",
        "",
    ]


def _posting(settings: Settings, url: str) -> Iterator[str]:
    yield ""
    if not settings.sources:
        yield "  Nothing can be posted, as no source is configured. To try one:"
        yield "    tocsin serve --config config/examples/quickstart.yaml"
        return
    name = next((name for name, source in settings.sources.items() if source.type == "alertmanager"), None)
    if name is None:
        name, source = next(iter(settings.sources.items()))
        yield "  Post a sample, as the tool sends it; --auth HEADER goes with it:"
        yield f"    tocsin send {source.type} --url {url} --source {name}"
        return
    source = settings.sources[name]
    yield "  Post an alert, as Alertmanager does:"
    yield f"    curl {url}/ingest/{name} {_login(source.auth)}-H 'Content-Type: application/json' \\"
    yield f"      -d {shlex.quote(json.dumps(sample(settings)))}"


def _login(auth: AuthConfig | list[AuthConfig] | None) -> str:
    ways = auth if isinstance(auth, list) else [auth]
    if any(way and way.bearer is not None for way in ways):
        return "-H 'Authorization: Bearer YOUR-TOKEN' "
    return "-u USER:PASSWORD " if any(way and way.basic is not None for way in ways) else ""


def sample(settings: Settings) -> dict[str, object]:
    """Make the smallest body that shows something: about a service of the catalogue, with what groups need."""
    service = next(iter(settings.routing.services), "checkout")
    labels = {"alertname": "HighErrorRate", "service": service, "severity": "critical"}
    labels |= dict.fromkeys(_grouped_by(settings.correlation), "test")
    return {"alerts": [{"status": "firing", "labels": labels}]}


def _grouped_by(rules: CorrelationRules) -> list[str]:
    rule = next((rule for rule in rules.groups if not rule.match.conditions), None)
    return [label for label in rule.by if label not in OURS] if rule else []
