"""Mails: their headers, the server's answers, and encryption, against a real aiosmtpd."""

from __future__ import annotations

import ipaddress
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from msgspec.structs import replace
from pydantic import ValidationError

from adapters.fakes.base import Answer
from adapters.fakes.email import FakeEmail, serving_mail
from adapters.http import Http
from adapters.tickets.email import Email, EmailConfig, to_mail
from domain.errors import DeliveryError, PermanentError, Reason, TemporaryError
from domain.incident import TicketRef
from domain.ticket import Note, TicketAction, TicketState
from tests.contracts.tickets import HOSTILE, a_ticket

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def config(url: str = "smtp://127.0.0.1:25", **changes: Any) -> EmailConfig:
    return EmailConfig.model_validate({**FakeEmail().settings(url), **changes})


@pytest.fixture
def fake() -> FakeEmail:
    return FakeEmail()


@pytest.fixture
async def url(fake: FakeEmail) -> AsyncIterator[str]:
    async with fake.serving() as url:
        yield url


async def test_a_life_is_one_thread_with_names_that_do_not_change(fake: FakeEmail, url: str) -> None:
    """A mail sent again has the name it had, so it is shown once."""
    system, ticket = Email(config(url)), a_ticket("abc")
    ref = await system.create(ticket)
    await system.create(ticket)
    over = replace(ticket, version=7, state=TicketState.RESOLVED)
    for _ in range(2):
        await system.update(ref, over, TicketAction.RESOLVE)
    await system.comment(ref, Note("n 1", "hello"))

    assert ref == TicketRef("abc@example.org")
    assert list(fake.mails) == ["abc@example.org", "abc.7.resolve@example.org", "abc.note.n-1@example.org"]
    assert [mail["References"] for mail in fake.mails.values()] == [None, *["<abc@example.org>"] * 2]
    assert [mail["In-Reply-To"] for mail in fake.mails.values()] == [None, *["<abc@example.org>"] * 2]
    assert {mail["Auto-Submitted"] for mail in fake.mails.values()} == {"auto-generated"}
    assert not fake.look(ref.id).is_open


