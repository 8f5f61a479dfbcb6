"""One pure parser a tool: a webhook's body in, alerts out."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

from domain.alert import Alert
from domain.times import Millis
from ingest.sources import alertmanager, prometheus
from ingest.sources.body import BadBody as BadBody
from ingest.sources.body import NotJson as NotJson


class Parser(Protocol):
    """Turns what one tool sends into our words."""

    def __call__(self, body: bytes, received_at: Millis, source: str) -> list[Alert]:
        """Read *body*, which came at *received_at* by the configured *source*.

        Raises:
            BadBody: if it is not what the tool sends; nothing else.
        """
        ...


PARSERS: Mapping[str, Parser] = MappingProxyType({"alertmanager": alertmanager.parse})
"""Type of a source → what reads its webhook."""

PUSH_PARSERS: Mapping[str, Parser] = MappingProxyType({"alertmanager": prometheus.parse})
"""Type of a source that Prometheus may take for an Alertmanager → what reads its pushes."""
