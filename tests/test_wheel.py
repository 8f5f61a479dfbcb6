"""What is not Python gets into the wheel: guides, samples, examples and scripts of the store."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

ROOT = Path(__file__).parents[1]
PACKAGES = ("domain", "notation", "ingest", "correlation", "routing", "adapters", "config", "app")


def test_the_wheel_holds_every_file_of_the_packages(tmp_path: Path) -> None:
    """A file that is used from a checkout must not be missing where the wheel was installed."""
    tree = tmp_path / "tree"
    wanted = set(_tracked())
    for name in (*wanted, "pyproject.toml", "README.md", "LICENSE"):
        copy = tree / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())

    build = "import sys; from setuptools.build_meta import build_wheel; build_wheel(sys.argv[1])"
    command = [sys.executable, "-c", build, str(tmp_path)]
    subprocess.run(command, cwd=tree, check=True, capture_output=True, timeout=100)

    [wheel] = tmp_path.glob("*.whl")
    assert wanted - set(ZipFile(wheel).namelist()) == set()
    assert any(name.startswith("ingest/sources/guides/") for name in wanted)
    assert any(name.startswith("ingest/sources/samples/") for name in wanted)


def _tracked() -> list[str]:
    command = ["git", "ls-files", "-z", *PACKAGES]
    told = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = (name for name in told.split("\0") if name and (ROOT / name).is_file())
    return [name for name in names if not name.endswith("/README.md")]  # those are for readers of the code
