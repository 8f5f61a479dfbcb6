"""The examples that Tocsin ships, and what they expect of the environment."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[2] / "config" / "examples"
EXAMPLES = sorted(FOLDER.glob("*.yaml"))

SECRETS = {
    name: f"hunter2-{name.lower()}"
    for name in (
        "RABBITMQ_PASSWORD",
        "REDIS_PASSWORD",
        "PROM_EU_TOKEN",
        "PROM_US_TOKEN",
        "BATCH_PASSWORD",
        "RT_TOKEN",
        "DESK_SECRET",
    )
}
