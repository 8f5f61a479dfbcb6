"""The recorded storm, moved to the present. Pure but for reading the file."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

TIMES = ("startsAt", "endsAt")
NEVER = "0001-"
"""How Go's zero time begins, which stands for none."""


@dataclass(frozen=True, slots=True)
class Post:
    """One webhook."""

    at: float
    """Seconds after the start."""
    body: dict[str, Any]

    @property
    def alerts(self) -> int:
        """How many it holds."""
        return len(self.body["alerts"])


@dataclass(frozen=True, slots=True)
class Recording:
    """A storm as an Alertmanager told it."""

    story: str
    headers: Mapping[str, str]
    posts: Sequence[Post]

    @property
    def alerts(self) -> int:
        """How many alerts are posted in all, repetitions counted."""
        return sum(post.alerts for post in self.posts)

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.posts[-1].at


def read_recording(path: Path) -> Recording:
    """Read the file that ``app/demo/README.md`` describes."""
    header, *lines = map(msgspec.json.decode, gzip.decompress(path.read_bytes()).splitlines())
    return Recording(header["story"], header["headers"], [Post(line["at"], line["body"]) for line in lines])


def moved(recording: Recording, start: datetime, speed: float) -> Iterator[tuple[float, bytes]]:
    """Give the moment and the body of each post, as if the story began at *start* and went *speed* times as fast.

    Only the times of alerts are changed. They would lie in the future, or a year back, depending on the
    machine's clock, and a story told faster must not have alerts begin after they are told of.
    """
    began = _began(recording.posts)
    for post in recording.posts:
        alerts = [_moved_alert(alert, began, start, speed) for alert in post.body["alerts"]]
        yield post.at / speed, msgspec.json.encode({**post.body, "alerts": alerts})


def _began(posts: Sequence[Post]) -> datetime:
    """Find when the recording began: late enough that nothing was told before it happened."""
    return max(moment - timedelta(seconds=post.at) for post in posts for moment in _past(post))


def _past(post: Post) -> Iterator[datetime]:
    """List the moments that were over when it was posted: an alert that fires may end later."""
    for alert in post.body["alerts"]:
        yield _time(alert["startsAt"])
        if alert["status"] == "resolved":
            yield _time(alert["endsAt"])


def _moved_alert(alert: dict[str, Any], began: datetime, start: datetime, speed: float) -> dict[str, Any]:
    times = {name: _time(alert[name]) for name in TIMES if not alert[name].startswith(NEVER)}
    return alert | {
        name: (start + (moment - began) / speed).isoformat(timespec="milliseconds")
        for name, moment in times.items()
    }


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
