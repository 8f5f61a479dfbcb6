"""What the demo asks of the server, all over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from typing import TypeVar

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from domain.errors import TocsinError
from domain.ticket import TicketAction

T = TypeVar("T")

PAGE = 500


class Unexpected(TocsinError):
    """The server did not answer as it should."""


class Ticket(msgspec.Struct, frozen=True):
    """A ticket as an incident shows it."""

    destination: str
    id: str | None
    state: str
    version: int


class Incident(msgspec.Struct, frozen=True):
    """What the demo shows of an incident."""

    id: str
    state: str
    title: str
    service: str
    services: list[str]
    priority: str | None
    team: str
    alerts: int
    events: int
    revision: int
    tickets: list[Ticket]


class Destination(msgspec.Struct, frozen=True):
    """How delivery stands."""

    pending: int
    parked: int


class Stats(msgspec.Struct, frozen=True):
    """The loss accounting."""

    accepted: int
    in_flight: int
    outcomes: dict[str, int]
    destinations: dict[str, Destination]


class _Page(msgspec.Struct, frozen=True):
    items: list[Incident]
    next: str | None = None


class _Accepted(msgspec.Struct, frozen=True):
    accepted: int


class Client:
    """Speaks to one server."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def is_ready(self) -> bool:
        """Tell whether it has all it needs."""
        try:
            async with self._session.get(f"{self._url}/readyz") as answer:
                return answer.status == HTTPStatus.OK
        except aiohttp.ClientError:
            return False

    async def post(self, path: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Post alerts, again where the server asks to wait; return how many it accepted."""
        while True:
            async with self._session.post(f"{self._url}{path}", data=body, headers=headers) as answer:
                if answer.status == HTTPStatus.ACCEPTED:
                    return msgspec.json.decode(await answer.read(), type=_Accepted).accepted
                if "Retry-After" not in answer.headers:
                    raise Unexpected(f"{path} answered {answer.status}: {await answer.text()}")
            await asyncio.sleep(float(answer.headers["Retry-After"]))

    async def stats(self) -> Stats:
        """Read the loss accounting."""
        return await self._get("/api/v1/stats", {}, Stats)

    async def incidents(self, **wanted: str) -> list[Incident]:
        """List incidents, however many pages that takes."""
        found: list[Incident] = []
        cursor: dict[str, str] = {}
        while True:
            query = {"limit": str(PAGE), **wanted, **cursor}
            page = await self._get("/api/v1/incidents", query, _Page)
            found += page.items
            if page.next is None:
                return found
            cursor = {"cursor": page.next}

    async def creates(self) -> int:
        """Count the tickets that were made, as the calls to the ticketing tool are metered."""
        families = text_string_to_metric_families((await self._read("/metrics", {})).decode())
        samples = (sample for family in families for sample in family.samples)
        return round(sum(sample.value for sample in samples if _is_create(sample)))

    async def _get(self, path: str, query: Mapping[str, str], kind: type[T]) -> T:
        return msgspec.json.decode(await self._read(path, query), type=kind)

    async def _read(self, path: str, query: Mapping[str, str]) -> bytes:
        async with self._session.get(f"{self._url}{path}", params=query) as answer:
            if answer.status != HTTPStatus.OK:
                raise Unexpected(f"{path} answered {answer.status}: {await answer.text()}")
            return await answer.read()


def _is_create(sample: Sample) -> bool:
    labels = sample.labels
    return (
        sample.name == "tocsin_delivery_calls_total"
        and labels["action"] == TicketAction.CREATE
        and labels["result"] == "ok"
    )
