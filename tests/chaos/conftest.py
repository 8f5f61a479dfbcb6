"""What the crashes need."""

from __future__ import annotations

from tests.e2e.conftest import sink

__all__ = ["sink"]
