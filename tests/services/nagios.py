"""A real Nagios 4 from Debian's packages, up in 0.1 s: one host, one service, both checked by hand.

No part of the system's configuration is touched, and it runs as whoever runs the tests.
"""

from __future__ import annotations

import getpass
import grp
import os
import time
from typing import TYPE_CHECKING, ClassVar

from tests.services.server import Server, found

if TYPE_CHECKING:
    import socket
    from collections.abc import Mapping
    from pathlib import Path

# illegal_macro_output_chars is as in Debian's own file: what a plugin says ends up in a shell's command line.
CONFIG = """
cfg_file={folder}/objects.cfg
log_file={folder}/nagios.log
object_cache_file={folder}/objects.cache
precached_object_file={folder}/objects.precache
status_file={folder}/status.dat
state_retention_file={folder}/retention.dat
lock_file={folder}/nagios.lock
temp_file={folder}/nagios.tmp
temp_path={folder}
check_result_path={folder}/results
command_file={folder}/commands
query_socket={folder}/query
nagios_user={user}
nagios_group={group}
check_external_commands=1
check_for_updates=0
execute_service_checks=0
execute_host_checks=0
check_workers=1
illegal_macro_output_chars=`~$&|'"<>
"""
ALWAYS = "\n".join(
    f"  {day}day 00:00-24:00" for day in ("mon", "tues", "wednes", "thurs", "fri", "satur", "sun")
)
CHECKED = """
  check_command none
  max_check_attempts 1
  active_checks_enabled 0
  check_period 24x7
  notification_period 24x7
  notification_interval 0
  contacts tocsin
}
"""
OBJECTS = (
    "define timeperiod {\n  timeperiod_name 24x7\n  alias always\n" + ALWAYS + "\n}\n"
    "define command {\n  command_name none\n  command_line /bin/true\n}\n"
    "define host {\n  host_name db-1\n  address 192.0.2.7\n"
    + CHECKED
    + "define service {\n  host_name db-1\n"
    "  service_description disk\n  check_interval 5\n  retry_interval 1\n" + CHECKED
)


class Nagios(Server):
    """An own Nagios, with more *objects* for it, the contact ``tocsin`` among them, and *env* for what it calls."""

    scheme: ClassVar = "file"

    def __init__(self, folder: Path, objects: str, env: Mapping[str, str] | None = None) -> None:
        super().__init__([found("nagios4")], folder, env)
        (folder / "results").mkdir(exist_ok=True)
        (folder / "objects.cfg").write_text(OBJECTS + objects)
        group = grp.getgrgid(os.getgid()).gr_name
        config = CONFIG.replace("{user}", getpass.getuser()).replace("{group}", group)
        file = folder / "nagios.cfg"
        file.write_text(config.replace("{folder}", str(folder)))
        self._commands = folder / "commands"
        self.command_parts = [*self.command_parts, str(file)]

    def act(self, command: str, *given: str) -> None:
        """Give it an external command for the service."""
        line = ";".join((command, "db-1", "disk", *given))
        with self._commands.open("w") as commands:
            commands.write(f"[{int(time.time())}] {line}\n")

    def after_start_check(self) -> bool:
        """It takes commands."""
        return self._commands.is_fifo()

    def answers(self, connection: socket.socket) -> bool:
        """It listens on no port."""
        raise NotImplementedError
