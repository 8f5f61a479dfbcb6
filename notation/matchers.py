"""Matchers: what a rule is about, in the language of ``domain.matching``."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Discriminator, Field, Tag

from domain.matching import parse_matchers
from notation.values import Label

Values = Annotated[list[str], Field(min_length=1)]


def _checked(text: str) -> str:
    list(parse_matchers(text))
    return text


MatcherText = Annotated[str, Field(min_length=1), AfterValidator(_checked)]
"""As Alertmanager writes them: ``service=~"pay.*"``."""
MatchConfig = Annotated[
    Annotated[dict[Label, str | Values], Tag("mapping")]
    | Annotated[list[MatcherText], Field(min_length=1), Tag("list")]
    | Annotated[MatcherText, Tag("text")],
    Discriminator(lambda given: {dict: "mapping", list: "list"}.get(type(given), "text")),
]
"""A whole matcher; ``Matcher.of`` compiles it."""
