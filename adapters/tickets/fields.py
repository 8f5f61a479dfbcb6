"""Fields of a tool beyond those that an adapter fills: fixed values, and templates over the ticket.

Templates are Jinja2, sandboxed: they read the ticket and reach nothing else.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any

from jinja2 import ChainableUndefined, Template, TemplateError, TemplateSyntaxError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from pydantic import AfterValidator, Field

from domain.errors import PermanentError, Reason
from domain.ticket import DesiredTicket, TicketState
from domain.times import to_text

_environment = ImmutableSandboxedEnvironment(undefined=ChainableUndefined, autoescape=False)
_SHOWN = ("key", "title", "description", "team", "service", "labels", "alerts", "url", "version")
_WORDS = ("priority", "impact", "urgency", "state", "kind")


@lru_cache(maxsize=256)
def _compiled(source: str) -> Template:
    return _environment.from_string(source)


def _checked(value: Any) -> Any:
    """Make sure that every text in *value* is a template."""
    for part in value.values() if isinstance(value, dict) else value if isinstance(value, list) else (value,):
        if isinstance(part, dict | list):
            _checked(part)
        elif isinstance(part, str):
            try:
                _compiled(part)
            except TemplateSyntaxError as error:
                raise ValueError(f"not a template: {error.message}") from None
    return value


FieldValue = Annotated[Any, AfterValidator(_checked)]
FieldMap = Annotated[
    dict[Annotated[str, Field(min_length=1)], FieldValue],
    Field(
        default={},
        description="More of the tool's own fields, by their names in its API: a fixed value, or a Jinja2 "
        "template over key, title, description, priority, impact, urgency, state, kind, team, service, labels, "
        "alerts, url, opened_at. They go before what Tocsin would write.",
    ),
]
"""Any of the tool's fields."""

StateFields = Annotated[
    dict[TicketState, dict[Annotated[str, Field(min_length=1)], FieldValue]],
    Field(
        default={},
        description="Fields that are written together with a state, as tools ask for a solution with a resolved "
        "ticket; written like fields. They go before the tool's defaults, one by one.",
    ),
]
"""What a tool wants with a change of state."""


def state_fields(
    defaults: Mapping[TicketState, Mapping[str, Any]],
    own: Mapping[TicketState, Mapping[str, Any]],
    ticket: DesiredTicket,
    state: TicketState,
) -> dict[str, Any]:
    """Fill in the fields that go with *state*."""
    return render_fields({**defaults.get(state, {}), **own.get(state, {})}, ticket)


def render_fields(fields: Mapping[str, Any], ticket: DesiredTicket) -> dict[str, Any]:
    """Fill in the fields for *ticket*.

    Raises:
        PermanentError: a template fails; it names the field.
    """
    if not fields:
        return {}
    values = {name: getattr(ticket, name) for name in _SHOWN}
    values |= {name: getattr(ticket, name).value for name in _WORDS}
    values["opened_at"] = to_text(ticket.opened_at)
    rendered = {}
    for name, value in fields.items():
        try:
            rendered[name] = _rendered(value, values)
        except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise PermanentError(
                f"the template of field {name!r} failed: {error}", Reason.REJECTED
            ) from error
    return rendered


def _rendered(value: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return _compiled(value).render(values)
    if isinstance(value, list):
        return [_rendered(part, values) for part in value]
    if isinstance(value, dict):
        return {key: _rendered(part, values) for key, part in value.items()}
    return value
