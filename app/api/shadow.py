"""``/api/v1/shadow``: what rules in shadow would have done."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from aiohttp import web
from msgspec import Meta

from app.api.answers import json
from app.api.paging import TEXT, read_query
from app.reads import ReadModel
from correlation.shadow_log import SHADOWS, Shadow, ShadowLog
from domain.times import to_text

LIST = {"rule": TEXT, "kind": TEXT}


class ShadowView(msgspec.Struct, frozen=True):
    """What one rule would have done once."""

    at: Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
    kind: Annotated[str, Meta(description="groups, enrich or routes.")]
    rule: str
    says: str
    alert: str
    incident: Annotated[str, Meta(description="The one that the alert belongs to, as things are.")]


class Shadows(msgspec.Struct, frozen=True):
    """The last lines, the newest first. How often each rule was concerned is in the stats."""

    items: tuple[ShadowView, ...]


class ShadowApi:
    """Answers about rules in shadow."""

    def __init__(self, reads: ReadModel) -> None:
        self._reads = reads

    async def list(self, request: web.Request) -> web.Response:
        """List what is still kept of it, of all partitions."""
        query = read_query(request, LIST)
        found = await asyncio.gather(
            *(self._reads.records(shard, [SHADOWS], ShadowLog) for shard in self._reads.shards)
        )
        lines = [line for (log,) in found if log is not None for line in log.lines]
        wanted = [
            line
            for line in lines
            if query.get("rule") in {None, line.rule} and query.get("kind") in {None, line.kind}
        ]
        wanted.sort(key=lambda line: line.at, reverse=True)
        return json(Shadows(tuple(map(_view, wanted))))


def _view(line: Shadow) -> ShadowView:
    return ShadowView(to_text(line.at), line.kind, line.rule, line.says, line.alert, line.incident)
