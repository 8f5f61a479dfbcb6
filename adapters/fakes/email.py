"""A mail server and the mailbox behind it: aiosmtpd takes the mails, threads of them are the tickets.

As in most mail programs a mail with a known Message-ID is shown once, and ``References`` makes the threads.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, ClassVar

from aiohttp import web

from adapters.fakes.base import Answer, Fake, Shown
from domain.priority import Priority

USER, PASSWORD = "tocsin", "mail-secret"
_STATE = re.compile(r"^State: +(.*)$", re.MULTILINE)
_PRIORITY = re.compile(r"^Priority: +(P\d)", re.MULTILINE)
_OVER = {"resolved", "closed"}


class FakeEmail(Fake):
    """The mailbox of one team."""

    type = "email"
    priorities: ClassVar[Mapping[Priority, str]] = {priority: priority.value for priority in Priority}
    extra_field: ClassVar[str] = "X-Service"
    speaks_http: ClassVar[bool] = False

    def __init__(self, *, search_lag: float = 0.0) -> None:
        super().__init__(search_lag=search_lag)
        self.mails: dict[str, EmailMessage] = {}
        """By Message-ID."""
        self.envelopes: list[tuple[str, tuple[str, ...]]] = []
        self.refused: dict[str, str] = {}
        """What is answered to RCPT TO, by address."""

    def routes(self) -> Iterable[web.AbstractRouteDef]:
        """Speak no HTTP."""
        return []

    @asynccontextmanager
    async def serving(self, port: int = 0) -> AsyncIterator[str]:
        """Serve SMTP."""
        async with serving_mail(self, port) as address:
            yield address

    def settings(self, url: str) -> dict[str, Any]:
        """Give the settings of a destination."""
        return {
            "type": "email",
            "host": "127.0.0.1",
            "port": int(url.rpartition(":")[2]),
            "encryption": "none",
            "login": {"username": USER, "password": PASSWORD},
            "sender": "tocsin@example.org",
            "to": ["oncall@example.org"],
        }

    def wrong_settings(self, url: str) -> dict[str, Any]:
        """Give settings with another password."""
        return self.settings(url) | {"login": {"username": USER, "password": "another"}}

    def limited(self) -> Answer:
        """Ask for fewer mails, as mail servers do: without a time to wait."""
        return Answer(451, "4.7.1 Too many messages, slow down")

    def ids(self) -> list[str]:
        """List all threads."""
        return list(dict.fromkeys(_thread(mail) for mail in self.mails.values()))

    def look(self, id_: str) -> Shown:
        """See a thread: its last mail that shows a ticket, and the notes."""
        mails = [mail for mail in self.mails.values() if _thread(mail) == id_]
        last = [mail for mail in mails if "X-Priority" in mail][-1]
        text = _text(last)
        state = _STATE.search(text)
        priority = _PRIORITY.search(text)
        word = state[1] if state else ""
        return Shown(
            title=str(last["Subject"]).removeprefix("Re: "),
            text=text,
            is_open=word not in _OVER,
            priority=priority[1] if priority else "",
            comments=tuple(_text(mail) for mail in mails if "X-Priority" not in mail),
            state=word,
            fields={name: str(value) for name, value in last.items()},
        )

    async def handle_MAIL(  # noqa: N802 - a hook of aiosmtpd
        self, _: Any, session: Any, envelope: Any, address: str, options: list[str]
    ) -> str:
        """Let in only who logged in."""
        if not session.authenticated:
            return "530 5.7.0 Authentication required"
        envelope.mail_from = address
        envelope.mail_options += options
        return "250 OK"

    async def handle_RCPT(self, _: Any, __: Any, envelope: Any, address: str, ___: Any) -> str:  # noqa: N802
        """Take or refuse a recipient."""
        if address in self.refused:
            return self.refused[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, _: Any, envelope: Any) -> str:  # noqa: N802
        """Take a mail."""
        if self.hazards.delay:
            await asyncio.sleep(self.hazards.delay)
        if self.hazards.answers:
            answer = self.hazards.answers.popleft()
            return f"{answer.status} {answer.body}"
        mail = message_from_bytes(envelope.content, policy=default)
        self.mails.setdefault(_id(mail["Message-ID"]), mail)
        self.envelopes.append((envelope.mail_from, tuple(envelope.rcpt_tos)))
        if self.hazards.lost:
            self.hazards.lost -= 1
            server.transport.abort()
        return "250 Message accepted"


@asynccontextmanager
async def serving_mail(
    fake: FakeEmail, port: int = 0, *, tls: ssl.SSLContext | None = None, **options: Any
) -> AsyncIterator[str]:
    """Serve SMTP, inside of *tls* or not, with *options* of aiosmtpd's; gives the address."""
    from aiosmtpd.smtp import SMTP, AuthResult  # noqa: PLC0415 - for developers only, so not always there

    def authenticate(_: Any, __: Any, ___: Any, ____: Any, data: Any) -> Any:
        """Let one user in."""
        return AuthResult(
            handled=False, success=(data.login, data.password) == (USER.encode(), PASSWORD.encode())
        )

    loop = asyncio.get_running_loop()
    options = {"auth_require_tls": False, **options}
    sessions: list[Any] = []

    def session() -> Any:
        """Make what talks to one client."""
        smtp = SMTP(fake, authenticator=authenticate, hostname="localhost", loop=loop, **options)
        sessions.append(smtp)
        return smtp

    server = await loop.create_server(session, "127.0.0.1", port, ssl=tls)
    try:
        yield f"smtp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for one in sessions:
            if one.transport is not None:
                one.transport.abort()
        await server.wait_closed()


def _id(header: Any) -> str:
    return str(header).strip().strip("<>")


def _thread(mail: EmailMessage) -> str:
    return _id(mail["References"].split()[0]) if "References" in mail else _id(mail["Message-ID"])


def _text(mail: EmailMessage) -> str:
    return str(mail.get_content()).replace("\r\n", "\n")
