"""The audit log: everything that was asked for beyond looking, by whom, and what was answered."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from aiohttp import web

from domain.access import Principal
from domain.events import Audited, encode
from domain.ports import Broker, Message, alerts_mailbox
from domain.times import Millis

LONGEST = 512
"""Characters kept of an address."""

log = structlog.get_logger("audit")


class Audit:
    """Puts lines into the audit log. They lie with the first partition."""

    def __init__(self, broker: Broker, clock: Callable[[], Millis]) -> None:
        self._broker = broker
        self._clock = clock

    async def record(self, principal: Principal, request: web.Request, status: int) -> None:
        """Record what was asked for, durably, before it is answered.

        Raises:
            BrokerUnavailable: it cannot be recorded now.
        """
        line = Audited(
            self._clock(),
            principal.name,
            principal.role.value,
            request.method,
            request.path_qs[:LONGEST],
            int(status),
            request.remote or "",
        )
        log.info(
            "asked", actor=line.actor, role=line.role, method=line.method, path=line.path, status=line.status
        )
        await self._broker.publish(alerts_mailbox(0), [Message("operator", 0, encode([line]))])
