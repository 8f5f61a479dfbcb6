"""Pydantic's errors in the words of people who write YAML."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from config.document import Node
from config.problems import did_you_mean, listed, way_out
from config.shape import Place, Shape

WANTED = {
    "string_type": "text",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "int_type": "a whole number",
    "int_parsing": "a whole number",
    "int_parsing_size": "a whole number of reasonable size",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "float_parsing": "a number",
    "list_type": "a list",
    "tuple_type": "a list",
    "set_type": "a list",
    "dict_type": "a mapping",
    "mapping_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "url_type": "an address",
}
"""Errors that only say that something else belongs there → what does."""

SENTENCES = {
    "greater_than": "should be more than {gt}",
    "greater_than_equal": "should be at least {ge}",
    "less_than": "should be less than {lt}",
    "less_than_equal": "should be at most {le}",
    "too_short": "should have at least {min_length} in it",
    "too_long": "should have at most {max_length} in it, not {actual_length}",
    "string_too_short": "should have at least {min_length} characters",
    "string_too_long": "should have at most {max_length} characters",
    "string_pattern_mismatch": "should match the pattern {pattern}",
    "url_parsing": "is not an address like https://host/path ({error})",
    "url_scheme": "should begin with {expected_schemes}, then ://",
    "value_error": "{error}",
    "assertion_error": "{error}",
}
"""Other errors → what is said; the fields are pydantic's."""

_QUOTED = re.compile(r"'([^']*)'")


def describe(node: Node | None) -> str:
    """Say what kind of value was written.

    >>> describe(Node(1, ["a"]))
    'a list'
    """
    if node is None or node.value is None:
        return "nothing"
    if isinstance(node.value, dict):
        return "a mapping"
    return "a list" if isinstance(node.value, list) else "text"


def is_misfit(kind: str) -> bool:
    """Tell whether an error only says that another kind of value belongs there."""
    return kind in WANTED


def say_misfit(kinds: list[str], node: Node | None) -> str:
    """Say what belongs there instead of what is there."""
    wanted = " or ".join(dict.fromkeys(WANTED[kind] for kind in kinds))
    return f"should be {wanted}, not {describe(node)}"


def say(error: Mapping[str, Any], place: Place, node: Node | None) -> str:
    """Say what is wrong."""
    kind = error["type"]
    if kind in _TELLERS:
        return _TELLERS[kind](error, place, node)
    if node is not None and node.value is None and not place.is_key:
        return "has no value"
    if is_misfit(kind):
        return say_misfit([kind], node)
    if kind == "value_error" and _is_scalar(place) and describe(node) != "text":
        return say_misfit(["string_type", "float_type"], node)
    context = error.get("ctx", {})
    if context.get("min_length") == 1:
        return "should not be empty"
    return SENTENCES[kind].format_map(context) if kind in SENTENCES else _plain(str(error["msg"]))


def _is_scalar(place: Place) -> bool:
    """Tell whether only text or a number belongs there; its check would show a list as Python does."""
    return place.schema.get("type") not in ("object", "array")


def _missing(_error: Mapping[str, Any], place: Place, _node: Node | None) -> str:
    description = place.schema.get("description", "").split(". ")[0].removesuffix(".")
    return f"must be given: {description}" if description else "must be given"


def _unknown_key(_error: Mapping[str, Any], place: Place, _node: Node | None) -> str:
    return f"unknown key{way_out(str(place.path[-1]), sorted(place.around.get('properties', ())))}"


def _unknown_word(error: Mapping[str, Any], place: Place, node: Node | None) -> str:
    return _not_one_of(_QUOTED.findall(str(error["ctx"]["expected"])), place, node)


def _unknown_tag(_error: Mapping[str, Any], place: Place, node: Node | None) -> str:
    return _not_one_of(Shape.tags(place.around), place, node)


_TELLERS: dict[str, Callable[[Mapping[str, Any], Place, Node | None], str]] = {
    "missing": _missing,
    "extra_forbidden": _unknown_key,
    "enum": _unknown_word,
    "literal_error": _unknown_word,
    "union_tag_invalid": _unknown_tag,
    "union_tag_not_found": _unknown_tag,
}


def _not_one_of(allowed: list[str], place: Place, node: Node | None) -> str:
    if place.is_key:
        return f"unknown key{way_out(str(place.path[-1]), allowed)}"
    if node is None:
        return f"must be given: {listed(allowed, 'or')}"
    if not isinstance(node.value, str):
        return f"should be {listed(allowed, 'or')}, not {describe(node)}"
    if len(allowed) == 1:
        return f"should be {allowed[0]}, not {node.value!r}"
    return f"{node.value!r} is not {listed(allowed, 'or')}{did_you_mean(node.value, allowed)}"


def _plain(message: str) -> str:
    """Make do with what pydantic says.

    >>> _plain("Input should be a valid date")
    'should be a valid date'
    """
    message = message.removeprefix("Input ")
    return message[:1].lower() + message[1:]
