"""Webhooks in: who may post, what they posted, and the answer once the alerts are on durable storage."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from yarl import URL

from domain.errors import StorageFull, Unavailable
from domain.times import Millis
from ingest import answering
from ingest.admission import Budget
from ingest.auth import Result, Verdict
from ingest.authenticating import before_body, by_header, with_body
from ingest.deliveries import Answer, Deliveries, delivery_of
from ingest.heads import PUSH_PATH, Whole
from ingest.identity_lint import IdentityLint
from ingest.intake import Accepts, Intake
from ingest.presenting import post_of, routing_key
from ingest.problems import Refusal
from ingest.quarantine import Replaying
from ingest.reading import Body, Bounds, body_of, read_body, read_plain
from ingest.recorder import Recorder
from ingest.source import Source
from ingest.sources import BadBody, Post, Style

KEEPALIVE = 75.0
"""Seconds that a connection stays open with nothing on it."""

SERVER_OPTIONS: Mapping[str, Any] = {"auto_decompress": False, "keepalive_timeout": KEEPALIVE}
"""For ``web.AppRunner``: bodies are unpacked here, within a bound; aiohttp would do it without one.

It would also wait an hour for the head of a request.
"""

REST = r"{rest:[\s\S]*}"
"""What follows in a path, whatever it is: a dot would stop at the end of a line, which a name may hold."""
ACCEPTED = "accepted"
REPEATED = "repeated"
BYTES_IN_FLIGHT = 64 * 1024 * 1024
_ALREADY = Answer(202, "application/json", b'{"id":"","accepted":0,"nothing":"repeated"}')
_EXPECTED = (Refusal, BadBody, StorageFull, Unavailable)
Request = web.Request | Whole
_EARLY_BODY = web.RequestKey("body", Body)
"""Where a body is kept that had to be read to find its source."""


class Ingest:
    """The handlers of all addresses that tools post to.

    - ``/ingest/{source}[/...]``: a tool's webhook; 202 with ``{"id", "accepted"}``, or what the tool wants to hear.
    - ``POST /ingest/{source}/api/v2/alerts``: Prometheus with ``path_prefix: /ingest/{source}``; 200, empty.
    - ``POST /api/v2/alerts``: Prometheus as it comes; 200, empty. The source is that of ``?source=``, else
      the first configured one whose credentials match, else the first that is open to everybody.
    - ``POST /v2/enqueue``: PagerDuty's Events API, and ``/v2/alerts[/...]``: Opsgenie's; the source is found so too.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        publisher: Accepts,
        now: Callable[[], Millis],
        bounds: Bounds | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self._sources = dict(sources)
        self._recorder = recorder
        self._now = now
        self._bounds = bounds or Bounds()
        self._budget = Budget(BYTES_IN_FLIGHT)
        self._shares = {name: self._share() for name in sources}
        self._deliveries = Deliveries()
        self.intake = Intake(publisher, self._bounds.max_depth)
        self.replaying = Replaying(self._sources, self.intake, now, self._plain_body)
        self.requests: Counter[tuple[str, str]] = Counter()
        """(source, result) → requests. A result is ``accepted`` or the slug of a problem: few and fixed."""

    @property
    def alerts(self) -> Mapping[str, int]:
        """Source → alerts accepted."""
        return self.intake.alerts

    @property
    def noticed(self) -> Mapping[tuple[str, str], int]:
        """(source, what) → how often something worth a look was seen."""
        return self.intake.noticed

    @property
    def lints(self) -> Mapping[str, IdentityLint]:
        """What was seen of identities, by the sources that have labels for it."""
        return {name: each.lint for name, each in self._sources.items() if each.lint is not None}

    def routes(self) -> list[web.RouteDef]:
        """List what to add to the application. They take every method, to answer a wrong one in our way."""
        return [
            web.route("*", "/ingest/{source}", self.webhook),
            web.route("*", f"/ingest/{{source}}/{REST}", self.webhook),
            web.route("*", "/api/v2/alerts", self.push),
            web.route("*", "/v2/enqueue", self.enqueue),
            web.route("*", "/v2/change/enqueue", self.enqueue),
            web.route("*", "/v2/alerts", self.opsgenie),
            web.route("*", f"/v2/alerts/{REST}", self.opsgenie),
            web.route("*", f"/v2/heartbeats/{REST}", self.opsgenie),
        ]

    async def expect(self, sources: Mapping[str, Source]) -> None:
        """Have something expected of those of *sources* of which that is configured."""
        await self.intake.expect(sources.values(), self._now)

    def adopt(self, changed: Mapping[str, Source], order: Sequence[str], bounds: Bounds) -> None:
        """Take alerts of the sources in *order*, of which *changed* ones are new or others than before.

        A request that is being read is finished as it began.
        """
        known = {**self._sources, **changed}
        self._sources.clear()
        self._sources.update({name: known[name] for name in order})
        self._shares = {name: self._shares.get(name) or self._share() for name in order}
        self._bounds = bounds
        self.intake.max_depth = bounds.max_depth

    def _share(self) -> Budget:
        return Budget(BYTES_IN_FLIGHT // 2, self._budget)

    async def webhook(self, request: web.Request) -> web.Response:
        """Take a tool's own webhook, or a push, for the source named in the path."""
        name = request.match_info["source"]
        path = _beyond(request, "/ingest/", 1) if "rest" in request.match_info else ""
        return (await self._receive(request, name, path, Style.TOCSIN)).response()

    async def express(self, request: Whole) -> Answer:
        """Take what has arrived whole and is a webhook or a push, from who has read its head."""
        return await self._receive(request, request.head.source, request.head.path, Style.TOCSIN)

    async def push(self, request: web.Request) -> web.Response:
        """Take what Prometheus pushes to an Alertmanager, for the source that its credentials tell."""
        name = request.query.get("source")
        return (await self._receive(request, name, PUSH_PATH, Style.TOCSIN)).response()

    async def enqueue(self, request: web.Request) -> web.Response:
        """Take an event of PagerDuty's Events API, for the source whose token its routing key is."""
        return (await self._receive(request, None, _beyond(request, "/", 0), Style.PAGERDUTY)).response()

    async def opsgenie(self, request: web.Request) -> web.Response:
        """Take a request of Opsgenie's Alert API, for the source whose token its key is."""
        return (await self._receive(request, None, _beyond(request, "/", 0), Style.OPSGENIE)).response()

    async def _receive(self, request: Request, name: str | None, path: str, style: Style) -> Answer:
        source = self._sources.get(name or "")
        try:
            source = await self._matching(request, style) if name is None else self._named(name, source)
            if request.method == "OPTIONS":
                return answering.handshake(request, source.tool.methods)
            _check_method(request, source)
            source.gate.enter(asyncio.get_running_loop().time())
            try:
                return await self._take(request, source, path)
            finally:
                source.gate.leave()
        except _EXPECTED as error:
            refusal = answering.refusal_of(error)
            self.requests[source.name if source else "", refusal.slug] += 1
            return answering.refused(refusal, source.tool.style if source else style)

    def _named(self, name: str, source: Source | None) -> Source:
        if source is None:
            raise self._unknown(f"there is no source {name!r}")
        return source

    def _unknown(self, detail: str) -> Refusal:
        members = {"known": list(self._sources)}
        return Refusal(HTTPStatus.NOT_FOUND, "unknown-source", detail, members=members)

    async def _matching(self, request: Request, style: Style) -> Source:
        """Choose a source by the credentials."""
        if style is Style.TOCSIN:
            fit = [source for source in self._sources.values() if source.tool.parse_push]
            wanted = "takes what Prometheus pushes; configure one of type alertmanager"
        else:
            fit = [source for source in self._sources.values() if source.tool.style is style]
            wanted = f"takes what is sent to {style.value}; configure one of such a type"
        if not fit:
            raise self._unknown(f"no source {wanted}")
        return _best(fit, await self._credentials(request, fit, style))

    async def _credentials(self, request: Request, fit: list[Source], style: Style) -> str | None:
        header = request.headers.get("Authorization")
        if style is Style.OPSGENIE and header:
            return f"Bearer {header.partition(' ')[2]}"
        if style is Style.PAGERDUTY and not header and request.method == "POST":
            body = await self._read(request, fit[0])
            if isinstance(request, web.Request):
                request[_EARLY_BODY] = body
            return f"Bearer {routing_key(body.unpacked)}"
        return header

    async def _read(self, request: Request, source: Source) -> Body:
        if isinstance(request, Whole):
            return body_of(request, self._bounds, source.tool)
        early: Body | None = request.get(_EARLY_BODY) if source.tool.style is Style.PAGERDUTY else None
        if early is not None:
            return early
        share = self._shares.get(source.name, self._budget)  # it may have been taken out meanwhile
        return await read_body(request, self._bounds, source.tool, share)

    async def _plain_body(self, request: web.Request) -> bytes:
        return await read_plain(request, self._bounds, self._budget)

    async def _take(self, request: Request, source: Source, path: str) -> Answer:
        push = path == PUSH_PATH
        if push and source.tool.parse_push is None:
            detail = (
                f"source {source.name!r} does not take what Prometheus pushes; post to /ingest/{source.name}"
            )
            raise Refusal(HTTPStatus.NOT_FOUND, "no-push", detail)
        now = self._now()
        verdict = by_header(request, source) or await before_body(request, source, now, path)
        if isinstance(request, Whole):
            body = body_of(request, self._bounds, source.tool)
        else:
            body = await self._read(request, source)
        verdict = verdict or await with_body(request, source, body, now, path)
        post = post_of(request, body.unpacked, self._now(), source.name, path)
        if self._recorder is not None and not self._recorder.note(post):
            self.intake.noticed[source.name, "not_recorded"] += 1
        return await self._settle(source, post, verdict, push=push)

    async def _settle(self, source: Source, post: Post, verdict: Verdict, *, push: bool) -> Answer:
        delivery = delivery_of(source.tool, post) or _signed(verdict)
        known = self._deliveries.answer(source.name, delivery, post.received_at) if delivery else None
        if known is not None or verdict.result is Result.REPLAYED:
            self.requests[source.name, REPEATED] += 1
            return known or _ALREADY
        taken = await self.intake.take(source, post)
        if verdict.confirm is not None:
            await source.auth.confirm(verdict.confirm)
        refusal = answering.refusal_in(taken, source)
        if refusal is None:
            source.auth.remember(verdict, post.received_at)
            answer = answering.accepted(taken, source, push=push)
            self.requests[source.name, "quarantined" if taken.fault else ACCEPTED] += 1
        else:  # nothing of it was accepted: sent again, it is told so again
            answer = answering.refused(refusal, source.tool.style)
            self.requests[source.name, refusal.slug] += 1
        if delivery:
            self._deliveries.remember(source.name, delivery, post.received_at, answer)
        return answer


def _signed(verdict: Verdict) -> str:
    """Name a delivery by its signature, where that is good for one time only."""
    return f"signed {verdict.once.key.hex()}" if verdict.once else ""


def _best(fit: Iterable[Source], header: str | None) -> Source:
    """Prefer the source that the credentials open, then one that is open to everybody."""
    sources = list(fit)
    matching = [source for source in sources if source.auth.accepts(header)]
    matching.sort(key=lambda source: source.auth.open)
    return (matching or sources)[0]


def _beyond(request: web.Request, prefix: str, parts: int) -> str:
    """Give what follows in the path, as it was sent: names in it may hold an escaped slash."""
    rest = URL(request.raw_path, encoded=True).raw_path.removeprefix(prefix)
    return rest.split("/", parts)[-1] if parts else rest


def _check_method(request: Request, source: Source) -> None:
    methods = source.tool.methods
    if request.method not in methods:
        detail = f"alerts are sent with {' or '.join(methods)}, not {request.method}"
        allow = {"Allow": ", ".join(methods)}
        raise Refusal(HTTPStatus.METHOD_NOT_ALLOWED, "method-not-allowed", detail, headers=allow)
