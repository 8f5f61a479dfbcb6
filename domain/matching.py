"""The matcher that routes and groups share: labels and normalised fields against allowed values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Fields(Protocol):
    """What else than a mapping can be matched against: whatever finds a value by its name."""

    def get(self, name: str, default: str = "", /) -> str:
        """Return the value of *name*, or *default*."""
        ...


@dataclass(frozen=True, slots=True)
class Matcher:
    """Every named field must have one of its values; an empty matcher matches everything."""

    fields: tuple[tuple[str, frozenset[str]], ...] = ()

    def matches(self, values: Fields | Mapping[str, str]) -> bool:
        """Tell whether *values* satisfy every field.

        >>> Matcher.of({"service": ["cart", "checkout"]}).matches({"service": "cart", "pod": "a"})
        True
        """
        return not self.fields or all(values.get(name, "") in allowed for name, allowed in self.fields)

    def miss(self, values: Fields | Mapping[str, str]) -> str | None:
        """Say which field failed and why, for people who ask why a rule did not apply; None if none did."""
        for name, allowed in self.fields:
            found = values.get(name, "")
            if found not in allowed:
                return f"{name} is {found!r}, not {' or '.join(map(repr, sorted(allowed)))}"
        return None

    @staticmethod
    def of(match: Mapping[str, str | list[str]]) -> Matcher:
        """Compile what a rule file says."""
        return Matcher(
            tuple(
                (name, frozenset([allowed] if isinstance(allowed, str) else allowed))
                for name, allowed in match.items()
            )
        )
