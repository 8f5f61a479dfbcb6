"""The load generator sends each request once, counts what it is told, and is patient up to a point."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter

import pytest

from benchmarks import generator, load
from benchmarks.load import Load, Target, percentile

REFUSED = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n"
WRONG = b"HTTP/1.1 422 Unprocessable Content\r\ncontent-length: 4\r\n\r\nnope"
ACCEPTED = b"HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}"


def requests(target: Target, count: int) -> list[bytes]:
    return [target.request(b'{"n": %d}' % number) for number in range(count)]


async def test_every_request_arrives_once_whatever_the_number_of_connections(origin):
    async with origin() as site:
        result = await Load(site.target, requests(site.target, 200)).run(connections=7)

    assert Counter(site.bodies) == Counter(b'{"n": %d}' % number for number in range(200))
    assert (result.posts, result.accepted, result.statuses) == (200, 200, {202: 200})
    assert 0 < result.p50_ms <= result.p99_ms < 5_000


async def test_an_honest_refusal_is_sent_again_after_the_wait_it_names(origin):
    async with origin(lambda serial: REFUSED if serial <= 3 else ACCEPTED) as site:
        result = await Load(site.target, requests(site.target, 10)).run(connections=2)

    assert (result.accepted, result.gave_up, result.statuses) == (10, 0, {202: 10, 503: 3})
    assert set(site.bodies) == {b'{"n": %d}' % number for number in range(10)}


async def test_a_server_that_only_refuses_is_given_up_in_the_end(origin, monkeypatch):
    monkeypatch.setattr(load, "MOST_ATTEMPTS", 3)
    async with origin(lambda _: REFUSED) as site:
        result = await Load(site.target, requests(site.target, 2)).run()

    assert (result.accepted, result.gave_up, result.statuses) == (0, 2, {503: 6})


async def test_a_wait_longer_than_anyone_should_be_asked_for_is_cut(origin, monkeypatch):
    monkeypatch.setattr(load, "LONGEST_WAIT", 0.01)
    long = REFUSED.replace(b"Retry-After: 0", b"Retry-After: 3600")
    async with origin(lambda serial: long if serial == 1 else ACCEPTED) as site:
        result = await Load(site.target, requests(site.target, 1)).run()

    assert result.accepted == 1


async def test_what_is_wrong_is_counted_and_not_sent_again(origin):
    async with origin(lambda serial: WRONG if serial == 1 else ACCEPTED) as site:
        result = await Load(site.target, requests(site.target, 5)).run(connections=1)

    assert (len(site.bodies), result.accepted, result.statuses) == (5, 4, {202: 4, 422: 1})


async def test_a_request_whose_connection_broke_is_sent_over_a_new_one(origin, monkeypatch):
    monkeypatch.setattr(load, "RECONNECT_WAIT", 0.01)
    async with origin(lambda serial: b"" if serial == 2 else ACCEPTED) as site:
        result = await Load(site.target, requests(site.target, 6)).run(connections=1)

    assert (result.accepted, result.statuses) == (6, {0: 1, 202: 6})


async def test_a_server_that_is_gone_ends_the_load(origin, monkeypatch):
    monkeypatch.setattr(load, "RECONNECT_WAIT", 0.001)
    reached = asyncio.Event()

    def hang_up(_: int) -> bytes:
        reached.set()
        return b""

    async with origin(hang_up) as site:
        sending = asyncio.ensure_future(Load(site.target, requests(site.target, 1)).run())
        await reached.wait()

    with pytest.raises(ConnectionError, match="nobody listens"):
        await sending


async def test_a_rate_is_kept(origin):
    async with origin() as site:
        result = await Load(site.target, requests(site.target, 100), rate=500).run()

    assert result.accepted == 100
    assert result.seconds >= 99 / 500


async def test_at_a_rate_the_time_counts_from_when_a_post_was_due(origin):
    """A server that stalls 0.2 s makes the POSTs behind the stall late too; the p50 must show it."""

    def stall_once(serial: int) -> bytes:
        if serial == 1:
            time.sleep(0.2)
        return ACCEPTED

    async with origin(stall_once) as site:
        result = await Load(site.target, requests(site.target, 50), rate=1_000).run(connections=1)

    assert result.p50_ms > 100


async def test_headers_reach_the_server(origin):
    async with origin() as site:
        one = site.target.request(b"{}", ["Authorization: Bearer some-token"])
        await Load(site.target, [one]).run()

    assert b"\r\nAuthorization: Bearer some-token\r\n" in site.heads[0]


async def test_the_command_prints_what_came_of_it_as_json(origin):
    async with origin() as site:
        url = f"http://{site.target.host}:{site.target.port}{site.target.path}"
        options = ["--work", "storm", "--alerts", "60", "--identities", "5", "--per-post", "20", "--json"]
        command = [sys.executable, "-m", "benchmarks.generator", "--url", url, *options]
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, check=True, text=True)

    told = json.loads(done.stdout)
    assert (told["posts"], told["alerts"], told["statuses"]) == (3, 60, {"202": 3})
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--url", "https://127.0.0.1/x"], "speaks plain HTTP"),
        (["--url", "http://127.0.0.1:1/x", "--work", "distinct", "--identities", "3"], "--identities is for"),
        (["--url", "http://127.0.0.1:1/x", "--alerts", "1"], "benchmarks.generator: "),
    ],
)
def test_the_command_says_in_a_line_what_is_wrong(arguments, message):
    with pytest.raises(SystemExit, match=message):
        generator.main(arguments)


def test_a_percentile_is_a_value_that_was_measured():
    values = [float(number) for number in range(1, 101)]

    assert (percentile(values, 0.5), percentile(values, 0.99), percentile(values, 1)) == (50, 99, 100)
    assert percentile([], 0.5) == 0
