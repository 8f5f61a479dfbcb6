"""Makes the calls that the delivery shard decided on: bounded, within the rate budget, behind the breaker.

Retries are not here: how a call ended goes back to the shard, which decides what follows.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import structlog
from aiolimiter import AsyncLimiter

from adapters.delivery.breaker import calls_allowed
from adapters.delivery.state import Breaker, Call, Failure, Outcome, in_words
from domain.errors import DeliveryError, PermanentError, Reason, TemporaryError
from domain.incident import Note, TicketRef
from domain.ports import Capability, TicketSystem
from domain.ticket import TicketAction, TicketLink
from domain.times import Millis

log = structlog.get_logger("delivery")


class Calls:
    """The calls under way at one destination.

    At most *most* at once; each is given up after *patience* seconds, whatever the adapter does.
    """

    def __init__(
        self,
        system: TicketSystem,
        *,
        most: int,
        patience: float,
        budget: AsyncLimiter | None,
        clock: Callable[[], Millis],
    ) -> None:
        self.wake = asyncio.Event()
        self._system = system
        self._most = most
        self._patience = patience
        self._budget = budget
        self._clock = clock
        self._breaker = Breaker()
        self._tasks: set[asyncio.Task[Outcome]] = set()
        self._outcomes: list[Outcome] = []

    def room(self) -> int:
        """How many more calls may begin now."""
        allowed = calls_allowed(self._breaker, self._most, self._clock())
        free = max(0, allowed - len(self._tasks))
        while free and self._budget is not None and not self._budget.has_capacity(free):
            free -= 1
        return free

    def room_in(self) -> float:
        """Seconds until there may be more room; infinite when only the end of a call can make some."""
        rest = self._breaker.until - self._clock()
        if rest > 0:
            return rest / 1000
        if len(self._tasks) >= self._most or self._budget is None:
            return math.inf
        return self._budget.time_period / self._budget.max_rate

    def begin(self, actions: list[Call | Breaker]) -> None:
        """Start calls; heed the breaker from now on."""
        for action in actions:
            if isinstance(action, Breaker):
                self._breaker = action
            else:
                self._start(action)

    def _start(self, call: Call) -> None:
        task = asyncio.create_task(self._perform(call))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[Outcome]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._outcomes.append(task.result())
            self.wake.set()

    def collect(self, now: Millis) -> list[Outcome]:  # noqa: ARG002 - outcomes carry their own moment
        """Take what ended since."""
        self.wake.clear()
        outcomes, self._outcomes = self._outcomes, []
        return outcomes

    def in_flight(self) -> int:
        """Count calls begun whose outcome was not collected."""
        return len(self._tasks) + len(self._outcomes)

    def forget(self) -> None:
        """Give all calls up. Whoever owns the shard next finds out what became of them."""
        for task in self._tasks:
            task.remove_done_callback(self._ended)
            task.cancel()
        self._tasks.clear()
        self._outcomes.clear()
        self._breaker = Breaker()

    async def _perform(self, call: Call) -> Outcome:
        if self._budget is not None:
            await self._budget.acquire()
        try:
            async with asyncio.timeout(self._patience):
                ref = await self._send(call)
                return Outcome(self._clock(), call, ref)
        except TimeoutError:
            return self._failed(call, TemporaryError("no answer", Reason.TIMEOUT, unknown=True))
        except DeliveryError as error:
            return self._failed(call, error)
        except Exception as error:  # a defect of one adapter must not end the shard
            log.exception("adapter_failed", action=call.action.value, key=call.ticket.key)
            return self._failed(call, PermanentError(repr(error), Reason.BUG, unknown=True))

    async def _send(self, call: Call) -> TicketRef | None:
        if call.action is TicketAction.FIND:
            return await self._system.find(call.ticket.key)
        if call.action is TicketAction.CREATE or call.ref is None:
            return await self._system.create(call.ticket)
        if call.action is TicketAction.COMMENT:
            await self._system.comment(call.ref, _joined(call.notes))
            return call.ref
        if call.action is TicketAction.LINK and call.link is not None:
            await self._relate(call.ref, call.link)
            return call.ref
        action = call.action
        if action is TicketAction.TRANSITION and Capability.TRANSITION not in self._system.capabilities:
            action = TicketAction.UPDATE
        return await self._system.update(call.ref, call.ticket, action)

    async def _relate(self, ref: TicketRef, link: TicketLink) -> None:
        """Link the two; where the tool has no links, tell of the other in a note."""
        if Capability.LINK in self._system.capabilities:
            await self._system.link(ref, link.ref, link.kind)
        else:
            await self._system.comment(ref, Note("0", in_words(link)))

    def _failed(self, call: Call, error: DeliveryError) -> Outcome:
        retry_after = getattr(error, "retry_after", None) or 0.0
        failure = Failure(
            message=str(error),
            reason=error.reason,
            permanent=isinstance(error, PermanentError),
            unknown=error.unknown,
            retry_after=round(retry_after * 1000),
            request=error.request,
        )
        return Outcome(self._clock(), call, failure=failure)


def _joined(notes: tuple[Note, ...]) -> Note:
    """Tell what has gathered in one comment."""
    return Note(notes[-1].id, "\n".join(note.text for note in notes))
