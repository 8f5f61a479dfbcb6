"""The reference of the configuration: ``python -m config.reference > docs/configuration.md``."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from config.schema import json_schema

Schema = dict[str, Any]

KINDS = {
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
    "duration": "length of time",
    "size": "size",
}
"""What JSON Schema, and our own titles of what may be text or a number, call it → what the page does."""

INTRODUCTION = """\
# Configuration

<!-- Made by `python -m config.reference > docs/configuration.md`; change the models, not this file. -->

One YAML file. `tocsin check FILE` reports everything that is wrong with it, `tocsin schema` prints its
JSON Schema for your editor, and `config/examples/` has files to begin with. All of it may be left out.

- **Lengths of time** are written `30s`, `5m`, `1h30m`, `7d`, or as plain seconds.
- **Sizes** are written `500kB`, `5MiB`, `1GiB`, or as plain bytes.
- **Text** needs no quotes unless YAML wants them: `no`, `on` and `12:30` are taken as they stand where text
  belongs.
- **References** are replaced in every text: `${NAME}` by the environment variable, `${NAME:-default}` by the
  default where it is not set or empty, `${file:/path}` by what the file holds, without its last line breaks
  (a relative path starts at the configuration's folder). `$$` stands for one `$`. Inside `{…}` and `[…]` put
  references in quotes. What they stand for is never shown.
- **Anchors, aliases and `<<`** work; YAML tags do not.
- A section with nothing in it counts as left out.
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A mapping that people write, and where they write it first."""

    title: str
    schema: Schema


def reference() -> str:
    """Write the page."""
    page = _Page(json_schema())
    return "\n".join([INTRODUCTION, *page.lines()])


class _Page:
    def __init__(self, schema: Schema) -> None:
        self._definitions: Schema = schema["$defs"]
        self._sections = {"": Section("The file", schema)}
        self._visit(schema, "")

    def _visit(self, schema: Schema, path: str) -> None:
        """Find the sections in the order in which a reader meets them."""
        for key, value in schema.get("properties", {}).items():
            for name, where in _mentions(value, f"{path}.{key}".removeprefix(".")):
                definition = self._definitions[name]
                if name not in self._sections and "properties" in definition:
                    self._sections[name] = Section(_title(where, definition), definition)
                    self._visit(definition, where)

    def lines(self) -> Iterator[str]:
        for section in self._sections.values():
            yield f"## {section.title}\n\n{section.schema.get('description', '')}\n"
            yield "| Key | Value | Default | Meaning |\n|---|---|---|---|"
            required = section.schema.get("required", ())
            for key, value in section.schema["properties"].items():
                default = "required" if key in required else _default(value)
                yield f"| `{key}` | {self._value(value)} | {default} | {self._meaning(value)} |"
            yield ""

    def _meaning(self, value: Schema) -> str:
        said = value.get("description") or self._definition(value).get("description", "")
        return str(said).replace("|", "\\|")

    def _definition(self, value: Schema) -> Schema:
        definition: Schema = self._definitions.get(_name(value), {})
        return definition

    def _value(self, value: Schema) -> str:
        """Say what may be written."""
        if "$ref" in value:
            return self._link(_name(value))
        if members := _members(value):
            said = [self._value(member) for member in members]
            return ", ".join(said[:-1]) + " or " + said[-1] if len(said) > 1 else said[0]
        if value.get("type") == "array":
            return f"list of {self._value(value['items'])}"
        if value.get("type") == "object":
            names = _name(value.get("propertyNames", {}))
            return f"mapping of {(names and self._link(names)) or 'names'} to {self._value(_others(value))}"
        return _scalar(value)

    def _link(self, name: str) -> str:
        if name in self._sections:
            title = self._sections[name].title
            return f"[{title}](#{_anchor(title)})"
        return ", ".join(f"`{word}`" for word in self._definitions.get(name, {}).get("enum", ()))


def _mentions(value: Schema, path: str) -> Iterator[tuple[str, str]]:
    if "$ref" in value:
        yield _name(value), path
    for member in _members(value):
        yield from _mentions(member, path)
    if "items" in value:
        yield from _mentions(value["items"], f"{path}[]")
    yield from _mentions(_others(value), f"{path}.NAME") if _others(value) else ()


def _members(value: Schema) -> list[Schema]:
    members: list[Schema] = value.get("oneOf") or value.get("anyOf") or []
    return [member for member in members if member.get("type") != "null"]


def _others(value: Schema) -> Schema:
    """What the values of a mapping are whose keys are free."""
    patterned: Schema = next(iter(value.get("patternProperties", {}).values()), {})
    others = value.get("additionalProperties")
    return others if isinstance(others, dict) else patterned


def _name(value: Schema) -> str:
    return str(value.get("$ref", "")).rsplit("/", 1)[-1]


def _title(path: str, definition: Schema) -> str:
    kind = definition["properties"].get("type", {}).get("const")
    return f"{path} of type {kind}" if kind else path


def _anchor(title: str) -> str:
    """Name a heading as GitHub does.

    >>> _anchor("correlation.groups[] of type x")
    'correlationgroups-of-type-x'
    """
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _scalar(value: Schema) -> str:
    if "const" in value:
        return f"`{value['const']}`"
    if "type" not in value:
        return "anything"
    if isinstance(value["type"], list):
        return KINDS[value["title"]]
    if value.get("format") == "password":
        return "text (secret)"
    return KINDS[value["type"]]


def _default(value: Schema) -> str:
    default = value.get("default")
    return (
        ""
        if default in (None, "", [], {})
        else f"`{json.dumps(default)}`".replace('"', "").replace("|", "\\|")
    )


if __name__ == "__main__":
    sys.stdout.write(reference())
