"""Where the service's lines go."""

from __future__ import annotations

import io

import pytest
import structlog

from app.logs import configure_logs


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
