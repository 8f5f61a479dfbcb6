"""What the guides tell operators to paste, so that the tests do just that."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from textwrap import dedent

from app.tools import handbook
from ingest.sources import TOOLS

TOKEN = "some-token"
AUTH = f"Authorization: Bearer {TOKEN}"
_BLOCK = re.compile(r"^( *)```\w*\n(.*?)^\1```$", re.MULTILINE | re.DOTALL)


def blocks(kind: str, url: str) -> list[str]:
    """List what is to be pasted, for the address *url* of the source."""
    text = handbook.guide(TOOLS[kind], url, AUTH)
    return [dedent(block.group(2)) for block in _BLOCK.finditer(text)]


def install(kind: str, folder: Path) -> Path:
    """Copy the only script that comes with the guide into *folder*, and make it executable."""
    [script] = (each for each in handbook.companions(TOOLS[kind]) if each.suffix in {".sh", ".py"})
    folder.mkdir(parents=True, exist_ok=True)
    copy = Path(shutil.copy(script, folder))
    copy.chmod(0o755)
    return copy
