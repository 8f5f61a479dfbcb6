"""Our own shape of a callback, for tools whose webhooks are written by hand: docs/destinations/callbacks.md.

A tool's script or template posts a JSON object that says how a ticket stands, in the tool's own words, with
our secret in the header ``X-Tocsin-Secret``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Annotated

import msgspec
from pydantic import SecretStr

from adapters.tickets.moments import moment
from adapters.tickets.signatures import check_secret
from domain.errors import CallbackRefused
from domain.ports import Callback
from domain.priority import Priority
from domain.ticket import Comment, TicketSeen, TicketState
from domain.times import Millis

HEADER = "x-tocsin-secret"


class Told(msgspec.Struct, forbid_unknown_fields=True):
    """How a ticket stands. What is empty was not told, except ``assignee``, which may be nobody."""

    id: Annotated[str, msgspec.Meta(min_length=1, max_length=200)] | int
    state: str | int = ""
    priority: str | int = ""
    assignee: str | None = None
    actor: str = ""
    updated_at: str = ""
    comment: str = ""
    comment_id: str | int = ""
    merged_into: str | int = ""
    deleted: bool = False

    def seen(
        self,
        call: Callback,
        states: Mapping[str, TicketState | None],
        priorities: Mapping[str, Priority | None],
    ) -> TicketSeen:
        """Translate it by the tool's words, which are in lower case.

        Raises:
            CallbackRefused: it tells no moment.
        """
        try:
            at = moment(self.updated_at) if self.updated_at else call.received_at
        except ValueError as error:
            raise CallbackRefused(f"updated_at is {error}") from error
        return TicketSeen(
            id=str(self.id),
            at=at,
            actor=self.actor,
            state=states.get(str(self.state).lower()),
            priority=priorities.get(str(self.priority).lower()),
            assignee=self.assignee,
            comments=(self._comment(at),) if self.comment.strip() else (),
            merged_into=str(self.merged_into),
            is_deleted=self.deleted,
        )

    def _comment(self, at: Millis) -> Comment:
        """One without an id is named by what it says, and when, so that a copy is known as one."""
        named = f"{self.id}\0{self.updated_at}\0{self.comment}"
        id_ = str(self.comment_id) or sha256(named.encode(errors="replace")).hexdigest()[:16]
        return Comment(id_, self.actor, self.comment, at)


def told(call: Callback, secret: SecretStr | None) -> Told:
    """Read a callback that has the secret.

    Raises:
        CallbackRefused: it has not, or is of another shape.
    """
    if secret is None:
        raise CallbackRefused("set callback_secret, and have the tool send it in the header X-Tocsin-Secret")
    check_secret(secret.get_secret_value(), call.headers, HEADER)
    try:
        # Templates put texts in as they are: line breaks inside strings are common, and forgiven.
        content = json.loads(call.body, strict=False)
        json.dumps(content, ensure_ascii=False).encode()  # half characters could not be stored
        return msgspec.convert(content, Told)
    except (msgspec.ValidationError, ValueError, OverflowError, RecursionError) as error:
        raise CallbackRefused(f"not the shape of docs/destinations/callbacks.md: {error}") from error
