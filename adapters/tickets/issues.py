"""What GitHub's and GitLab's issues have in common: our marker in the text, and priorities as labels. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from adapters.tickets.text import cut, one_line, to_markdown, with_link
from domain.priority import Priority
from domain.ticket import DesiredTicket

_MARKER = re.compile(r"<!-- tocsin:([0-9a-zA-Z]+) -->\s*\Z")
_COMMAND = re.compile(r"^(\s*)/", re.MULTILINE)
_NOTE = "<!-- tocsin -->"


def body_of(ticket: DesiredTicket, most: int) -> str:
    """Write the text of an issue: what it is about as plain text, and our key where nobody sees it."""
    facts = f"**{ticket.priority.value}** · impact {ticket.impact.value} · urgency {ticket.urgency.value}"
    owners = " · ".join(to_markdown(part) for part in (ticket.service, ticket.team) if part)
    head = f"{facts} · {owners}" if owners else facts
    marker = f"<!-- tocsin:{ticket.key} -->"
    return f"{fitted(with_link(ticket), most - len(head) - len(marker) - 20)}\n\n{head}\n\n{marker}"


def title_of(ticket: DesiredTicket, most: int) -> str:
    """Write the title, which may not be empty."""
    return one_line(ticket.title, most) or ticket.key


def note_of(text: str, most: int) -> str:
    """Write a comment that we know again as ours."""
    return f"{fitted(text, most - len(_NOTE) - 2)}\n\n{_NOTE}"


def key_in(body: str | None) -> str:
    """Return the key in the text of an issue; empty where there is none, as when a person took it out.

    >>> key_in("text <!-- tocsin:1 --> and more"), key_in("text <!-- tocsin:ab1 -->")
    ('', 'ab1')
    """
    found = _MARKER.search(body or "")
    return found[1] if found else ""


def is_ours(comment: str | None) -> bool:
    """Tell whether we wrote a comment."""
    return (comment or "").rstrip().endswith(_NOTE)


def fitted(text: str, most: int) -> str:
    """Show plain text in Markdown, cut so that with all its escapes it has at most *most* characters."""
    shown = _escaped(text)
    while len(shown) > most:
        text = cut(text, len(text) * 9 // 10)
        shown = _escaped(text)
    return shown


def _escaped(text: str) -> str:
    """Escape it; also slashes at the beginning of lines, which are commands in GitLab."""
    return _COMMAND.sub(r"\1\\/", to_markdown(text))


def relabelled(
    now: Iterable[str], ticket: DesiredTicket, words: Mapping[Priority, str], ours: Iterable[str]
) -> list[str]:
    """Return the labels an issue should have: those it has, but for priorities only the right one.

    The labels of people stay.
    """
    wanted = [*ours, words[ticket.priority]]
    others = set(words.values()) - set(wanted)
    return [one for one in now if one not in others and one not in wanted] + wanted


def priority_in(labels: Iterable[str], words: Mapping[Priority, str]) -> Priority | None:
    """Return the priority that the labels tell; the highest of several."""
    there = set(labels)
    return next((priority for priority in Priority if words[priority] in there), None)


def reads_as(words: Mapping[Priority, str]) -> dict[Priority, Priority]:
    """Say how each priority reads back where several have one word.

    >>> reads_as({Priority.P1: "high", Priority.P2: "high", Priority.P3: "low"})[Priority.P2]
    <Priority.P1: 'P1'>
    """
    first: dict[str, Priority] = {}
    return {
        priority: first.setdefault(words[priority], priority) for priority in Priority if priority in words
    }