def test_nothing_from_an_alert_becomes_a_header() -> None:
    """Titles, teams and labels come from whoever can post an alert."""
    evil = a_ticket(
        title=f"down\r\nBcc: evil@example.com\u2028Cc: a@b.c\x85X: y {HOSTILE}",
        team="x\r\nBcc: e@example.com",
    )
    settings = config(fields={"Subject": "{{ title }}", "X-Team": "{{ team }}\nBcc: evil@example.com"})
    raw = to_mail(settings, evil, "i@d", "", NOW).as_bytes()
    head = raw.partition(b"\r\n\r\n")[0]
    names = [
        line.partition(b":")[0].lower() for line in head.split(b"\r\n") if not line.startswith((b" ", b"\t"))
    ]

    assert b"bcc" not in names
    assert b"cc" not in names
    assert b"x-injected" not in names
    assert len(names) == len(set(names))
    assert max(map(len, raw.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    "name", ["Bcc", "to", "Message-ID", "Content-Type", "references", "X: y", "X\r\nBcc"]
)
def test_a_header_of_ours_cannot_be_set(name: str) -> None:
    with pytest.raises(ValidationError, match="cannot be set"):
        config(fields={name: "x"})


@pytest.mark.parametrize("address", ["a@b\r\nBcc: c@d.e", "a b@c.d", "A <a@b.c>", "a", "a@b,c@d", ""])
def test_an_address_is_one_plain_address(address: str) -> None:
    with pytest.raises(ValidationError):
        config(to=[address])


def test_a_password_is_not_sent_in_the_clear() -> None:
    with pytest.raises(ValidationError, match="in the clear"):
        config(host="smtp.example.org")


def test_a_teams_mails_go_to_the_team() -> None:
    settings = config(teams={"payments": ["a@example.org", "b@example.org"]})
    mails = [to_mail(settings, a_ticket(team=team), "i@d", "", NOW) for team in ("payments", "others")]

    assert [str(mail["To"]) for mail in mails] == ["a@example.org, b@example.org", "oncall@example.org"]


ANSWERS: dict[str, tuple[Answer, type[DeliveryError], Reason]] = {
    "450": (Answer(450, "4.2.0 mailbox busy"), TemporaryError, Reason.RATE_LIMITED),
    "451": (Answer(451, "4.3.0 local error"), TemporaryError, Reason.SERVER_ERROR),
    "452": (Answer(452, "4.3.1 no space"), TemporaryError, Reason.SERVER_ERROR),
    "421": (Answer(421, "4.7.28 unusual rate of mail"), TemporaryError, Reason.RATE_LIMITED),
    "550": (Answer(550, "5.7.1 looks like spam"), PermanentError, Reason.REJECTED),
    "552": (Answer(552, "5.3.4 too big"), PermanentError, Reason.REJECTED),
    "554": (Answer(554, "5.0.0 no"), PermanentError, Reason.REJECTED),
}


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_the_server_answers_is_heeded(fake: FakeEmail, url: str, name: str) -> None:
    """4xx is for now and 5xx for good; in both the mail was surely not taken."""
    answer, kind, reason = ANSWERS[name]
    fake.hazards.answers.append(answer)
    with pytest.raises(kind, match=answer.body) as caught:
        await Email(config(url)).create(a_ticket())

    assert caught.value.reason is reason
    assert not caught.value.unknown


async def test_those_who_may_get_the_mail_get_it(fake: FakeEmail, url: str) -> None:
    fake.refused = {"gone@example.org": "550 5.1.1 no such user"}
    await Email(config(url, to=["gone@example.org", "here@example.org"])).create(a_ticket())

    assert fake.envelopes == [("tocsin@example.org", ("here@example.org",))]


@pytest.mark.parametrize(
    ("answers", "kind"),
    [(("550 5.1.1 no such user",) * 2, PermanentError), (("550 no", "450 4.2.1 later"), TemporaryError)],
)
async def test_a_mail_for_nobody_is_an_error(
    fake: FakeEmail, url: str, answers: tuple[str, str], kind: type[DeliveryError]
) -> None:
    fake.refused = {"a@example.org": answers[0], "b@example.org": answers[1]}
    with pytest.raises(kind, match=r"RCPT TO [ab]@example\.org"):
        await Email(config(url, to=["a@example.org", "b@example.org"])).create(a_ticket())

    assert fake.mails == {}


async def test_a_ping_names_the_address_that_is_refused(fake: FakeEmail, url: str) -> None:
    fake.refused = {"gone@example.org": "550 5.1.1 no such user"}
    with pytest.raises(PermanentError, match=r"RCPT TO gone@example\.org"):
        await Email(config(url, teams={"payments": ["gone@example.org"]})).ping()

    assert fake.mails == {}


async def test_a_server_that_says_nothing_is_given_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(TemporaryError) as caught:
            await Email(config(url, timeout="200ms")).create(a_ticket())

    assert caught.value.reason is Reason.TIMEOUT
    assert not caught.value.unknown


async def test_no_answer_to_the_mail_leaves_it_unknown(fake: FakeEmail, url: str) -> None:
    fake.hazards.delay = 5
    with pytest.raises(TemporaryError) as caught:
        await Email(config(url, timeout="500ms")).create(a_ticket())

    assert caught.value.reason is Reason.TIMEOUT
    assert caught.value.unknown


async def test_nobody_there(unused_tcp_port: int) -> None:
    with pytest.raises(TemporaryError) as caught:
        await Email(config(f"smtp://127.0.0.1:{unused_tcp_port}")).create(a_ticket())

    assert caught.value.reason is Reason.UNREACHABLE
    assert not caught.value.unknown


async def test_a_wrong_password_is_not_shown(url: str) -> None:
    settings = config(url, login={"username": "tocsin", "password": "wrong-s3cret"})
    with pytest.raises(PermanentError) as caught:
        await Email(settings).create(a_ticket())

    assert caught.value.reason is Reason.AUTHENTICATION
    assert "wrong-s3cret" not in str(caught.value)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and a certificate for 127.0.0.1 that nobody signed, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(
            name, name, key.public_key(), 1, now - timedelta(days=1), now + timedelta(days=1)
        )
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(secret + made.public_bytes(Encoding.PEM))
    return path


def server_side(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


async def test_starttls_encrypts_before_the_password(fake: FakeEmail, certificate: Path) -> None:
    """The server lets nobody log in before."""
    context = server_side(certificate)
    async with serving_mail(fake, tls_context=context, require_starttls=True, auth_require_tls=True) as url:
        trusting = ssl.create_default_context(cafile=str(certificate))
        await Email(config(url, encryption="starttls"), trusting).create(a_ticket())

    assert len(fake.mails) == 1


async def test_a_server_that_nobody_vouches_for_gets_no_password(fake: FakeEmail, certificate: Path) -> None:
    async with serving_mail(fake, tls_context=server_side(certificate)) as url:
        with pytest.raises(TemporaryError, match="certificate") as caught:
            await config(url, encryption="starttls").build(Http()).create(a_ticket())

    assert caught.value.reason is Reason.UNREACHABLE
    assert fake.mails == {}


async def test_a_server_without_starttls_gets_no_password(url: str) -> None:
    with pytest.raises(PermanentError, match="STARTTLS") as caught:
        await Email(config(url, encryption="starttls")).create(a_ticket())

    assert caught.value.reason is Reason.REJECTED


async def test_implicit_tls_is_spoken_from_the_first_byte(fake: FakeEmail, certificate: Path) -> None:
    async with serving_mail(fake, tls=server_side(certificate)) as url:
        trusting = ssl.create_default_context(cafile=str(certificate))
        await Email(config(url, encryption="implicit"), trusting).create(a_ticket())

    assert len(fake.mails) == 1
