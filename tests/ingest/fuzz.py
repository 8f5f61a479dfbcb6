"""``make fuzz``: nonsense for every parser and every way of authenticating, for as many seconds as are given.

Each has its share of the time and a line. What fails is printed as hypothesis tells it, and the rest goes on.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import count, repeat

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from ingest.auth.models import AuthConfig, build
from tests.ingest.auth.test_fuzz import WAYS, WEB, hold, shown
from tests.ingest.messages import TYPES, parser_of
from tests.ingest.test_fuzz_sources import foreign_posts, in_order, posts

BATCH = 20
"""Bodies between two looks at the clock."""
OURS = 0.85
"""Part of the time that is given out; the rest is for starting, and for the last batches."""


def _parser(kind: str, data: st.DataObject) -> None:
    in_order(parser_of(kind), data.draw(posts(kind) | foreign_posts(kind)))


def _way(name: str, data: st.DataObject) -> None:
    hold(build(AuthConfig.model_validate({name: WAYS[name]}), WEB), data.draw(shown()))


WORK: dict[str, Callable[[st.DataObject], None]] = {
    **{f"parser {kind}": partial(_parser, kind) for kind in TYPES},
    **{f"authenticator {name}": partial(_way, name) for name in WAYS},
}


def _batch(check: Callable[[st.DataObject], None], number: int) -> None:
    @seed(number)
    @settings(
        max_examples=BATCH,
        database=None,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        check(data)

    run()


def fuzz(name: str, seconds: float, end: float) -> tuple[str, int, str]:
    """Go on until the time is over; return how many bodies it was, and what failed; *end* is when all is over."""
    until = min(time.monotonic() + seconds, end)
    first = time.time_ns()
    for number in count():
        if time.monotonic() >= until:
            return name, number * BATCH, ""
        try:
            _batch(WORK[name], first + number)
        except Exception:  # noqa: BLE001 - whatever it is, it is what was looked for
            return name, number * BATCH, traceback.format_exc()
    raise AssertionError


def main(seconds: float) -> int:
    """Do all of it; return the exit code."""
    workers = os.cpu_count() or 1
    end = time.monotonic() + OURS * seconds
    share = OURS * seconds * workers / len(WORK)
    failed = 0
    with ProcessPoolExecutor(workers) as pool:
        for name, bodies, fault in pool.map(fuzz, WORK, repeat(share), repeat(end)):
            print(f"{name:40} {bodies:>8,}  {'FAILED' if fault else 'ok'}", flush=True)
            failed += bool(fault)
            if fault:
                print(fault, flush=True)
    print(f"{len(WORK) - failed} of {len(WORK)} are fine")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
