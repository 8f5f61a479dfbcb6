"""Any tool that posts JSON or a form, read by a mapping in the configuration. See ``guides/generic.md``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from domain.alert import Alert, AlertState, Severity
from ingest.sources.body import BadBody
from ingest.sources.build import Finding, build
from ingest.sources.forms import form_or_json
from ingest.sources.generic_expressions import Expression
from ingest.sources.generic_models import IGNORE, GenericMapping
from ingest.sources.loose import first_line
from ingest.sources.post import Parsed, Parser, Post, each
from ingest.sources.severities import severity_of

TITLE = "Generic webhook"
TYPE = "generic"

WORDS = {
    AlertState.FIRING: "firing problem alert alerting open opened active triggered down",
    AlertState.RESOLVED: "resolved ok closed recovered recovery clear cleared up",
    AlertState.ACKNOWLEDGED: "acknowledged",
    AlertState.HEARTBEAT: "heartbeat",
    AlertState.TEST: "test",
}
STATES = {word: state for state, words in WORDS.items() for word in words.split()}
"""Understood without a table."""
ALL = "*"
_TEXTS = ("name", "summary", "description", "service", "resource", "url", "state", "severity")
_CONDITIONS = {
    "ignore_when": IGNORE,
    "resolved_when": AlertState.RESOLVED,
    "acknowledged_when": AlertState.ACKNOWLEDGED,
    "firing_when": AlertState.FIRING,
}


def parser(mapping: GenericMapping) -> Parser:
    """Make the parser of a source. The expressions are compiled here, once."""
    return _Reader(mapping).read


def parse(post: Post) -> Parsed:
    """Read nothing: the type alone tells not where in a body things are.

    Raises:
        BadBody: always; ``parser`` makes the parser of a source, which has a mapping.
    """
    raise BadBody(f"a source of type {TYPE} reads {post.source!r} only by its mapping", "mapping")


class _Reader:
    def __init__(self, mapping: GenericMapping) -> None:
        self._given = mapping
        self._items = _optional(mapping, "items")
        self._identity = _parts(mapping)
        self._texts = {key: found for key in _TEXTS if (found := _optional(mapping, key))}
        self._conditions = {key: found for key in _CONDITIONS if (found := _optional(mapping, key))}
        self._moments = {key: found for key in ("starts_at", "ends_at") if (found := _optional(mapping, key))}
        self._tables = {key: _table(mapping, key) for key in ("labels", "annotations", "links")}
        self._zone = ZoneInfo(mapping.zone) if mapping.zone else None

    def read(self, post: Post) -> Parsed:
        """Read a body: one alert, or those of ``items``."""
        body = form_or_json(post).value
        around = {"_body": body, "_query": dict(post.query)}
        if self._items is None:
            alert = self._alert(post, _context(body, around))
            return Parsed([alert]) if alert else Parsed(nothing="not_an_alert")
        items = self._items.list(_context(body, around))
        parsed = each(items, lambda n: self._item(post, _context(items[n], around), n), "items")
        nothing = "not_an_alert" if items else "empty"
        return Parsed(parsed.alerts, parsed.faults, "" if parsed.alerts else nothing)

    def _item(self, post: Post, context: Mapping[str, Any], place: int) -> Alert | None:
        try:
            return self._alert(post, context)
        except BadBody as error:
            raise BadBody(f"items[{place}]: {error}", error.path) from None

    def _alert(self, post: Post, context: Mapping[str, Any]) -> Alert | None:
        state = self._state(context)
        if state == IGNORE:
            return None
        over = state is AlertState.RESOLVED
        name = self._text("name", context)
        moments = {key: found.moment(context, self._zone) for key, found in self._moments.items()}
        finding = Finding(
            identity=self._identify(context),
            state=AlertState(state),
            name=name,
            severity=self._severity(context),
            summary=first_line(self._text("summary", context)) or name,
            description=self._text("description", context),
            service=self._text("service", context),
            resource=self._text("resource", context),
            labels=self._named("labels", context),
            annotations=self._named("annotations", context),
            starts_at=moments.get("starts_at"),
            ends_at=moments.get("ends_at") if over else None,
            url=self._text("url", context),
            links=self._named("links", context),
        )
        return build(post, finding)

    def _identify(self, context: Mapping[str, Any]) -> str:
        identity = "/".join(filter(None, [part.plain(context) for part in self._identity]))
        if not identity:
            raise BadBody("none of the expressions finds anything", "mapping.identity")
        return identity

    def _state(self, context: Mapping[str, Any]) -> AlertState | str:
        """Ask the conditions, then the word. With ``firing_when`` alone, what does not fire is no alert."""
        for key, condition in self._conditions.items():
            if condition.holds(context):
                return _CONDITIONS[key]
        if "state" in self._texts and (word := self._texts["state"].plain(context)):
            return self._translate(word)
        default = self._given.defaults.state
        if default is None and "state" in self._texts:
            raise BadBody("finds nothing, and there is no defaults.state", "mapping.state")
        return default or (IGNORE if "firing_when" in self._conditions else AlertState.FIRING)

    def _translate(self, word: str) -> AlertState | str:
        known = word.lower()
        state = self._given.states.get(known) or STATES.get(known) or self._given.defaults.state
        if state is None:
            raise BadBody(f"finds {word!r}, which is not in states", "mapping.state")
        return state

    def _severity(self, context: Mapping[str, Any]) -> Severity:
        word = self._texts["severity"].plain(context) if "severity" in self._texts else ""
        if not word:
            return self._given.defaults.severity
        return self._given.severities.get(word.lower()) or severity_of(word)

    def _text(self, key: str, context: Mapping[str, Any]) -> str:
        found = self._texts[key].plain(context) if key in self._texts else ""
        return found or str(getattr(self._given.defaults, key))

    def _named(self, table: str, context: Mapping[str, Any]) -> dict[str, str]:
        """Fill a table: all of an object first, so that what is named wins; then what is missing."""
        found: dict[str, str] = {}
        for name, expression in self._tables[table].items():
            found |= expression.scalars(context) if name == ALL else {name: expression.plain(context)}
        defaults: dict[str, str] = getattr(self._given.defaults, table)
        return defaults | {name: text for name, text in found.items() if text}


def _optional(mapping: GenericMapping, key: str) -> Expression | None:
    text = getattr(mapping, key)
    return Expression(text, key) if text is not None else None


def _parts(mapping: GenericMapping) -> list[Expression]:
    if isinstance(mapping.identity, str):
        return [Expression(mapping.identity, "identity")]
    return [Expression(text, f"identity[{n}]") for n, text in enumerate(mapping.identity)]


def _table(mapping: GenericMapping, key: str) -> dict[str, Expression]:
    given: dict[str, str] = getattr(mapping, key)
    return {
        name: Expression(given[name], f"{key}.{name}") for name in sorted(given, key=lambda name: name != ALL)
    }


def _context(item: Any, around: Mapping[str, Any]) -> dict[str, Any]:
    """Put the whole beside the part; what is no object is called ``_item``."""
    return {**item, **around} if isinstance(item, dict) else {"_item": item, **around}
