"""Secrets are compared in one place, in a time that tells nothing."""

import ast
import hmac
from pathlib import Path

import ingest.auth
from ingest.auth import compare

FOLDER = Path(ingest.auth.__file__).parent
NEUTRAL = (ast.Is, ast.IsNot, ast.Lt, ast.LtE, ast.Gt, ast.GtE)
SECRETS = {"given", "secret", "signature", "signatures", "mac", "macs", "made", "known", "token", "key"}


def test_only_one_helper_compares():
    users = [
        path.name for path in FOLDER.glob("*.py") if "compare_digest" in path.read_text(encoding="utf-8")
    ]
    assert users == ["compare.py"]


def test_no_secret_is_compared_by_an_operator():
    """Whatever is named like a secret is in no ``==`` or ``in``."""
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Compare) and not isinstance(node.ops[0], NEUTRAL):
                sides = [node.left, *node.comparators]
                bare = {each.id for each in sides if isinstance(each, ast.Name)}
                assert not bare & SECRETS, f"{path.name}:{node.lineno}"


def test_all_are_compared(monkeypatch):
    """The first that fits does not end it."""
    compared = []

    def compare_digest(one: bytes, other: bytes) -> bool:
        compared.append(other)
        return one == other

    monkeypatch.setattr(hmac, "compare_digest", compare_digest)
    assert compare.is_one_of(b"a", [b"a", b"b", b"c"])
    assert compared == [b"a", b"b", b"c"]
