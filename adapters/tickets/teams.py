"""Microsoft Teams by a workflow's webhook (Power Automate, "When a Teams webhook request is received").

A message can be posted and nothing else: not changed, not found, not read. So an incident is a card when it
opens and one for each change of state; what else is worth a message comes as a note. The address is the
secret. A workflow answers 202 before anything is posted, whatever then becomes of it.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from pydantic import Field, HttpUrl, SecretStr, TypeAdapter, field_validator

from adapters.http import Client, Http
from adapters.tickets.base import Adapter, DestinationOptions
from adapters.tickets.chat import facts, headline
from adapters.tickets.text import clean, cut
from domain.incident import TicketRef
from domain.ports import Capability
from domain.ticket import DesiredTicket, Note, TicketAction

TEXT_LENGTH = 6_000  # so that a card stays below 28 kB in any alphabet
TITLE_LENGTH = 300
_url: TypeAdapter[HttpUrl] = TypeAdapter(HttpUrl)


class TeamsConfig(DestinationOptions):
    """Settings of messages to one channel, or to one a team."""

    type: Literal["teams"]
    url: SecretStr = Field(description="Address of the workflow. Who knows it can post.")
    teams: dict[str, SecretStr] = Field(default={}, description="By team: the address of another workflow.")

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: SecretStr) -> SecretStr:
        _checked(url)
        return url

    @field_validator("teams")
    @classmethod
    def _are_addresses(cls, teams: dict[str, SecretStr]) -> dict[str, SecretStr]:
        for url in teams.values():
            _checked(url)
        return teams

    def build(self, http: Http) -> Teams:
        """Make the ticket system of these settings."""
        return Teams(self, http)


class Teams(Adapter):
    """Cards in the channels. A ticket's id is our key."""

    capabilities = frozenset({Capability.COMMENT})

    def __init__(self, config: TeamsConfig, http: Http) -> None:
        def client(url: SecretStr) -> Client:
            address = url.get_secret_value()
            return http.client(address, secrets=[address], timeout=config.timeout_seconds)

        self._client = client(config.url)
        self._teams = {team: client(url) for team, url in config.teams.items()}

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Post a card."""
        await self._post(to_card(ticket), ticket.team)
        return TicketRef(f"{ticket.key}/{ticket.team}" if ticket.team in self._teams else ticket.key)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Post another card where the state changed; of the rest a note tells what is worth it."""
        if action is not TicketAction.UPDATE:
            await self._post(to_card(ticket), ref.id.partition("/")[2])
        return ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Post a note."""
        key, _, team = ref.id.partition("/")
        await self._post(card(text(cut(clean(note.text), TEXT_LENGTH)), subtle(f"incident {key}")), team)

    async def _post(self, message: dict[str, Any], team: str) -> None:
        await self._teams.get(team, self._client).send("POST", body=msgspec.json.encode(message))


def to_card(ticket: DesiredTicket) -> dict[str, Any]:
    """Translate a ticket into a message with a card."""
    body = [text(headline(ticket, TITLE_LENGTH), size="Large", weight="Bolder")]
    description = cut(clean(ticket.description), TEXT_LENGTH)
    if description.strip():
        body.append(text(description))
    actions = (
        [{"type": "Action.OpenUrl", "title": "Incident in Tocsin", "url": ticket.url}] if ticket.url else []
    )
    return card(*body, subtle(facts(ticket, TITLE_LENGTH)), actions=actions)


def card(*body: dict[str, Any], actions: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """Put elements into an adaptive card, and that into a message."""
    content = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": list(body),
        "actions": actions or [],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "contentUrl": None, "content": content}]}


def text(words: str, **style: str) -> dict[str, Any]:
    """Make an element in which nothing is markup: a text block would read Markdown."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": words, **style}]}


def subtle(words: str) -> dict[str, Any]:
    """Make a line that stays in the background."""
    return {"type": "RichTextBlock", "inlines": [{"type": "TextRun", "text": words, "isSubtle": True}]}


def _checked(url: SecretStr) -> None:
    try:
        _url.validate_python(url.get_secret_value())
    except ValueError:
        raise ValueError("is not an http or https URL") from None
