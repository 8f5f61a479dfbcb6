"""From where pydantic says an error is to the place in the file, by way of the JSON Schema of the settings.

Pydantic's locations name the member of a union that was tried; people did not write that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from config.document import Node
from config.problems import Path

Schema = dict[str, Any]

KEY = "[key]"
"""Last step of a location where not a value but its key is wrong."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file an error is, and what belongs there."""

    path: Path
    schema: Schema
    """Of the value."""
    around: Schema
    """Of the mapping or list it is in."""
    union: Path | None = None
    """The nearest value above, or this one, that may be of several kinds not told apart by a key."""
    is_key: bool = False


class Shape:
    """What the settings look like."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._definitions: Schema = schema.get("$defs", {})

    def locate(self, location: Sequence[str | int], root: Node) -> Place:
        """Find the place that an error's *location* means."""
        path: Path = ()
        schema = around = self.resolve(self._schema)
        union: Path | None = None
        for step in location:
            if step == KEY:
                return Place(path, schema, around, union, is_key=True)
            if len(members := self.members(schema)) > 1:
                union = union if "discriminator" in schema else path
                schema = self._member(schema, members, step, root.at(path))
                continue
            path = (*path, step)
            around, schema = schema, self.resolve(_below(schema, step))
        return Place(path, schema, around, union)

    def tag_place(self, place: Place) -> Place:
        """Move from a value that does not tell its kind to the key that should."""
        key = place.schema.get("discriminator", {}).get("propertyName", "type")
        return Place((*place.path, key), {}, place.schema, place.union)

    @staticmethod
    def tags(schema: Schema) -> list[str]:
        """List the kinds that a union's key can tell."""
        return list(schema.get("discriminator", {}).get("mapping", ()))

    def resolve(self, schema: Schema) -> Schema:
        """Follow references, and see through ``or null``; keep the description given on the way."""
        said = schema.get("description")
        while True:
            members = self.members(schema)
            if "$ref" in schema:
                schema = self._definitions[schema["$ref"].rsplit("/", 1)[-1]]
            elif len(members) == 1:
                schema = members[0]
            else:
                return {**schema, "description": said} if said else schema

    @staticmethod
    def members(schema: Schema) -> list[Schema]:
        """List the kinds of value that *schema* allows, nothing left out."""
        union: list[Schema] = schema.get("oneOf") or schema.get("anyOf") or []
        return [member for member in union if member.get("type") != "null"]

    def _member(self, schema: Schema, members: list[Schema], label: str | int, node: Node | None) -> Schema:
        tagged = schema.get("discriminator", {}).get("mapping", {}).get(label)
        if tagged:
            return self.resolve({"$ref": tagged})
        resolved = [self.resolve(member) for member in members]
        named = [member for member in resolved if member.get("title") == label]
        kind = _kind(node)
        return next(iter(named or [member for member in resolved if member.get("type") == kind] or resolved))


def _below(schema: Schema, step: str | int) -> Schema:
    if isinstance(step, int):
        items: Schema = schema.get("items", {})
        return items
    known = schema.get("properties", {}).get(step)
    patterned = next(iter(schema.get("patternProperties", {}).values()), None)
    others = schema.get("additionalProperties")
    return known or patterned or (others if isinstance(others, dict) else {})


def _kind(node: Node | None) -> str:
    if node is not None and isinstance(node.value, dict):
        return "object"
    return "array" if node is not None and isinstance(node.value, list) else "string"
