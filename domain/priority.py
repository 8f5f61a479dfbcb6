"""Impact × urgency → priority, the ITIL way (ITIL 4 practice guide: incident management)."""

from __future__ import annotations

from enum import StrEnum


class Level(StrEnum):
    """A level of impact or of urgency."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class Priority(StrEnum):
    """Order in which incidents are worked on; P1 first."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"

    def is_above(self, other: Priority) -> bool:
        """Tell whether this one goes before *other*.

        >>> Priority.P1.is_above(Priority.P2)
        True
        """
        return self.value < other.value
