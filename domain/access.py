"""Who uses Tocsin, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What somebody may do: each may do what those before it may."""

    VIEWER = "viewer"
    """Look at everything but the audit log."""
    OPERATOR = "operator"
    """Do something about incidents, alerts, tickets and what is in quarantine."""
    ADMIN = "admin"
    """Change the configuration, and see who did what."""

    def may(self, needed: Role) -> bool:
        """Tell whether this role is enough.

        >>> Role.OPERATOR.may(Role.VIEWER), Role.VIEWER.may(Role.ADMIN)
        (True, False)
        """
        return _RANKS[self] >= _RANKS[needed]


_RANKS = {role: rank for rank, role in enumerate(Role)}


@dataclass(frozen=True, slots=True)
class Principal:
    """Somebody who was let in."""

    name: str
    role: Role
