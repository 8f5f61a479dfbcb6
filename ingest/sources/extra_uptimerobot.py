"""The name that UptimeRobot's payloads are filed under; see ``uptimerobot``."""

from __future__ import annotations

from ingest.sources.uptimerobot import TITLE as TITLE
from ingest.sources.uptimerobot import parse as parse
