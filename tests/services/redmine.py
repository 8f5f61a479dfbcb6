"""A real Redmine from Debian's packages on its own SQLite file: 3 s, and 10 s once a run for the data.

The package runs several instances, by the names of their folders; ours is a path that leads from there to a
temporary folder, so that no part of the system is touched. The database is made and seeded once a run and then
copied: a project ``ops``, trackers, a custom field, and a user with a key who may do what our adapter needs.
"""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

from tests.services.server import HOST, Server, ServerFailedError, ServerMissingError

if TYPE_CHECKING:
    import socket

APP = Path("/usr/share/redmine")
INSTANCES = APP / "instances"
DISTRIBUTIONS = Path("/etc/debian_version")  # of Debian and Ubuntu, which have the package
KEY = "0123456789abcdef0123456789abcdef01234567"
# Debian 12: the bundler that its Ruby brings rejects Debian's own gems; the one of ruby-bundler does not.
BUNDLER = "2.3.15"

DATABASE = """
production:
  adapter: sqlite3
  database: {folder}/redmine.sqlite3
  encoding: utf8
  timeout: 5000
"""

SEED = r"""
Rake::Task.define_task(:migrated) { ActiveRecord::Base.descendants.each(&:reset_column_information) }
Rake::Task.define_task(seed: :environment) do
Setting.rest_api_enabled = 1
inc = Tracker.create!(name: 'Incident', default_status: IssueStatus.find_by(name: 'New'))
prb = Tracker.create!(name: 'Problem', default_status: IssueStatus.find_by(name: 'New'))
common = {field_format: 'string', is_for_all: true, is_filter: true, max_length: 255}
fields = %w[ExternalID Extra].map { |name| IssueCustomField.create!(name: name, **common) }
role = Role.find_by(name: 'Manager')
[inc, prb].each do |tracker|
  tracker.custom_fields.concat(fields)
  all = IssueStatus.where.not(name: 'Rejected').to_a
  all.product(all).each do |old, new|
    WorkflowTransition.create!(tracker: tracker, role: role, old_status: old, new_status: new) unless old == new
  end
end
project = Project.create!(name: 'Ops', identifier: 'ops', is_public: false, tracker_ids: [inc.id, prb.id],
                          enabled_module_names: ['issue_tracking'])
user = User.new(firstname: 'Svc', lastname: 'Alerts', mail: 'tocsin@test.local', language: 'en')
user.login = 'tocsin'
user.password = user.password_confirmation = SecureRandom.hex
user.save!
Member.create!(project: project, user_id: user.id, role_ids: [role.id])
token = Token.new(user_id: user.id, action: 'api')
token.save!
token.update_column(:value, '{key}')
puts({tracker: inc.id, problem_tracker: prb.id, key_field: fields[0].id}.to_json)
end
"""


class Redmine(Server):
    """An own Redmine; `numbers` are there once it has started: of trackers and the field for our key."""

    scheme: ClassVar = "http"
    numbers: dict[str, int]

    def __init__(self, folder: Path, template: Path) -> None:
        if not APP.exists() or shutil.which("puma") is None:
            raise ServerMissingError("Redmine (apt-get install redmine redmine-sqlite puma)")
        folder.mkdir(parents=True, exist_ok=True)
        config = {
            "BUNDLER_VERSION": BUNDLER,
            "LANG": "C.UTF-8",
            "RAILS_ENV": "production",
            "REDMINE_INSTANCE": os.path.relpath(folder.resolve(), INSTANCES),
            "REDMINE_LANG": "en",
        }
        command = f"cd {APP} && exec puma -e production -w 0 -t 1:4 -b tcp://{HOST}:$PORT config.ru"
        super().__init__(["sh", "-c", command], folder, config)
        self._envvars["PORT"] = str(self.port)
        self._env = {**os.environ, **config}
        self._template = template

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://{HOST}:{self.port}"

    def start(self) -> Self:
        """Lay out the folder if it is empty, and start."""
        if not (self.folder / "redmine.sqlite3").exists():
            self._lay_out()
        return super().start()

    def answers(self, connection: socket.socket) -> bool:
        """Ask who we are with the key."""
        connection.settimeout(10)
        head = f"GET /users/current.json HTTP/1.0\r\nX-Redmine-API-Key: {KEY}\r\n\r\n"
        connection.sendall(head.encode())
        return b" 200 " in connection.recv(64)

    def _lay_out(self) -> None:
        for name in ("config", "files", "log", "tmp/cache", "tmp/pids", "public/plugin_assets"):
            (self.folder / name).mkdir(parents=True)
        (self.folder / "config/database.yml").write_text(DATABASE.replace("{folder}", str(self.folder)))
        (self.folder / "config/secret_key.txt").write_text(secrets.token_hex(32))
        self._template.mkdir(parents=True, exist_ok=True)
        with (self._template / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not (self._template / "numbers.json").exists():
                self._make_template()
        shutil.copy(self._template / "redmine.sqlite3", self.folder)
        self.numbers = json.loads((self._template / "numbers.json").read_text())

    def _make_template(self) -> None:
        seed = self.folder / "seed.rb"
        seed.write_text(SEED.replace("{key}", KEY))
        tasks = ("db:migrate", "migrated", "redmine:load_default_data", "seed")
        numbers = self._rake("--require", str(seed), *tasks).splitlines()[-1]
        (self.folder / "redmine.sqlite3").rename(self._template / "redmine.sqlite3")
        (self._template / "numbers.json").write_text(numbers)

    def _rake(self, *arguments: str) -> str:
        done = subprocess.run(
            ["bundle", "exec", "rake", *arguments],
            env={**self._env, "SCHEMA": "/dev/null"},
            cwd=APP,
            text=True,
            capture_output=True,
            timeout=180,
            check=False,
        )
        if done.returncode:
            raise ServerFailedError(f"rake failed\n{done.stdout[-2_000:]}\n{done.stderr[:2_000]}")
        return done.stdout


def is_expected() -> bool:
    """Say whether this system can have a real Redmine, so that tests must have it."""
    return DISTRIBUTIONS.exists()
