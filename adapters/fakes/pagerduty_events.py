"""PagerDuty, to which nothing but events is sent."""

from __future__ import annotations

from typing import Any, ClassVar

from adapters.fakes.base import Answer, Shown
from adapters.fakes.pagerduty import ROUTING_KEY, SECRET, FakePagerDuty, Incident, looked_at


class FakePagerDutyEvents(FakePagerDuty):
    """The same account, to which events are sent. A ticket is the key of an alert."""

    deeds: ClassVar[frozenset[str]] = frozenset({"state"})
    extra_field: ClassVar[str] = "class"

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {"type": "pagerduty", "events_url": url, "routing_key": ROUTING_KEY, "callback_secret": SECRET}

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another key, which the Events API cannot be asked about."""
        return self.settings(url) | {"routing_key": "f" * 32}

    def limited(self) -> Answer:
        """Ask for fewer events: no time to wait is documented."""
        return Answer(429)

    def ids(self) -> list[str]:
        """List all alerts."""
        return [one.key for one in self.incidents.values()]

    def look(self, id_: str) -> Shown:
        """See the last incident of a key; where there never was one, nothing is open."""
        known = [one for one in self.incidents.values() if one.key == id_]
        return looked_at(known[-1]) if known else Shown("", "", is_open=False, priority="")

    def of(self, id_: str) -> Incident:
        """Return the last incident of a key."""
        return [one for one in self.incidents.values() if one.key == id_][-1]
