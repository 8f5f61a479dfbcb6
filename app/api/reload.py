"""``/api/v1/reload``: the configuration is read again, and taken up if it has no mistake."""

from __future__ import annotations

from http import HTTPStatus

from aiohttp import web

from app.api.answers import json
from app.api.paging import read_query
from app.api.shapes import ConfigurationView
from app.standing import Reloads, Standing
from config.problems import ConfigError
from domain.times import to_text
from ingest.problems import Refusal


class Reload:
    """Reloads this process; others are asked themselves."""

    def __init__(self, reloader: Reloads) -> None:
        self._reloader = reloader

    async def answer(self, request: web.Request) -> web.Response:
        """Reload on POST; else tell what is in force, and how the last reload went."""
        read_query(request, {})
        if request.method != "POST":
            return json(_view(self._reloader.standing))
        try:
            return json(await self._reloader.reload("request"))
        except ConfigError as error:
            mistakes = list(map(str, error.problems))
            detail = f"nothing was changed: the configuration has {len(mistakes)} mistakes"
            raise Refusal(
                HTTPStatus.UNPROCESSABLE_ENTITY, "bad-configuration", detail, members={"mistakes": mistakes}
            ) from None


def _view(standing: Standing) -> ConfigurationView:
    return {
        "version": standing.version,
        "loaded_at": to_text(standing.loaded_at),
        "failed": standing.failed,
        "mistakes": list(standing.mistakes),
    }
