"""``/api/v1/silences``: what people want to hear nothing of for a time. Takes Alertmanager's bodies, too.

See https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml, postableSilence.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Annotated, Any, Self
from uuid import uuid4

from aiohttp import web
from msgspec.structs import replace
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from app.access.asking import actor
from app.api.answers import json, not_found
from app.api.paging import TEXT, one_of, read_query
from app.api.views import silence_view
from app.silencing import Silencing, read_silences
from domain.matching import Matcher
from domain.suppression import Silence, SilenceState
from domain.times import Millis
from ingest.problems import Refusal
from notation import Duration, MatcherText

LIST = {"state": one_of(SilenceState)}
EXPIRE = {"by": TEXT}
_TEXT_AT_MOST = 2_000
_RENAMED = {"startsAt": "starts_at", "endsAt": "ends_at", "createdBy": "author"}
"""Alertmanager's names."""


class AlertmanagerMatcher(BaseModel):
    """A matcher as Alertmanager's API has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    value: str
    isRegex: bool = False  # noqa: N815 - Alertmanager's name
    isEqual: bool = True  # noqa: N815 - Alertmanager's name

    @property
    def text(self) -> str:
        """Write it as a text."""
        operator = ("=~" if self.isEqual else "!~") if self.isRegex else ("=" if self.isEqual else "!=")
        return f"{_quoted(self.name)}{operator}{_quoted(self.value)}"


class SilenceBody(BaseModel):
    """What is posted: our names, or Alertmanager's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: str = Field("", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    matchers: Annotated[list[MatcherText | AlertmanagerMatcher], Field(min_length=1, max_length=50)]
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    duration: Duration | None = None
    author: str = Field(min_length=1, max_length=_TEXT_AT_MOST)
    comment: str = Field("", max_length=_TEXT_AT_MOST)

    @model_validator(mode="before")
    @classmethod
    def _in_our_words(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {_RENAMED.get(name, name): value for name, value in given.items()}

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if (self.ends_at is None) is (self.duration is None):
            raise ValueError("say when it ends: either ends_at or duration")
        if Matcher.of(self.texts).matches({}):
            raise ValueError("it would silence everything: at least one matcher must not match an empty text")
        return self

    @property
    def texts(self) -> tuple[str, ...]:
        """Write the matchers as texts."""
        return tuple(each if isinstance(each, str) else each.text for each in self.matchers)

    def silence(self, now: Millis) -> Silence:
        """Make it, from *now* on unless it says otherwise.

        Raises:
            ValueError: it would be over before it begins.
        """
        starts_at = _millis(self.starts_at) if self.starts_at else now
        ends_at = _millis(self.ends_at) if self.ends_at else starts_at + (self.duration or 0)
        if ends_at <= max(starts_at, now):
            raise ValueError("it would be over before it begins")
        return Silence(self.id or str(uuid4()), self.texts, starts_at, ends_at, self.author, self.comment)


class SilencesApi:
    """Answers about silences. What is asked for goes through the mailboxes that alerts go through."""

    def __init__(self, silencing: Silencing) -> None:
        self._silencing = silencing

    async def all(self, request: web.Request) -> web.Response:
        """List them, or set one."""
        if request.method == "POST":
            return await self._put(request)
        query = read_query(request, LIST)
        now = self._silencing.clock()
        shown = [silence_view(each, now) for each in await read_silences(self._silencing.reads)]
        wanted = query.get("state")
        items = [each for each in shown if wanted in (None, each["state"])]
        return json({"items": items, "next": None})

    async def one(self, request: web.Request) -> web.Response:
        """Show one, or end it before its time."""
        is_end = request.method == "DELETE"
        query = read_query(request, EXPIRE if is_end else {})
        name = request.match_info["id"]
        silence = await self._silencing.one(name)
        if silence is None:
            raise not_found("unknown-silence", f"there is no silence {name!r}, or not any more")
        if is_end:
            await self._silencing.expire(name, actor(request, query.get("by", "somebody")))
            return json({"id": name, "expired": True})
        now = self._silencing.clock()
        return json({**silence_view(silence, now), "alerts": await self._silencing.waiting(silence)})

    async def _put(self, request: web.Request) -> web.Response:
        read_query(request, {})
        now = self._silencing.clock()
        try:
            silence = SilenceBody.model_validate_json(await request.read()).silence(now)
        except ValidationError as error:
            raise _refused("; ".join(map(_told, error.errors(include_url=False)))) from None
        except ValueError as error:
            raise _refused(str(error)) from None
        silence = replace(silence, author=actor(request, silence.author))
        await self._silencing.put(silence)
        return json(silence_view(silence, now))


def _told(error: object) -> str:
    assert isinstance(error, dict)
    place = ".".join(map(str, error["loc"]))
    message = str(error["msg"]).removeprefix("Value error, ")
    return f"{place}: {message}" if place else message


def _refused(detail: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, "bad-silence", detail)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _millis(moment: datetime) -> Millis:
    return (moment - datetime.fromtimestamp(0, moment.tzinfo)) // timedelta(milliseconds=1)
