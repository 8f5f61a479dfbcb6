"""Rules in shadow: which they are, and of which kinds they are tried."""

from __future__ import annotations

from collections.abc import Iterator

from config.document import Document, Node
from config.problems import Finding, Path
from notation import Mode, RuleConfig

TRIED = (("correlation", "groups"), ("enrich",), ("routes",))
"""Kinds of rules that are evaluated in shadow; of others one is only left out."""


def is_shadow(rule: RuleConfig) -> bool:
    """Tell whether a rule is not to decide."""
    return rule.mode is Mode.SHADOW


def says_shadow(node: Node) -> bool:
    """Tell the same of a rule as it is written."""
    mode = node.child("mode")
    return mode is not None and mode.value == Mode.SHADOW


def untried(document: Document) -> Iterator[Finding]:
    """Tell of rules in shadow that are of a kind which is not evaluated."""
    for path, node in document.root.walk():
        if path and isinstance(path[-1], int) and says_shadow(node) and not _is_tried(path):
            kinds = "correlation.groups, enrich and routes"
            yield Finding((*path, "mode"), f"the rule is left out, and not tried: only {kinds} are")


def _is_tried(path: Path) -> bool:
    return any(path[: len(kind)] == kind for kind in TRIED)
