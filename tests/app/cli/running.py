"""``tocsin`` in this process, and as a process of its own."""

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

from typer.testing import CliRunner, Result

from app.cli.commands import cli

ROOT = Path(__file__).parents[3]
QUICKSTART = ROOT / "config/examples/quickstart.yaml"
PATIENCE = 40.0


def tocsin(*arguments: str | Path, stdin: bytes | None = None) -> Result:
    return CliRunner().invoke(cli, [str(each) for each in arguments], input=stdin)


@contextmanager
def started(*arguments: str | Path, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start it in *folder*, with what it says in the files `out` and `err` there."""
    with (folder / "out").open("wb") as out, (folder / "err").open("wb") as err:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "app.cli", *map(str, arguments)],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def serving(folder: Path, config: Path = QUICKSTART) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """Start ``serve`` on a free port; yield it, and its address as it prints it."""
    with started("serve", "--config", config, "--listen", "127.0.0.1:0", folder=folder) as process:
        yield process, address(process, folder)


def address(process: subprocess.Popen[bytes], folder: Path) -> str:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        lines = (folder / "out").read_text().splitlines(keepends=True)
        if lines and lines[0].endswith("\n"):
            return lines[0].split()[-1]
        time.sleep(0.02)
    raise AssertionError((folder / "err").read_text())


def ended(process: subprocess.Popen[bytes], within: float) -> int:
    return process.wait(within)


def stop(process: subprocess.Popen[bytes], within: float = PATIENCE) -> int:
    process.send_signal(signal.SIGTERM)
    return ended(process, within)


def post(url: str, body: object) -> Any:
    data = json.dumps(body).encode()
    with urlopen(Request(url, data, {"Content-Type": "application/json"})) as answer:
        return json.load(answer)


def get(url: str) -> Any:
    with urlopen(url) as answer:
        return json.load(answer)


def eventually(look: Callable[[], bool], within: float = PATIENCE) -> None:
    """Wait until *look* sees what it is for."""
    deadline = time.monotonic() + within
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.05)
