"""Tells a stream to Tocsin: the real handler and router, over records in memory."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from msgspec import structs

from app.rehearsal.shard import MemoryShard
from benchmarks.correlation.streams import Told
from config.load import parse
from config.settings import Settings
from correlation.handler import CorrelationHandler
from correlation.rules import DAY, CorrelationRules, GroupRule
from correlation.state import alert_record
from domain.alert import AlertRecord
from domain.batch import Batch
from domain.events import AlertsReceived
from domain.incident import Incident
from domain.ports import alerts_mailbox
from domain.priority import Priority
from routing.router import IncidentRouter

Progress = Callable[[int], None]


@dataclass(slots=True)
class Grouping:
    """What Tocsin made of a stream."""

    groups: list[str] = field(default_factory=list)
    """The incident of each event, in their order."""
    p1: set[str] = field(default_factory=set)
    """Incidents that were P1 at some time."""
    verdicts: dict[str, int] = field(default_factory=dict)


def defaults(topology: Path | None) -> Settings:
    """Load what is shipped: no configuration but the topology."""
    text = f"topology: {{file: {topology.name}}}\n" if topology is not None else ""
    folder = topology.parent if topology is not None else Path()
    return parse(text, "tocsin.yaml", {}, folder)


def play(posts: Sequence[Told], rules: CorrelationRules, settings: Settings, progress: Progress) -> Grouping:
    """Have the real handler decide on everything posted, with the timers in between."""
    name = alerts_mailbox(0)
    shard = MemoryShard(name, CorrelationHandler(name, rules, IncidentRouter(settings.routing)))
    found = Grouping()
    by_event: dict[int, str] = {}
    for number, post in enumerate(posts):
        _pass_time(shard, post.at, found)
        items = shard.handler.read([AlertsReceived("stream", post.at, [post.alert])])
        _note_p1(shard.tell(items, post.at), found)
        if post.event is not None:
            by_event[post.event] = _incident_of(shard, post)
        progress(number + 1)
    found.groups = [by_event[event] for event in sorted(by_event)]
    found.verdicts = {
        word.removeprefix("outcome."): count
        for word, count in shard.counters.items()
        if word.startswith("outcome.")
    }
    return found


def _pass_time(shard: MemoryShard, until: int, found: Grouping) -> None:
    while (due := shard.timers.next_due()) is not None and due <= until:
        _note_p1(shard.act(due), found)


def _note_p1(batch: Batch, found: Grouping) -> None:
    for record in batch.records.values():
        if not isinstance(record, Incident):
            continue
        judged = record.assessment
        if judged is not None and judged.priority is Priority.P1:
            found.p1.add(record.id)


def _incident_of(shard: MemoryShard, post: Told) -> str:
    key = f"{post.alert.source}/{post.alert.fingerprint}"
    record = shard.records[alert_record(key)]
    assert isinstance(record, AlertRecord)
    return record.incident


def p1_recall(truth: Iterable[str | None], found: Grouping, wanted: set[str]) -> float:
    """Say how many of the *wanted* true incidents have an alert in an incident of ours that was P1."""
    seen = {
        true for true, ours in zip(truth, found.groups, strict=True) if ours in found.p1 and true in wanted
    }
    return len(seen) / len(wanted) if wanted else 1.0


def truly_p1(posts: Sequence[Told], truth: Sequence[str | None], settings: Settings) -> set[str]:
    """Name the true incidents that are P1 when exactly their alerts are one incident."""
    shown = [
        _labelled(post, true)
        for post in posts
        if post.event is not None and (true := truth[post.event]) is not None
    ]
    rules = CorrelationRules(groups=(GroupRule("truth", ("truth",), DAY, DAY),))
    found = play(shown, rules, settings, lambda _: None)
    kept = [true for true in truth if true is not None]
    return {true for true, ours in zip(kept, found.groups, strict=True) if ours in found.p1}


def _labelled(post: Told, truth: str) -> Told:
    alert = structs.replace(
        post.alert,
        labels=post.alert.labels | {"truth": truth},
        fingerprint=f"{truth}|{post.alert.fingerprint}",
    )
    return replace(post, alert=alert)
