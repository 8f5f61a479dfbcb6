"""The pages about tools: ``python -m app.tools.reference`` writes ``docs/sources/``."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from app.tools import handbook
from app.tools.view import view
from domain.times import Millis
from ingest.sources import ALIASES, Kind, Tool

FOLDER = Path("docs/sources")
URL = "https://tocsin.example.com/ingest/"
NOW: Millis = 1767225600000
MADE = "<!-- Made by `python -m app.tools.reference`; change the guide or the sample, not this file. -->"
KEPT = ("state", "identity", "severity", "name", "service", "resource", "summary", "labels")


def pages() -> Iterator[tuple[str, str]]:
    """Make each page, with the name of its file."""
    tools = handbook.all_tools()
    yield "README.md", index(tools)
    for tool in tools:
        yield f"{tool.type}.md", page(tool)


def index(tools: list[Tool]) -> str:
    """Make the table of all tools."""
    rows = [f"| [{tool.title}]({tool.type}.md) | `{tool.type}` |" for tool in tools]
    head = [
        "# Tools that can post to Tocsin",
        "",
        MADE,
        "",
        "`tocsin source show TOOL` prints a page with your own address in it, `tocsin send TOOL` posts a sample,",
        "and `tocsin parse TOOL FILE` shows what a body comes to.",
        "",
        "| Tool | Type |",
        "|---|---|",
    ]
    return "\n".join([*head, *rows, ""])


def page(tool: Tool) -> str:
    """Make the page of one tool."""
    title, _, guide = handbook.guide(tool, f"{URL}{tool.type}").rstrip().partition("\n")
    return "\n".join([title, "", MADE, guide, "", *_facts(tool), *_samples(tool)])


def _facts(tool: Tool) -> Iterator[str]:
    yield "## In Tocsin\n"
    yield f"```yaml\n{handbook.settings(tool, tool.type)}```\n"
    also = [f"`{alias}`" for alias, name in ALIASES.items() if name == tool.type]
    kinds = "anything" if Kind.ANY in tool.kinds else ", ".join(sorted(f"`{kind}`" for kind in tool.kinds))
    yield f"- Type {' or '.join([f'`{tool.type}`', *also])}."
    yield f"- Takes {' and '.join(tool.methods)} of {kinds}."
    for path in handbook.companions(tool):
        yield f"- Comes with `{path.name}`: `tocsin source show {tool.type}` tells where it is."
    yield ""


def _samples(tool: Tool) -> Iterator[str]:
    paths = handbook.samples(tool)
    if paths:
        yield "## What a sample comes to\n"
    for path in paths:
        yield f"`tocsin send {tool.type}{' --resolved' if path.stem == 'resolved' else ''}` posts\n"
        text = path.read_bytes().replace(b"\r\n", b"\n").decode("utf-8", "replace").rstrip()
        yield f"````http\n{text}\n````\n"
        parsed = handbook.reader_of_samples(tool).read(handbook.read_sample(path, tool.type, NOW))
        for alert in parsed.alerts:
            shown = {key: value for key, value in view(alert).items() if key in KEPT}
            yield f"```json\n{json.dumps(shown, indent=2, ensure_ascii=False)}\n```\n"


def main(folder: Path = FOLDER) -> None:
    """Write them all; what is of no tool goes."""
    folder.mkdir(parents=True, exist_ok=True)
    made = dict(pages())
    for path in folder.glob("*.md"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
