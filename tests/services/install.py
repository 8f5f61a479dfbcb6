"""Install the real servers that the tests start, wherever they are missing; what is there is left alone.

Nothing of it is started: on Debian a temporary policy-rc.d forbids it, and no unit stays enabled. Needs only
the standard library.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Service:
    """A server the tests use, and how each system calls its packages."""

    name: str
    present: Callable[[], bool]
    apt: tuple[str, ...]
    brew: str | None = None
    optional: bool = False


# As root, and once for all packages. msmtp-mta, which runs no daemon, satisfies Request Tracker's wish
# for a mail server. BUNDLER_VERSION: the bundler that Debian 12's Ruby brings rejects Debian's own gems, and Redmine
# stays half installed; the one of ruby-bundler does not.
APT_SCRIPT = """
set -eu
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 BUNDLER_VERSION=2.3.15
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  trap 'rm -f $policy' EXIT INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > $policy && chmod 755 $policy
fi
debconf-set-selections <<SELECTIONS
request-tracker5 request-tracker5/dbconfig-install boolean false
request-tracker5 request-tracker5/handle-siteconfig-permissions boolean false
request-tracker5 request-tracker5/install-cronjobs boolean false
redmine redmine/instances/default/dbconfig-install boolean false
SELECTIONS
apt-get -qq -o DPkg::Lock::Timeout=900 install -y --no-install-recommends "$@" </dev/null >&2
# Neither now nor after the next boot: the tests start their own. The unit of icinga2-bin is icinga2.
for package; do
  unit=${package%-bin} unit=${unit%-core}
  systemctl disable --quiet "$unit" 2>/dev/null || true
done
"""

UPDATE_TRIES = 5


def main() -> int:
    """Install what is missing; 0 when the tests have all that this system can give them."""
    missing = [service for service in SERVICES if not service.present()]
    if not missing:
        return 0
    if shutil.which("apt-get"):
        return _apt(missing)
    if shutil.which("brew"):
        return _brew(missing)
    names = ", ".join(service.name for service in missing if not service.optional)
    print(f"Install these so that the tests can start them: {names}", file=sys.stderr)
    return 1 if names else 0


def _apt(missing: list[Service]) -> int:
    _apt_update()
    wanted = [service for service in missing if _in_apt(service)]
    packages = [package for service in wanted for package in service.apt]
    print(f"Installing {' '.join(packages)}", file=sys.stderr)
    return _as_root(["sh", "-c", APT_SCRIPT, "install", *packages]) if packages else 0


def _apt_update() -> None:
    # Another apt may hold the lists. If they cannot be had at all, what apt knows already may do.
    for _ in range(UPDATE_TRIES):
        if _as_root(["apt-get", "-qq", "-o", "DPkg::Lock::Timeout=900", "update"]) == 0:
            return


def _in_apt(service: Service) -> bool:
    """Say whether apt has *service*; an unknown one that we need is left to apt to complain about."""
    known = subprocess.run(["apt-cache", "show", service.apt[0]], capture_output=True, check=False)
    if known.returncode != 0 and service.optional:
        print(f"This distribution has no {service.apt[0]}: its tests use the fake instead", file=sys.stderr)
        return False
    return True


def _brew(missing: list[Service]) -> int:
    formulas = [service.brew for service in missing if service.brew]
    for service in missing:
        if not service.brew:
            print(f"Homebrew has no {service.name}: its tests use the fake instead", file=sys.stderr)
    return subprocess.run(["brew", "install", *formulas], check=False).returncode if formulas else 0


def _as_root(command: list[str]) -> int:
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    return subprocess.run([*sudo, *command], check=False).returncode


def _has_rabbitmq() -> bool:
    return bool(shutil.which("rabbitmq-server", path=f"{os.environ.get('PATH', '')}:/usr/sbin"))


def _has_redis() -> bool:
    return bool(shutil.which("redis-server"))


def _has_request_tracker() -> bool:
    return Path("/usr/share/request-tracker5/libexec/rt-server").exists()


def _has(*programs: str) -> Callable[[], bool]:
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    return lambda: any(shutil.which(program, path=path) for program in programs)


def _has_redmine() -> bool:
    return Path("/usr/share/redmine/config.ru").exists() and bool(shutil.which("puma"))


def _request_tracker_packages() -> tuple[str, ...]:
    packages = ("request-tracker5", "rt5-db-sqlite", "rt5-standalone")
    has_mail_server = Path("/usr/sbin/sendmail").exists()
    return packages if has_mail_server else (*packages, "msmtp-mta")


SERVICES = (
    Service("RabbitMQ", _has_rabbitmq, apt=("rabbitmq-server",), brew="rabbitmq"),
    Service("Redis", _has_redis, apt=("redis-server",), brew="redis"),
    Service("Request Tracker 5", _has_request_tracker, apt=_request_tracker_packages(), optional=True),
    Service("Redmine 5", _has_redmine, apt=("redmine", "redmine-sqlite", "puma"), optional=True),
    Service("Prometheus", _has("prometheus"), apt=("prometheus",), brew="prometheus"),
    Service(
        "Alertmanager",
        _has("prometheus-alertmanager", "alertmanager"),
        apt=("prometheus-alertmanager",),
        brew="alertmanager",
    ),
    Service("Icinga 2", _has("icinga2"), apt=("icinga2-bin",), optional=True),
    Service("Nagios 4", _has("nagios4"), apt=("nagios4-core",), optional=True),
)
