"""Where the service's lines go."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from app.logs import QUIET, configure_logs


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    """Leave the root logger of the standard library, and the levels of the quiet ones, as they were."""
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    levels = {name: logging.getLogger(name).level for name in QUIET}
    yield
    root.handlers, root.level = handlers, level
    for name, before in levels.items():
        logging.getLogger(name).setLevel(before)


def test_libraries_speak_as_we_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a library logs is a line of the same form, traceback included; what it also raises is not logged."""
    stream = io.StringIO()
    monkeypatch.setattr("sys.stderr", stream)
    configure_logs()
    configure_logs()
    for name in ("aiohttp.server", "aiormq.connection"):
        logging.getLogger(name).error("Error handling %s", "request", exc_info=ValueError("odd"))

    [line] = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["level"], line["logger"]) == (
        "Error handling request",
        "error",
        "aiohttp.server",
    )
    assert "ValueError: odd" in line["exception"]


def test_a_logger_in_use_follows_the_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger that was used before is not tied for good to the stream of that time."""
    log = structlog.get_logger("test")
    first, second = io.StringIO(), io.StringIO()
    for stream in (first, second):
        monkeypatch.setattr("sys.stderr", stream)
        configure_logs()
        log.info("told")
        if stream is first:
            first.close()

    assert '"event": "told"' in second.getvalue()
