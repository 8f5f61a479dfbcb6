"""``tocsin explain``: reads a body as ingest would, and prints each decision as a tree."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Never

import msgspec
import typer
from rich.console import Console
from rich.text import Text
from rich.tree import Tree

from app.cli.check import counted
from app.cli.loading import load_or_exit
from app.explain import Explainer, Step
from config.settings import Settings
from domain.alert import Alert
from domain.times import Millis, to_millis, to_text
from ingest.models import CommonConfig
from ingest.problems import Refusal
from ingest.sources import BadBody, NotJson, Post
from ingest.understanding import understand

STDIN = "-"
LABEL = {"verdict": "bold", "incident": "bold", "priority": "bold", "routes": "bold", "ticket": "bold"}


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body, read by a source."""

    source: str
    how: str
    """What it was taken for, and why by this source."""
    alerts: list[Alert]


class Report(msgspec.Struct, frozen=True):
    """What ``--json`` prints."""

    source: str
    received_at: str
    alerts: list[Step]


def run_explain(file: Path, body: str, source: str | None, at: str | None, *, as_json: bool) -> None:
    """Explain all alerts of a body."""
    received_at = moment_of(at)
    settings = load_or_exit(file)
    text = _read(body)
    delivery = _delivered(
        text, _candidates(settings, source), received_at, "stdin" if body == STDIN else body
    )
    steps = Explainer(settings).explain(delivery.alerts, received_at)
    if as_json:
        report = Report(delivery.source, to_text(received_at), steps)
        typer.echo(msgspec.json.format(msgspec.json.encode(report), indent=2).decode())
    else:
        _print(delivery, steps, received_at)


def moment_of(text: str | None) -> Millis:
    """Read a moment; without one it is now."""
    if text is None:
        return time.time_ns() // 1_000_000
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a time like 2024-01-31T12:00:00Z"
        raise typer.BadParameter(message, param_hint="--at") from None
    return to_millis(moment if moment.tzinfo else moment.replace(tzinfo=UTC))


def _read(body: str) -> bytes:
    if body == STDIN:
        return sys.stdin.buffer.read()
    try:
        return Path(body).read_bytes()
    except OSError as error:
        return _fail(f"{body}: cannot be read: {error.strerror}")


def _candidates(settings: Settings, wanted: str | None) -> dict[str, CommonConfig]:
    """Give the sources to try, by name."""
    sources: dict[str, CommonConfig] = dict(settings.sources)
    if not sources:
        _fail("the configuration has no sources; add one, like sources: {prom: {type: alertmanager}}")
    if wanted is None:
        return sources
    if wanted not in sources:
        _fail(f"there is no source {wanted!r}; known: {', '.join(sources)}")
    return {wanted: sources[wanted]}


def _delivered(body: bytes, candidates: dict[str, CommonConfig], at: Millis, file: str) -> Delivery:
    """Read the body by the first source that can; if none can, what the first says is wrong counts."""
    count = len(candidates)
    others = f", the first of {count} sources that reads it" if count > 1 else ""
    faults: list[BadBody | Refusal] = []
    for name, config in candidates.items():
        source = config.build(name)
        how = "push" if source.tool.parse_push and body.lstrip()[:1] == b"[" else "webhook"
        try:
            parsed = understand(source, Post(body, at, name), Counter())
            what = f"a {how} {'to' if how == 'push' else 'of'} {source.tool.type}{others}"
            return Delivery(name, what, list(parsed.alerts))
        except (BadBody, Refusal) as fault:
            faults.append(fault)
    return _fail(f"{file}{_fault(faults[0])}")


def _fault(fault: BadBody | Refusal) -> str:
    if isinstance(fault, Refusal):
        return f": {fault}"
    if isinstance(fault, NotJson):
        place = f":{fault.line}:{fault.column}" if fault.line else ""
        return f"{place}: not JSON: {fault}"
    return f": {fault.path}: {fault}" if fault.path else f": {fault}"


def _fail(message: str) -> Never:
    typer.echo(f"tocsin: {message}", err=True)
    raise typer.Exit(1)


def _print(delivery: Delivery, steps: Sequence[Step], at: Millis) -> None:
    count = counted(len(steps), "alert")
    head = f"{delivery.how}, by source {delivery.source}: {count}, as if received at {to_text(at)}"
    console = Console(highlight=False, soft_wrap=not sys.stdout.isatty())
    console.print(Text(head[:1].upper() + head[1:]))
    for number, step in enumerate(steps, start=1):
        title = msgspec.structs.replace(step, name=f"alert {number} of {len(steps)}")
        console.print()
        if console.is_terminal:
            console.print(_tree(title))
        else:
            for line in _lines(title, 0):
                console.print(Text(line))


def _tree(step: Step) -> Tree:
    label = Text.assemble((f"{step.name}: ", "cyan"), (_plain(step.says), LABEL.get(step.name, "")))
    if step.why:
        label.append(f"  {_plain(step.why)}", "dim")
    tree = Tree(label, guide_style="dim")
    for each in step.steps:
        tree.children.append(_tree(each))
    return tree


def _lines(step: Step, depth: int) -> Iterator[str]:
    indent = "  " * depth
    first, *rest = f"{step.name}: {_plain(step.says)}".split("\n")
    yield indent + first + (f" -- {_plain(step.why)}" if step.why and not rest else "")
    yield from (f"{indent}  {line}".rstrip() for line in rest)
    for each in step.steps:
        yield from _lines(each, depth + 1)


def _plain(text: str) -> str:
    r"""Show what could control a terminal, as alerts hold what anybody sent.

    >>> print(_plain("all clear \x1b[2J"))
    all clear \x1b[2J
    """
    return "".join(each if each.isprintable() or each == "\n" else repr(each)[1:-1] for each in text)
