"""What the stories wait for, and what they look at."""

from __future__ import annotations

from typing import Any

from tests.e2e.serve import Tocsin, eventually


async def the_incident(tocsin: Tocsin, *, shows: int) -> dict[str, Any]:
    """Wait until there is one incident whose ticket shows its revision *shows*, and return it."""

    async def check() -> dict[str, Any]:
        [incident] = await tocsin.incidents()
        [ticket] = incident["tickets"]
        assert (incident["revision"], ticket["version"]) == (shows, shows), (incident, await tocsin.stats())
        return dict(incident)

    return await eventually(check)


async def settled(tocsin: Tocsin, accepted: int) -> dict[str, Any]:
    """Wait until *accepted* alerts have their outcome and every ticket shows what it should."""

    async def check() -> dict[str, Any]:
        stats = await decided(tocsin, accepted)
        assert stats["destinations"]["noc"]["pending"] == 0, stats
        assert not any(stats["mailboxes"].values()), stats
        for incident in await tocsin.incidents():
            assert {each["version"] for each in incident["tickets"]} == {incident["revision"]}, incident
        return stats

    return await eventually(check)


async def decided(tocsin: Tocsin, accepted: int) -> dict[str, Any]:
    """Wait until *accepted* alerts have their outcome, whatever becomes of the tickets."""

    async def check() -> dict[str, Any]:
        stats = await tocsin.stats()
        assert (stats["accepted"], stats["in_flight"]) == (accepted, 0), stats
        return dict(stats)

    return await eventually(check)


async def pending(tocsin: Tocsin, tickets: int) -> None:
    """Wait until so many *tickets* wait to show what they should."""

    async def check() -> None:
        assert (await tocsin.stats())["destinations"]["noc"]["pending"] == tickets

    await eventually(check)


def outcomes(stats: dict[str, Any]) -> dict[str, int]:
    """Name the outcomes there were."""
    return {name: count for name, count in stats["outcomes"].items() if count}
