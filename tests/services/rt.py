"""A real Request Tracker 5 from Debian's packages on its own SQLite file: 2 s, and 4 s once for the data.

No part of the system's configuration is touched: RT is told by its environment where to read its own. The
database is made and seeded once a run and then copied: queues ``Incidents`` and ``Problems``, custom fields, a user
with a token who may do what our adapter needs, and delete tickets, and the scrip of docs/destinations/rt.md.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from tests.services.server import HOST, Server, ServerFailedError, ServerMissingError, free_port

if TYPE_CHECKING:
    import socket

SERVER = Path("/usr/share/request-tracker5/libexec/rt-server")
SETUP = Path("/usr/sbin/rt-setup-database-5")
DISTRIBUTIONS = Path("/etc/debian_version")  # of Debian and Ubuntu, which have the package
WORKERS = 2
QUEUE = "Incidents"

CONFIG = r"""
Set($rtname, 'test.local');
Set($Organization, 'test.local');
Set($Timezone, 'UTC');
Set($CorrespondAddress, 'rt@test.local');
Set($CommentAddress, 'rt-comment@test.local');
Set($WebDomain, '{host}');
Set($WebPort, {port});
Set($WebBaseURL, 'http://{host}:{port}');
Set($DatabaseType, 'SQLite');
Set($DatabaseName, '{folder}/rt.sqlite');
Set($LogToSyslog, undef);
Set($LogToSTDERR, 'warning');
Set($WebSessionClass, 'Apache::Session::File');
Set($MailCommand, 'testfile');
Set($TocsinCallback, 'http://{host}:{hook}/callback/rt');
Set($TocsinSecret, 'of-the-scrip');
Set($BcryptCost, 4); # a token is checked with each request: 250 ms by default
$RT::MasonDataDir = '{folder}/mason';
$RT::MasonSessionDir = '{folder}/session';
1;
"""

SEED = r"""
use strict; use warnings;
use lib '/usr/local/share/request-tracker5/lib', '/usr/share/request-tracker5/lib';
use RT -init; use RT::AuthToken;
sub ok { my ($ok, $message) = @_; die $message unless $ok; return @_ }
my $system = RT->SystemUser;
my @queues;
for my $name (qw(Incidents Problems)) {
  my $queue = RT::Queue->new($system); ok($queue->Create(Name => $name)); push @queues, $queue;
}
my $type = RT::Ticket->CustomFieldLookupType;
my @choices = (['Impact', 'SelectSingle', 0], ['Urgency', 'SelectSingle', 0]);
for my $spec (['ExternalID', 'FreeformSingle', 1], @choices, ['Service', 'FreeformSingle', 0]) {
  my ($name, $kind, $unique) = @$spec;
  my $field = RT::CustomField->new($system);
  my %args = (Name => $name, Type => $kind, MaxValues => 1, LookupType => $type, UniqueValues => $unique);
  ok($field->Create(%args));
  if ($kind eq 'SelectSingle') { $field->AddValue(Name => $_) for qw(high medium low) }
  ok($field->AddToObject($_)) for @queues;
}
my $user = RT::User->new($system);
ok($user->Create(Name => 'tocsin', EmailAddress => 'tocsin@test.local', Privileged => 1));
for my $right (qw(SeeQueue ShowTicket ShowTicketComments CreateTicket ModifyTicket DeleteTicket
                  CommentOnTicket SeeCustomField ModifyCustomField SetInitialCustomField)) {
  ok($user->PrincipalObj->GrantRight(Object => $_, Right => $right)) for @queues;
}
my $token = RT::AuthToken->new($system);
my @made = ok($token->Create(Owner => $user->id, Description => 'tests'));
my $scrip = RT::Scrip->new($system);
ok($scrip->Create(Queue => 0, Description => 'Tocsin', ScripCondition => 'On Transaction',
                  ScripAction => 'User Defined', Template => 'Blank', CustomPrepareCode => '1;',
                  CustomCommitCode => $ENV{SCRIP}));
print "TOKEN $made[2]\n";
"""
GUIDE = Path(__file__).parents[2] / "docs/destinations/rt.md"
SECRET = "of-the-scrip"


class RequestTracker(Server):
    """An own RT; `token` is there once it has started. Data is copied from *template*, made by the first."""

    scheme: ClassVar = "http"
    token: str

    def __init__(self, folder: Path, template: Path) -> None:
        if not SERVER.exists() or not SETUP.exists():
            packages = "request-tracker5 rt5-db-sqlite rt5-standalone"
            raise ServerMissingError(f"Request Tracker 5 (apt-get install {packages})")
        config = {
            "RT_SITE_CONFIG": str(folder / "RT_SiteConfig.pm"),
            "RT_SITE_CONFIG_DIR": str(folder / "none"),
        }
        super().__init__([str(SERVER), "--server", "Starlet"], folder, config)
        self.command_parts = [
            *self.command_parts,
            "--host",
            HOST,
            "--port",
            str(self.port),
            "--max-workers",
            str(WORKERS),
        ]
        self._env = {**os.environ, **config, "SCRIP": scrip()}
        self.hook = free_port()
        """Where the scrip posts to."""
        self._template = template

    @property
    def url(self) -> str:
        """Where RT's pages are."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> Self:
        """Lay out the folder if it is empty, and start."""
        if not (self.folder / "rt.sqlite").exists():
            self._lay_out()
        return super().start()

    def answers(self, connection: socket.socket) -> bool:
        """Ask for a version without a token: 401 shows that the application is loaded."""
        connection.settimeout(5)
        connection.sendall(b"GET /REST/2.0/rt HTTP/1.0\r\n\r\n")
        return b" 401 " in connection.recv(64)

    def _lay_out(self) -> None:
        for name in ("mason", "session"):
            (self.folder / name).mkdir()
        config = CONFIG.replace("{folder}", str(self.folder)).replace("{host}", HOST)
        config = config.replace("{port}", str(self.port)).replace("{hook}", str(self.hook))
        (self.folder / "RT_SiteConfig.pm").write_text(config)
        self._template.mkdir(parents=True, exist_ok=True)
        with (self._template / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self._template / "token").exists():
                self._make_template()
        shutil.copy(self._template / "rt.sqlite", self.folder)
        self.token = (self._template / "token").read_text()

    def _make_template(self) -> None:
        password = self.folder / "password"
        password.write_text("of-root")
        self._run(str(SETUP), "--action", "init", "--skip-create", "--root-password-file", str(password))
        seeded = self._run("perl", "-e", SEED)
        (self.folder / "rt.sqlite").rename(self._template / "rt.sqlite")
        (self._template / "token").write_text(re.findall(r"^TOKEN (\S+)$", seeded, re.MULTILINE)[0])

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self._env, cwd=self.folder, text=True, capture_output=True, timeout=120, check=False
        )
        if done.returncode:
            raise ServerFailedError(f"{command[0]} failed\n{done.stdout}\n{done.stderr}")
        return done.stdout


def scrip() -> str:
    """Read the scrip of the guide."""
    found = re.search(r"^```perl\n(.*?)^```$", GUIDE.read_text(), re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


def is_expected() -> bool:
    """Say whether this system can have a real RT, so that tests must have it."""
    return DISTRIBUTIONS.exists()
