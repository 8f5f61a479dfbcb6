"""``tocsin check --online``: whether each ticketing tool answers, lets us in, and has what we write to."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import typer

from adapters.tickets import DestinationConfig
from app.destinations import REQUESTS_A_CALL, built
from config.settings import Settings
from domain.errors import DeliveryError
from domain.ports import Capability


def run_online(settings: Settings) -> None:
    """Ask all destinations at once; print a line for each, and exit with 1 if any is not fine."""
    answers = asyncio.run(_ask(settings))
    for name, said in answers.items():
        typer.echo(f"{name}: {said}")
    if any(not said.startswith("OK") for said in answers.values()):
        raise typer.Exit(1)


async def _ask(settings: Settings) -> dict[str, str]:
    async with AsyncExitStack() as stack:
        asked = [_asked(name, config, stack) for name, config in settings.destinations.items()]
        return dict(zip(settings.destinations, await asyncio.gather(*asked), strict=True))


async def _asked(name: str, config: DestinationConfig, stack: AsyncExitStack) -> str:
    system = built(name, config, stack)
    if Capability.PING not in system.capabilities:
        return f"OK ({config.type}), but it cannot be asked: only a message would tell"
    try:
        async with asyncio.timeout(config.timeout_seconds * REQUESTS_A_CALL):
            await system.ping()
    except DeliveryError as error:
        return f"{error.reason.value} ({config.type}): {error}"
    except TimeoutError:
        return f"timeout ({config.type}): no answer within {config.timeout_seconds * REQUESTS_A_CALL:g} s"
    return f"OK ({config.type})"
