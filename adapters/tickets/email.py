"""E-mail (RFC 5321, 5322): a thread of mails for each incident, one mail a change that is worth it.

Sent, it cannot be changed or looked for. So the first mail's Message-ID is made of our key alone, and each
later one's of key and version: a mail sent again after a lost answer is known as a copy by most stores, and
replies stay in their thread. ``Auto-Submitted`` (RFC 3834) keeps holiday notes from coming back.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import SMTP as MAIL
from email.utils import format_datetime, formataddr
from enum import StrEnum
from types import TracebackType
from typing import Annotated, Literal, Self

import aiosmtplib
from pydantic import Field, StringConstraints, model_validator

from adapters.http import EXCERPT, Http, excerpt
from adapters.tickets.base import Adapter, Basic, DestinationOptions
from adapters.tickets.fields import FieldMap, render_fields
from adapters.tickets.text import clean, cut, one_line
from domain.errors import DeliveryError, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ports import Capability
from domain.priority import Priority
from domain.ticket import DesiredTicket, Note, TicketAction

SUBJECT_LENGTH = 200
BODY_LENGTH = 500_000
HEADER_LENGTH = 900  # of the 998 that a line may have (RFC 5322, 2.1.1)
OURS = re.compile(
    r"(?i)^(from|to|cc|bcc|sender|date|message-id|in-reply-to|references|auto-submitted|mime-version|content-.*"
    r"|return-path|received|resent-.*|dkim-signature)$"
)
IMPORTANCE = {
    Priority.P1: ("1", "high"),
    Priority.P2: ("2", "high"),
    Priority.P3: ("3", "normal"),
    Priority.P4: ("4", "low"),
    Priority.P5: ("5", "low"),
}
_LIMITED = re.compile(r"(?i)\b(rate|too many|too much|limit|busy|throttl\w*|slow down|quota|4\.7\.28)\b")
_HEADER = re.compile(r"^[A-Za-z0-9-]+$")
_LOCAL = {"127.0.0.1", "localhost", "::1"}

MailAddress = Annotated[
    str, StringConstraints(pattern=r"^[^\s@<>,;:\"()\[\]\\]+@[A-Za-z0-9.-]+$", max_length=254)
]


class Encryption(StrEnum):
    """When the connection is encrypted."""

    STARTTLS = "starttls"
    IMPLICIT = "implicit"
    NONE = "none"


class EmailConfig(DestinationOptions):
    """Settings of mails to one group of people."""

    type: Literal["email"]
    host: str = Field(min_length=1, description="Mail server that takes our mails.")
    port: int = Field(default=587, ge=1, le=65535)
    encryption: Encryption = Field(
        default=Encryption.STARTTLS,
        description="starttls (port 587), implicit (port 465), or none inside one machine.",
    )
    login: Basic | None = Field(default=None, description="User and password, where the server wants them.")
    sender: MailAddress = Field(description="Whom the mails are from; its domain also names the threads.")
    sender_name: str = "Tocsin"
    to: list[MailAddress] = Field(min_length=1, description="Who gets the mails.")
    teams: dict[str, list[MailAddress]] = Field(
        default={}, description="Who gets those of a team instead; of a team not listed, `to`."
    )
    fields: FieldMap

    @model_validator(mode="after")
    def _keeps_the_password(self) -> EmailConfig:
        if self.login is not None and self.encryption is Encryption.NONE and self.host not in _LOCAL:
            raise ValueError("would send the password in the clear; set encryption to starttls or implicit")
        return self

    @model_validator(mode="after")
    def _sets_no_header_of_ours(self) -> EmailConfig:
        for name in self.fields:
            if OURS.match(name) or not _HEADER.match(name):
                raise ValueError(
                    f"fields: {name} cannot be set: it is Tocsin's own, or no name of a header field"
                )
        return self

    def build(self, http: Http) -> Email:
        """Make the ticket system of these settings."""
        return Email(self, http.tls)


class Email(Adapter):
    """Threads of mails. A ticket's id is the Message-ID of its first one."""

    capabilities = frozenset({Capability.COMMENT, Capability.REOPEN, Capability.PING})

    def __init__(
        self,
        config: EmailConfig,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._config = config
        self._tls = tls
        self._clock = clock

    async def create(self, ticket: DesiredTicket) -> TicketRef:
        """Send the first mail of a thread."""
        root = f"{ticket.key}@{_domain(self._config)}"
        await self._send(to_mail(self._config, ticket, root, "", self._clock()))
        return TicketRef(root)

    async def update(self, ref: TicketRef, ticket: DesiredTicket, action: TicketAction) -> TicketRef:
        """Reply to the first mail with how things stand."""
        id_ = f"{ticket.key}.{ticket.version}.{action.value}@{_domain(self._config)}"
        await self._send(to_mail(self._config, ticket, id_, ref.id, self._clock()))
        return ref

    async def comment(self, ref: TicketRef, note: Note) -> None:
        """Reply to the first mail with a note."""
        await self._send(to_note(self._config, ref, note, self._clock()))

    async def ping(self) -> None:
        """Check the way to the server, the login, and that it would take mails from us to everybody."""
        config = self._config
        everybody = {*config.to, *(one for team in config.teams.values() for one in team)}
        async with _Errors(self._secrets()) as stage, self._connection() as smtp:
            stage.doing = f"MAIL FROM {config.sender}"
            await smtp.mail(config.sender)
            for recipient in sorted(everybody):
                stage.doing = f"RCPT TO {recipient}"
                await smtp.rcpt(recipient)
            await smtp.rset()

    async def _send(self, mail: EmailMessage) -> None:
        """Send a mail to all who may get it; it fails only if the server takes it for nobody."""
        async with _Errors(self._secrets()) as stage, self._connection() as smtp:
            stage.doing = f"MAIL FROM {self._config.sender}"
            await smtp.mail(self._config.sender)
            await self._address(smtp, [one.addr_spec for one in mail["To"].addresses], stage)
            stage.doing, stage.sent = "DATA", True
            await smtp.data(mail.as_bytes(policy=MAIL))
            stage.sent = False

    async def _address(self, smtp: aiosmtplib.SMTP, recipients: Sequence[str], stage: _Errors) -> None:
        refused: list[aiosmtplib.SMTPRecipientRefused] = []
        for recipient in recipients:
            stage.doing = f"RCPT TO {recipient}"
            try:
                await smtp.rcpt(recipient)
            except aiosmtplib.SMTPRecipientRefused as error:
                refused.append(error)
        if len(refused) == len(recipients):
            # One that may get it later is worth another attempt.
            raise min(refused, key=lambda error: error.code)

    def _connection(self) -> _Connection:
        config = self._config
        return _Connection(
            aiosmtplib.SMTP(
                hostname=config.host,
                port=config.port,
                use_tls=config.encryption is Encryption.IMPLICIT,
                start_tls=config.encryption is Encryption.STARTTLS,
                tls_context=self._tls,
                username=config.login.username if config.login else None,
                password=config.login.password.get_secret_value() if config.login else None,
                timeout=config.timeout_seconds,
                local_hostname=_domain(config),
            ),
            config.timeout_seconds,
        )

    def _secrets(self) -> list[str]:
        return [self._config.login.password.get_secret_value()] if self._config.login else []


class _Connection:
    """A connection that is open for the length of a block, and for one time-out at most."""

    def __init__(self, smtp: aiosmtplib.SMTP, timeout: float) -> None:
        self._smtp = smtp
        self._timeout = asyncio.timeout(timeout)

    async def __aenter__(self) -> aiosmtplib.SMTP:
        await self._timeout.__aenter__()
        try:
            await self._smtp.connect()
        except BaseException as error:
            self._smtp.close()
            await self._timeout.__aexit__(type(error), error, error.__traceback__)
            raise
        return self._smtp

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            # What was said was done; whether the other side says goodbye does not matter.
            with suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await self._smtp.quit(timeout=1)
        self._smtp.close()
        await self._timeout.__aexit__(kind, error, trace)


class _Errors:
    """Makes the domain's errors of what goes wrong in a block, knowing what was being done."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self.doing = "connecting"
        self.sent = False
        """Whether the server may have the whole mail."""
        self._secrets = secrets

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, aiosmtplib.SMTPException | OSError | ValueError):
            raise self._meaning(error) from error

    def _meaning(self, error: Exception) -> DeliveryError:
        text = excerpt(f"{type(error).__name__} {error}".encode(), self._secrets)
        message = f"mail server, {self.doing}: {text}"[: 2 * EXCERPT]
        match error:
            case aiosmtplib.SMTPResponseException():
                return answered(
                    error.code, message, text, is_login=isinstance(error, aiosmtplib.SMTPAuthenticationError)
                )
            case TimeoutError():
                return TemporaryError(message, Reason.TIMEOUT, unknown=self.sent)
            case OSError():  # the library's own errors of connections among them, and those of certificates
                return TemporaryError(message, Reason.UNREACHABLE, unknown=self.sent)
            case _:  # the server lacks what we ask for, like STARTTLS
                return PermanentError(message, Reason.REJECTED)


def answered(code: int, message: str, text: str, *, is_login: bool = False) -> DeliveryError:
    """Say what an answer of the server means: 4xx is for now, 5xx for good (RFC 5321, 4.2.1).

    >>> answered(451, "m", "4.7.1 too many messages").reason, answered(550, "m", "no such user").reason
    (<Reason.RATE_LIMITED: 'rate_limited'>, <Reason.REJECTED: 'rejected'>)
    """
    if 400 <= code < 500:  # noqa: PLR2004 - the range is its own name
        return TemporaryError(message, Reason.RATE_LIMITED if _LIMITED.search(text) else Reason.SERVER_ERROR)
    if is_login or code in {530, 534, 535, 538}:
        return PermanentError(message, Reason.AUTHENTICATION)
    if 500 <= code < 600:  # noqa: PLR2004
        return PermanentError(message, Reason.REJECTED)
    return TemporaryError(message, Reason.BAD_ANSWER, unknown=True)


def to_mail(
    config: EmailConfig, ticket: DesiredTicket, id_: str, reply_to: str, now: datetime
) -> EmailMessage:
    """Write the mail that shows *ticket*."""
    mail = _mail(config, config.teams.get(ticket.team, config.to), id_, reply_to, now)
    subject = one_line(ticket.title, SUBJECT_LENGTH)
    number, importance = IMPORTANCE[ticket.priority]
    headers = {
        "Subject": f"Re: {subject}" if reply_to else subject,
        "X-Priority": number,
        "Importance": importance,
        "X-Tocsin-Key": ticket.key,
        "X-Tocsin-State": ticket.state.value,
        "X-Tocsin-Priority": ticket.priority.value,
    }
    own = {
        name: one_line(str(value), HEADER_LENGTH)
        for name, value in render_fields(config.fields, ticket).items()
    }
    taken = {name.lower() for name in own}
    for name, value in {
        **{name: value for name, value in headers.items() if name.lower() not in taken},
        **own,
    }.items():
        mail[name] = value
    mail.set_content(body_of(ticket))
    return mail


def to_note(config: EmailConfig, ref: TicketRef, note: Note, now: datetime) -> EmailMessage:
    """Write the mail that tells a note. Its team is not known here, so it goes to all who read the thread."""
    key = ref.id.partition("@")[0]
    everybody = list(dict.fromkeys([*config.to, *(one for team in config.teams.values() for one in team)]))
    id_ = f"{key}.note.{re.sub(r'[^A-Za-z0-9.-]', '-', note.id)}@{_domain(config)}"
    mail = _mail(config, everybody, id_, ref.id, now)
    mail["Subject"] = f"Re: {one_line(note.text, 78)}"
    mail["X-Tocsin-Key"] = key
    mail.set_content(cut(clean(note.text), BODY_LENGTH) + "\n")
    return mail


def body_of(ticket: DesiredTicket) -> str:
    """Write how a ticket stands, then what it is about."""
    facts = {
        "State": ticket.state.value.replace("_", " "),
        "Priority": f"{ticket.priority.value} (impact {ticket.impact.value}, urgency {ticket.urgency.value})",
        "Service": one_line(ticket.service, SUBJECT_LENGTH),
        "Team": one_line(ticket.team, SUBJECT_LENGTH),
        "Kind": ticket.kind.value,
        "Link": ticket.url,
    }
    head = "\n".join(f"{name + ':':<10}{value}" for name, value in facts.items() if value)
    return f"{head}\n\n{cut(clean(ticket.description), BODY_LENGTH)}\n"


def _mail(config: EmailConfig, to: Sequence[str], id_: str, reply_to: str, now: datetime) -> EmailMessage:
    mail = EmailMessage(policy=MAIL)
    mail["From"] = formataddr((one_line(config.sender_name, 60), config.sender))
    mail["To"] = ", ".join(to)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{id_}>"
    if reply_to:
        mail["In-Reply-To"] = f"<{reply_to}>"
        mail["References"] = f"<{reply_to}>"
    mail["Auto-Submitted"] = "auto-generated"
    return mail


def _domain(config: EmailConfig) -> str:
    return config.sender.rpartition("@")[2]
