"""docs/rules.md: its examples are played, and print what the page says."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingest.sources import Post
from ingest.sources.message import write_message
from tests.app.cli.running import tocsin
from tests.docs.pages import blocks, commands, page

PAGE = page("docs/rules.md")
TYPED = [(words, told) for words, told in zip(blocks(PAGE, "sh"), blocks(PAGE, "text"), strict=True)]
RECORDED = [
    ("slow", "Slow", "checkout", "high"),
    ("err", "Errors", "checkout", "critical"),
    ("c", "Slow", "cart", "high"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """The files of the page, and three requests that were recorded."""
    today, *tests, new = blocks(PAGE, "yaml")
    (tmp_path / "tocsin.yaml").write_text(today.text)
    (tmp_path / "new.yaml").write_text(new.text)
    for test in tests:
        (tmp_path / test.text.split()[1]).write_text(test.text)
    (tmp_path / "recorded/prom").mkdir(parents=True)
    for minute, alert in enumerate(RECORDED):
        name = f"20240101T120{minute}00.000Z-00000{minute}.http"
        (tmp_path / "recorded/prom" / name).write_bytes(write_message(Post(_body(*alert), 0, "prom")))
    before = Path.cwd()
    os.chdir(tmp_path)
    yield tmp_path
    os.chdir(before)


def _body(fingerprint: str, name: str, service: str, severity: str) -> bytes:
    labels = {"alertname": name, "service": service, "severity": severity}
    alert = {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2024-01-01T11:59:00Z"}
    body = {
        "version": "4",
        "receiver": "x",
        "status": "firing",
        "alerts": [{**alert, "fingerprint": fingerprint}],
    }
    return json.dumps(body).encode()


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("typed", "told"), TYPED, ids=lambda block: block.place)
def test_what_is_typed_prints_what_is_shown(typed, told):
    [[_, *words]] = commands(typed.text)

    printed = tocsin(*words).stdout

    assert [line.rstrip() for line in printed.splitlines()] == told.text.splitlines()
