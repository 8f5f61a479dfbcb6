"""What a request means to a source: parsed, and treated as the source's settings say. Pure."""

from __future__ import annotations

from collections import Counter
from http import HTTPStatus

from domain.times import Millis
from ingest.depth import is_deeper
from ingest.problems import Refusal
from ingest.source import Source
from ingest.sources import BadBody, Parsed, Post
from ingest.sources.circumstances import set_circumstances

SKEW: Millis = 300_000
"""A clock that is ahead by more than this is counted."""
MAX_DEPTH = 64


def understand(source: Source, post: Post, noticed: Counter[str], max_depth: int = MAX_DEPTH) -> Parsed:
    """Parse and treat; what is worth a look is counted in *noticed*.

    Raises:
        BadBody: if it is not what the tool sends.
        Refusal: if there is too much in it.
    """
    if is_deeper(post.body, max_depth):
        raise BadBody(f"nested deeper than {max_depth} levels")
    set_circumstances(source.circumstances)
    parsed = _parsed(source, post, noticed)
    if len(parsed.alerts) > source.max_alerts:
        detail = f"the body holds {len(parsed.alerts)} alerts; this source may post {source.max_alerts}"
        members = {"limit": source.max_alerts}
        raise Refusal(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-many-alerts", detail, members=members)
    if source.circumstances.ahead and source.circumstances.take_ahead() > SKEW:
        noticed["clock_ahead"] += 1
    parsed.alerts = source.treatment.apply(parsed.alerts, len(post.body), noticed)
    return parsed


def _parsed(source: Source, post: Post, noticed: Counter[str]) -> Parsed:
    try:
        return source.tool.read(post)
    except BadBody:
        raise
    except Exception as error:  # a parser's mistake must not lose what was sent
        noticed["parser_failed"] += 1
        raise BadBody(f"the parser of {source.tool.type} failed: {type(error).__name__}: {error}") from error
