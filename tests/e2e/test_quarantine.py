"""A bad alert among good, with the real broker and store: kept, mended, replayed, and opened once."""

from __future__ import annotations

from typing import Any

import aiohttp

from tests.e2e.alerts import example, firing
from tests.e2e.conftest import Deploy
from tests.e2e.serve import Tocsin, eventually
from tests.e2e.sink import Sink

LARGE = 100_000
"""Characters that make a body large enough to be packed."""


async def kept(tocsin: Tocsin, how_many: int) -> list[Any]:
    """What is in quarantine, which must be so many."""
    items: list[Any] = (await tocsin.get("/api/v1/quarantine"))["items"]
    assert len(items) == how_many, items
    return items


async def test_the_good_go_on_and_a_mended_request_opens_nothing_twice(deploy: Deploy, sink: Sink):
    """The body survives as it was, a kill of everything too; its replay joins only what was bad before."""
    good, bad = firing("checkout"), firing("search")
    bad["labels"]["note"] = 5
    bad["annotations"]["long"] = "x" * LARGE
    async with deploy(example(sink.url)) as tocsin:
        await tocsin.start()
        answer = await tocsin.post([good, bad])
        assert (answer.status, answer.json["accepted"]) == (202, 1)
        await eventually(lambda: kept(tocsin, 1))
        await tocsin.kill9()
        await tocsin.start()
        [found] = await kept(tocsin, 1)
        assert (found["id"], found["path"]) == (answer.json["quarantine"], "alerts[1].labels.note")

        [ingest, *_] = tocsin.with_role("ingest")
        url = f"{ingest.url}/api/v1/quarantine/{found['id']}"
        async with aiohttp.ClientSession(raise_for_status=True) as http:
            async with http.get(f"{url}/body") as reply:
                mended = (await reply.read()).replace(b'"note": 5', b'"note": "5"')
            async with http.post(f"{url}/replay", data=mended) as reply:
                assert await reply.json() == {"id": found["id"], "accepted": 2, "faults": 0}
        await eventually(lambda: kept(tocsin, 0))
        await eventually(lambda: two_tickets(tocsin, sink))
        stats = await tocsin.stats()

    assert (stats["outcomes"]["opened"], stats["outcomes"]["duplicate"]) == (2, 1)
    assert (stats["accepted"], stats["in_flight"]) == (3, 0)


async def two_tickets(tocsin: Tocsin, sink: Sink) -> None:
    """Both incidents have their one ticket."""
    incidents = await tocsin.incidents()
    assert sorted(each["service"] for each in incidents) == ["checkout", "search"]
    assert len(sink.tickets) == 2
