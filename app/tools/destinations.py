"""The page about what each ticketing tool can do: ``python -m app.tools.destinations`` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from adapters.fakes import FAKES
from adapters.fakes.base import Fake
from adapters.http import Http
from adapters.tickets import DestinationConfig
from domain.ports import Capability, TicketSystem

PAGE = Path("docs/destinations/README.md")
PAGES = {"webhook": Path("docs/webhook.md")}
"""Of the types whose page is elsewhere."""
COLUMNS = {
    Capability.FIND: "found by our key, so a create whose answer was lost is not made twice",
    Capability.IDEMPOTENT: "the same create twice is one ticket",
    Capability.UPDATE: "title, text and priority are kept up to date in place",
    Capability.TRANSITION: "has states between open and resolved, which Tocsin sets",
    Capability.REOPEN: "a resolved ticket comes back",
    Capability.COMMENT: "takes notes for those who work on it",
    Capability.LINK: "takes relations between tickets",
    Capability.ATTACH: "takes files",
    Capability.PROBLEM: "has problem records",
    Capability.READ: "tells how a ticket stands",
    Capability.POLL: "tells what changed when it is asked",
    Capability.CALLBACK: "tells what changed by itself, to `/callback/` and the destination's name",
    Capability.PING: "`tocsin check FILE --online` can ask it, without a ticket being made",
}
_settings: TypeAdapter[Any] = TypeAdapter(DestinationConfig)
_INTRODUCTION = """\
# Destinations

<!-- Made by `python -m app.tools.destinations`; change the adapters, not this file. -->

The ticketing tools that Tocsin speaks to, and what it can do with each. Every row is tried with one suite of tests,
on a stand-in of the tool: `tocsin fake NAME` serves it for rehearsals. What was tried on a real server is said on the
tool's page. Any other tool can be reached by [a webhook](../webhook.md); tools that call back with a free body post
[our own shape](callbacks.md).
"""


def page(root: Path = Path()) -> str:
    """Write the page; *root* is where the others are, for their titles."""
    return "\n".join([_INTRODUCTION, *_table(root), "", *_legend(), ""])


def capabilities(fake: Fake) -> frozenset[Capability]:
    """Say what the adapter that speaks to a stand-in can do."""
    system: TicketSystem = _settings.validate_python(fake.settings("http://127.0.0.1:1")).build(Http())
    return system.capabilities


def _table(root: Path) -> Iterator[str]:
    yield "| tool | `tocsin fake` | " + " | ".join(column.value for column in COLUMNS) + " |"
    yield "|---|---|" + ":-:|" * len(COLUMNS)
    for name, kind in sorted(
        FAKES.items(), key=lambda item: (_title(root, item[1].type).casefold(), item[0])
    ):
        able = capabilities(kind())
        marks = " | ".join("✓" if column in able else " " for column in COLUMNS)
        link = "../webhook.md" if kind.type in PAGES else f"{kind.type}.md"
        yield f"| [{_title(root, kind.type)}]({link}) | `{name}` | {marks} |"


def _title(root: Path, type_: str) -> str:
    path = root / PAGES.get(type_, PAGE.parent / f"{type_}.md")
    return path.read_text("utf-8").partition("\n")[0].removeprefix("# ")


def _legend() -> Iterator[str]:
    yield "What the columns mean:"
    yield ""
    yield from (f"- **{column.value}**: {meaning}." for column, meaning in COLUMNS.items())


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
