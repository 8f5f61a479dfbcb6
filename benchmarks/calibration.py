"""How fast this machine is now, whoever else uses it: a bare POST for its cores, a bare write for its disk.

Machines differ, and one machine differs from hour to hour. The same small work, measured in the same run, makes
figures of two of them comparable.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from pathlib import Path
from statistics import median

import uvloop
from aiohttp import web

from benchmarks.load import Load, Target

POSTS = 5_000
WRITES = 50
WRITTEN = 20_000


async def bare_post(body: bytes, posts: int = POSTS) -> float:
    """Return the CPU time that a bare aiohttp server takes for a POST of *body*, in microseconds."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, stdin=PIPE, stdout=PIPE, cwd=Path(__file__).parents[1]
    )
    assert process.stdout is not None
    target = Target.parse(f"http://127.0.0.1:{int(await process.stdout.readline())}/")
    await Load(target, [target.request(body)] * posts).run()
    seconds, _ = await process.communicate(b"")  # which ends its input
    return 1e6 * float(seconds) / posts


def bare_write(folder: Path, writes: int = WRITES) -> float:
    """Return the time until a write to *folder* is on the disk, in milliseconds: the median of some."""
    times = []
    with (folder / "calibration").open("wb", buffering=0) as file:
        for _ in range(writes):
            file.write(bytes(WRITTEN))
            before = time.perf_counter()
            os.fdatasync(file)
            times.append(time.perf_counter() - before)
    return 1000 * median(times)


async def _take(request: web.Request) -> web.Response:
    await request.read()
    return web.Response(status=202)


async def _serve() -> None:
    """Tell the port, serve until the input ends, tell the CPU time that it took."""
    app = web.Application()
    app.router.add_post("/", _take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    before = time.process_time()
    await asyncio.to_thread(sys.stdin.read)
    print(time.process_time() - before)
    await runner.cleanup()


if __name__ == "__main__":
    uvloop.run(_serve())
