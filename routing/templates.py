"""Ticket texts from templates that ops write: Jinja2, sandboxed, so a template can read but not reach out."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from jinja2 import ChainableUndefined, Template, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST = 64 * 1024
"""Characters of a rendered text; more is cut."""

_environment = ImmutableSandboxedEnvironment(
    undefined=ChainableUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)

DESCRIPTION = """\
{{ summary }}

Service: {{ service or "unknown" }}{{ " (hit: " ~ services | join(", ") ~ ")" if services | length > 1 }}
{% if cause %}
Suspected cause: {{ cause }}
{% endif %}
Priority: {{ priority }} ({{ impact }} impact, {{ urgency }} urgency)
Team: {{ team or "unassigned" }}{{ " (on call: " ~ on_call ~ ")" if on_call }}
Alerts: {{ alerts }} in all, {{ firing }} firing
Opened: {{ opened_at }}
{% for clock in sla %}
{{ clock.target | capitalize }} by: {{ clock.breach_at or "later" }} ({{ clock.state }})
{% endfor %}
{% for change in suspects %}
Suspected change: {{ change.title }}{{ " by " ~ change.actor if change.actor }} ({{ change.state }}, {{ change.at }})
{{ change.url }}
{% endfor %}
{% if workaround %}
Workaround: {{ workaround.text }}{{ " " ~ workaround.url if workaround.url }}
{% endif %}
{% if resolved_at %}
Resolved: {{ resolved_at }}
{% endif %}
{% if major %}
Major incident: {{ major }}
{% endif %}
{% for other in related %}
{{ other.kind.replace("_", " ") | capitalize }}: {{ other.incident }}
{% endfor %}
{% if merged_into %}
Merged into: {{ merged_into }}
{% endif %}
{% for name, value in labels | dictsort %}
{{ name }}: {{ value }}
{% endfor %}

{{ url }}
"""
"""The description where the configuration has none."""


@lru_cache(maxsize=64)
def compile_template(source: str) -> Template:
    """Compile a template.

    Raises:
        jinja2.TemplateSyntaxError: if it is not one.
    """
    return _environment.from_string(source)


def render(source: str, values: dict[str, Any], fallback: str) -> str:
    """Fill a template in. One that fails must not hold up the ticket: it then says so, below *fallback*."""
    try:
        text = compile_template(source).render(values)
    except (TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        text = f"{fallback} (template failed: {error})"
    return text[:LONGEST]
