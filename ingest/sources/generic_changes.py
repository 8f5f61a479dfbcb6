"""Changes of any tool that posts JSON or a form, read by a mapping with ``kind: change``. See ``guides/generic.md``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

from domain.change import Change, ChangeState
from ingest.sources.body import BadBody
from ingest.sources.build_change import Told, build_change
from ingest.sources.forms import form_or_json
from ingest.sources.generic_expressions import Expression
from ingest.sources.generic_models import IGNORE, ChangeMapping
from ingest.sources.post import Parsed, Parser, Post

WORDS = {
    ChangeState.PLANNED: "planned scheduled approved new pending queued waiting created",
    ChangeState.STARTED: "started running in_progress implement implementing deploying progressing",
    ChangeState.SUCCEEDED: "succeeded success successful completed complete done closed finished synced healthy",
    ChangeState.FAILED: "failed failure error unsuccessful aborted canceled cancelled degraded unstable",
    ChangeState.ROLLED_BACK: "rolled_back rollback reverted backed_out",
}
STATES = {word: state for state, words in WORDS.items() for word in words.split()}
"""Understood without a table."""
_TEXTS = ("title", "kind_of_change", "environment", "actor", "url", "state")
_LISTS = ("services", "resources")


def parser(mapping: ChangeMapping) -> Parser:
    """Make the parser of a source. The expressions are compiled here, once."""
    return _Reader(mapping).read


class _Reader:
    def __init__(self, mapping: ChangeMapping) -> None:
        self._given = mapping
        self._items = Expression(mapping.items, "items") if mapping.items is not None else None
        self._identity = Expression(mapping.identity, "identity")
        self._found = {
            key: Expression(text, key)
            for key in (*_TEXTS, *_LISTS, "starts_at", "ends_at")
            if (text := getattr(mapping, key)) is not None
        }
        self._zone = ZoneInfo(mapping.zone) if mapping.zone else None

    def read(self, post: Post) -> Parsed:
        """Read a body: one change, or those of ``items``."""
        body = form_or_json(post).value
        around = {"_body": body, "_query": dict(post.query)}
        items = [body] if self._items is None else self._items.list(_context(body, around))
        found = [self._change(post, _context(item, around)) for item in items]
        changes = [change for change in found if change is not None]
        return Parsed(changes=changes, nothing="" if changes else "not_a_change")

    def _change(self, post: Post, context: Mapping[str, Any]) -> Change | None:
        state = self._state(context)
        if state is None:
            return None
        key = self._identity.plain(context)
        if not key:
            raise BadBody("finds nothing", "mapping.identity")
        return build_change(
            post,
            Told(
                key=key,
                kind=self._text("kind_of_change", context) or "change",
                state=state,
                title=self._text("title", context),
                services=self._list("services", context),
                resources=self._list("resources", context),
                environment=self._text("environment", context),
                starts_at=self._moment("starts_at", context),
                ends_at=self._moment("ends_at", context),
                actor=self._text("actor", context),
                url=self._text("url", context),
            ),
        )

    def _state(self, context: Mapping[str, Any]) -> ChangeState | None:
        word = self._text("state", context)
        if not word:
            return self._given.default_state
        known = self._given.states.get(word.lower()) or STATES.get(word.lower().replace(" ", "_"))
        if known is None and self._given.default_state is None:
            raise BadBody(f"finds {word!r}, which is not in states", "mapping.state")
        found = known or self._given.default_state
        return None if found is None or found == IGNORE else ChangeState(found)

    def _text(self, key: str, context: Mapping[str, Any]) -> str:
        return self._found[key].plain(context) if key in self._found else ""

    def _list(self, key: str, context: Mapping[str, Any]) -> tuple[str, ...]:
        """Read a list of texts, or one."""
        if key not in self._found:
            return ()
        value = self._found[key].value(context)
        parts = value if isinstance(value, list) else [value]
        return tuple(str(part) for part in parts if isinstance(part, str | int) and part != "")

    def _moment(self, key: str, context: Mapping[str, Any]) -> int | None:
        return self._found[key].moment(context, self._zone) if key in self._found else None


def _context(item: Any, around: Mapping[str, Any]) -> dict[str, Any]:
    return {**item, **around} if isinstance(item, dict) else {"_item": item, **around}
