"""A document against the models of what people write: every mistake at once, each at its place in the file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from config.document import Document
from config.problems import Finding, Path
from config.shape import Place, Shape
from config.words import is_misfit, say, say_misfit

TAG_ERRORS = ("union_tag_invalid", "union_tag_not_found")
OVERALL_ERRORS = ("value_error", "assertion_error")
Model = TypeVar("Model", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Located:
    error: Any
    place: Place


@cache
def shape(model: type[BaseModel]) -> Shape:
    """Tell what may be written. Only needed where something is wrong, and not free."""
    return Shape(model.model_json_schema())


def check(document: Document, model: type[Model]) -> Model | list[Finding]:
    """Make the settings of *document*, or say all that is wrong with them."""
    data = document.root.data()
    while True:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            located = [_locate(each, document, shape(model)) for each in error.errors(include_url=False)]
        misread = [each.place.path for each in located if _is_misread(each.place.path, document, data)]
        if not misread:
            return list(_findings(located, document))
        for path in misread:
            _take_as_written(path, document, data)


def _locate(error: Any, document: Document, looks: Shape) -> _Located:
    place = looks.locate(error["loc"], document.root)
    if error["type"] in TAG_ERRORS:
        place = looks.tag_place(place)
    return _Located(error, place)


def _is_misread(path: Path, document: Document, data: Any) -> bool:
    """Tell whether a number or truth value stands where it is refused; perhaps its text is wanted."""
    node = document.root.at(path)
    if not path or node is None or not node.plain or not isinstance(node.value, str):
        return False  # the whole file is never text
    for step in path:
        data = data[step]
    return not isinstance(data, str)


def _take_as_written(path: Path, document: Document, data: Any) -> None:
    node = document.root.at(path)
    assert node is not None
    for step in path[:-1]:
        data = data[step]
    data[path[-1]] = node.value


def _findings(located: list[_Located], document: Document) -> Iterable[Finding]:
    for union, grouped in groupby(located, key=lambda each: each.place.union):
        group = list(grouped)
        members = [each for each in group if not _is_known(each, document)]
        if union is None:
            yield from (_finding(each, document) for each in members)
        elif members:
            yield from _union_findings(union, members, document, was_said=len(members) < len(group))


def _union_findings(
    union: Path, members: list[_Located], document: Document, *, was_said: bool
) -> Iterable[Finding]:
    """Report on the kind of value that was meant; where none fits and nothing *was_said*, on all that would."""
    meant = [each for each in members if each.place.path != union or not is_misfit(each.error["type"])]
    if meant or was_said:
        return [_finding(each, document) for each in meant]
    return [Finding(union, say_misfit([each.error["type"] for each in members], document.root.at(union)))]


def _finding(located: _Located, document: Document) -> Finding:
    path = located.place.path
    return Finding(path, say(located.error, located.place, document.root.at(path)))


def _is_known(located: _Located, document: Document) -> bool:
    """Tell whether a value is broken for a reason that was said already, or misses such a one within."""
    path = located.place.path
    above = (document.root.at(path[:length]) for length in range(len(path) + 1))
    if any(node is not None and node.broken for node in above):
        return True
    node = document.root.at(path)
    overall = located.error["type"] in OVERALL_ERRORS
    return overall and node is not None and any(below.broken for _, below in node.walk())
