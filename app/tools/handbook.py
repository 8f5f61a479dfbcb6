"""The guides and samples that come with the parsers."""

from __future__ import annotations

from pathlib import Path
from textwrap import indent

import yaml

import ingest.sources
from domain.times import Millis
from ingest.models import GenericConfig
from ingest.sources import TOOLS, Post, Tool
from ingest.sources.message import read_message

FOLDER = Path(ingest.sources.__file__).parent
GUIDES = FOLDER / "guides"
SAMPLES = FOLDER / "samples"
URL = "http://127.0.0.1:8080"
AUTH = "Authorization: Bearer YOUR-TOKEN"


def guide(tool: Tool, url: str, auth: str = AUTH) -> str:
    """Return how to configure the tool, for the full address *url* and the header line *auth*."""
    text = (GUIDES / f"{tool.type}.md").read_text("utf-8")
    return text.replace("{url}", url).replace("{auth}", auth)


def companions(tool: Tool) -> list[Path]:
    """List the files that the guide speaks of: scripts to install, templates to import."""
    return sorted(path for path in GUIDES.glob(f"{tool.type}_*") if path.suffix not in (".md", ".pyc"))


def samples(tool: Tool) -> list[Path]:
    """List its samples, the firing one first."""
    return sorted((SAMPLES / tool.type).glob("*.http"))


def sample(tool: Tool, name: str) -> Path | None:
    """Find a sample, ``firing`` or ``resolved``."""
    path = SAMPLES / tool.type / f"{name}.http"
    return path if path.exists() else None


def read_sample(path: Path, source: str, received_at: Millis) -> Post:
    """Read a sample as if it had been posted to *source*."""
    return read_message(path.read_bytes(), source, received_at)


def settings(tool: Tool, source: str) -> str:
    """Write what belongs in Tocsin's own configuration."""
    variable = "".join(each if each.isalnum() else "_" for each in source).upper()
    auth = f'auth: {{bearer: "${{{variable}_TOKEN}}"}}'
    if mapping := sample_mapping(tool):
        lines = f"type: {tool.type}\n{auth}\nmapping:\n{indent(mapping, '  ')}"
        return f"sources:\n  {source}:\n{indent(lines, '    ')}"
    return f"sources:\n  {source}: {{type: {tool.type}, {auth}}}\n"


def sample_mapping(tool: Tool) -> str:
    """Return the YAML that reads the samples of a tool of which only a mapping tells what it posts, else nothing."""
    path = SAMPLES / tool.type / "mapping.yaml"
    return path.read_text("utf-8") if path.exists() else ""


def reader_of_samples(tool: Tool) -> Tool:
    """Return the tool as it reads its samples: with their mapping, where it needs one."""
    if mapping := sample_mapping(tool):
        return GenericConfig(type="generic", mapping=yaml.safe_load(mapping)).tool()
    return tool


def all_tools() -> list[Tool]:
    """List the tools, by their types."""
    return [TOOLS[name] for name in sorted(TOOLS)]
