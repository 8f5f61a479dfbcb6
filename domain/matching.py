"""The one matcher language: routes, groups and all other rules say with it what they are about.

Either a mapping of a label or field to its value, or to a list of values; or texts as Alertmanager writes them,
``service=~"pay.*"``, with ``=``, ``!=``, ``=~`` and ``!~`` (prometheus.io/docs/alerting/latest/configuration/#matcher).
A label that is missing is an empty text. Patterns fit whole values and are RE2's: their time is linear in the text, so
nothing that a tool sends can make them take long.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol

import re2

Match = Mapping[str, str | list[str]] | Sequence[str] | str
"""What a rule file may say."""

_MATCHER = re.compile(
    r"""\s*(?P<name>[^\s=!~,{}"']+|"(?:[^"\\]|\\.)*")\s*(?P<operator>=~|!~|!=|=)\s*"""
    r"""(?P<value>"(?:[^"\\]|\\.)*"|[^\s,{}"']*)\s*(?P<end>,|$)"""
)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_PLAIN_NAME = re.compile(r"[A-Za-z_]\w*")
_PLAIN = {"n": "\n"}


class Fields(Protocol):
    """What else than a mapping can be matched against: whatever finds a value by its name."""

    def get(self, name: str, default: str = "", /) -> str:
        """Return the value of *name*, or *default*."""
        ...


class BadMatcher(ValueError):
    """A text that is not a matcher; says what is wrong."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What one field must be, or must not."""

    name: str
    allowed: frozenset[str] = frozenset()
    """Its values; of a pattern, the pattern itself."""
    pattern: Any = field(default=None, compare=False)
    """RE2; None where values are compared."""
    negated: bool = False

    def holds(self, found: str) -> bool:
        """Tell whether *found*, the field's value, will do."""
        fits = found in self.allowed if self.pattern is None else self.pattern.fullmatch(found) is not None
        return fits is not self.negated

    @property
    def words(self) -> str:
        """What is wanted, for people."""
        alternatives = " or ".join(map(repr, sorted(self.allowed)))
        return alternatives if self.pattern is None else f"anything like {alternatives}"


@dataclass(frozen=True, slots=True)
class Matcher:
    """Every condition must hold; an empty matcher matches everything."""

    conditions: tuple[Condition, ...] = ()

    def matches(self, values: Fields | Mapping[str, str]) -> bool:
        """Tell whether *values* satisfy every condition.

        >>> Matcher.of({"service": ["cart", "checkout"]}).matches({"service": "cart", "pod": "a"})
        True
        >>> Matcher.of(['service=~"pay.*"', "severity!=info"]).matches({"service": "payments"})
        True
        """
        return not self.conditions or all(
            condition.holds(values.get(condition.name, "")) for condition in self.conditions
        )

    def miss(self, values: Fields | Mapping[str, str]) -> str | None:
        """Say which field failed and why, for people who ask why a rule did not apply; None if none did."""
        return next(self._misses(values), None)

    def misses(self, values: Fields | Mapping[str, str]) -> list[str]:
        """Say of every field that failed why, as ``miss`` does of the first.

        >>> Matcher.of({"service": "cart", "site": "fra", "os": "bsd"}).misses({"os": "bsd", "site": "ams"})
        ["service is '', not 'cart'", "site is 'ams', not 'fra'"]
        """
        return list(self._misses(values))

    def _misses(self, values: Fields | Mapping[str, str]) -> Iterator[str]:
        for condition in self.conditions:
            found = values.get(condition.name, "")
            if not condition.holds(found):
                negation = ", which it must not be" if condition.negated else f", not {condition.words}"
                yield f"{condition.name} is {found!r}{negation}"

    @staticmethod
    def of(match: Match) -> Matcher:
        """Compile what a rule file says.

        Raises:
            BadMatcher: it is no matcher.
        """
        if isinstance(match, Mapping):
            return Matcher(
                tuple(
                    Condition(name, frozenset([allowed] if isinstance(allowed, str) else allowed))
                    for name, allowed in match.items()
                )
            )
        texts = [match] if isinstance(match, str) else match
        return Matcher(tuple(condition for text in texts for condition in parse_matchers(text)))


def texts_of(match: Match) -> tuple[str, ...]:
    """Write down what a rule file says as Alertmanager would.

    >>> texts_of({"service": ["cart", "web"], "site": "ams"})
    ('service=~"cart|web"', 'site="ams"')
    """
    if isinstance(match, str):
        return (match,)
    if not isinstance(match, Mapping):
        return tuple(match)
    return tuple(
        _text(name, [allowed] if isinstance(allowed, str) else allowed) for name, allowed in match.items()
    )


def _text(name: str, allowed: Sequence[str]) -> str:
    if len(allowed) == 1:
        return f"{_quoted_name(name)}={_quoted(allowed[0])}"
    return f"{_quoted_name(name)}=~{_quoted('|'.join(map(re2.escape, allowed)))}"


def _quoted_name(name: str) -> str:
    return name if _PLAIN_NAME.fullmatch(name) else _quoted(name)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def parse_matchers(text: str) -> Iterator[Condition]:
    """Read matchers as Alertmanager writes them: one, or several in a row, with or without braces.

    >>> [(each.name, sorted(each.allowed)) for each in parse_matchers('{service="cart", severity!~"low|info"}')]
    [('service', ['cart']), ('severity', ['low|info'])]

    Raises:
        BadMatcher: it is none.
    """
    inner = text.strip()
    if inner.startswith("{") and inner.endswith("}"):
        inner = inner[1:-1].strip()
    place = 0
    while place < len(inner):
        found = _MATCHER.match(inner, place)
        if found is None:
            raise BadMatcher(f'{inner[place:]!r} is not a matcher like service="cart" or service=~"pay.*"')
        yield _condition(_unquoted(found["name"]), found["operator"], _unquoted(found["value"]))
        place = found.end()


def _condition(name: str, operator: str, value: str) -> Condition:
    pattern = compiled(value) if operator.endswith("~") else None
    return Condition(name, frozenset([value]), pattern, operator.startswith("!"))


@lru_cache(maxsize=4096)
def compiled(pattern: str) -> Any:
    """Compile a pattern.

    Raises:
        BadMatcher: it is none, or uses what RE2 has not (look-around, references back).
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise BadMatcher(f"{pattern!r} is not a pattern: {why}") from None


def _unquoted(text: str) -> str:
    if not text.startswith('"'):
        return text
    return _ESCAPED.sub(lambda found: _PLAIN.get(found[1], found[1]), text[1:-1])
