"""Values from outside the file: ``${NAME}``, ``${NAME:-default}`` and ``${file:/path}``.

They are often secrets, so what is said of such a value shows the reference in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath

from config.document import Document, Node
from config.problems import Finding, Path, did_you_mean

Mask = tuple[str, str]

LONG = 6
"""Characters from which on a text is concealed wherever it turns up, not only where it was put."""

_DOLLAR = re.compile(r"\$\$|\$\{([^{}]*)\}|\$\{")
_VARIABLE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(?::-(.*))?", re.DOTALL)


class NoSuchValue(Exception):
    """A reference leads nowhere; the message says why."""


@dataclass(frozen=True, slots=True)
class Outside:
    """What references can refer to."""

    environ: Mapping[str, str] = field(repr=False)
    folder: FilePath
    """Where relative files are looked for: that of the configuration."""
    files: list[FilePath] = field(default_factory=list)
    """What was read."""

    def value(self, reference: str) -> str:
        """Return what stands for ``${reference}``.

        Raises:
            NoSuchValue: saying what is missing.
        """
        if reference.startswith("file:"):
            return self._contents(reference.removeprefix("file:"))
        match = _VARIABLE.fullmatch(reference)
        if match is None:
            raise NoSuchValue(
                "${ begins a reference like ${NAME}; write $${ where the characters themselves are meant"
            )
        return self._variable(match[1], match[2])

    def _variable(self, name: str, default: str | None) -> str:
        value = self.environ.get(name, "")
        if value or (default is None and name in self.environ):
            return value
        if default is not None:
            return default
        hint = did_you_mean(name, list(self.environ)) or f"; set it, or give a default: ${{{name}:-default}}"
        raise NoSuchValue(f"the environment variable {name} is not set{hint}")

    def _contents(self, name: str) -> str:
        self.files.append(self.folder / name)
        try:
            return (self.folder / name).read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise NoSuchValue(f"cannot read {name}: {error.strerror}") from None
        except ValueError:
            raise NoSuchValue(f"cannot read {name}: not UTF-8 text") from None


def fill_references(document: Document, outside: Outside) -> Document:
    """Replace every reference in *document*; those that lead nowhere become findings."""
    findings = list(document.findings)
    root = _fill(document.root, (), outside, findings)
    return replace(document, root=root, findings=findings)


def _fill(node: Node, path: Path, outside: Outside, findings: list[Finding]) -> Node:
    if isinstance(node.value, dict):
        return replace(
            node, value={k: _fill(n, (*path, k), outside, findings) for k, n in node.value.items()}
        )
    if isinstance(node.value, list):
        items = [_fill(n, (*path, i), outside, findings) for i, n in enumerate(node.value)]
        return replace(node, value=items)
    if node.value is None or "$" not in node.value:
        return node
    try:
        return _fill_scalar(node, node.value, outside)
    except NoSuchValue as error:
        findings.append(Finding(path, str(error)))
        return replace(node, value=None, broken=True)


def _fill_scalar(node: Node, written: str, outside: Outside) -> Node:
    pieces: list[Mask] = []

    def insert(match: re.Match[str]) -> str:
        if match[0] == "$$":
            return "$"
        value = outside.value(match[1] or "")
        pieces.append((value, match[0]))
        return value

    value = _DOLLAR.sub(insert, written)
    return replace(node, value=value, masks=((value, written), *pieces))


def conceal(message: str, masks: Iterable[Mask]) -> str:
    """Show references in place of what they stand for.

    >>> conceal("'hunter2' is not a size", [("hunter2", "${PASSWORD}")])
    "'${PASSWORD}' is not a size"
    """
    for text, shown in sorted(masks, key=lambda mask: -len(mask[0])):
        for spelling in {text, repr(text)[1:-1]} - {""}:
            message = re.sub(_pattern(spelling), lambda _, shown=shown: shown, message)  # type: ignore[misc]
    return message


def _pattern(text: str) -> str:
    """Match *text*; a short one only as a word of its own, or every 1 in a message would be taken for it."""
    if len(text) >= LONG:
        return re.escape(text)
    return rf"(?<!\w){re.escape(text)}(?!\w)"


def masks_within(node: Node | None, shortest: int = 1) -> list[Mask]:
    """List what must not be shown of *node* and all below it."""
    within = (mask for _, each in node.walk() for mask in each.masks) if node else ()
    return [mask for mask in within if len(mask[0]) >= shortest]


def references_in(node: Node | None) -> list[str]:
    """List the references that *node* itself was made of."""
    shown = (shown for _, shown in node.masks) if node else ()
    return list(dict.fromkeys(text for text in shown if _DOLLAR.fullmatch(text)))
