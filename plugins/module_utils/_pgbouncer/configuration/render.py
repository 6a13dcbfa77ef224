"""The text of pgbouncer.ini for each process, userlist.txt and the hba file.

Every process has one complete file: PgBouncer puts all settings back to their defaults when ``[pgbouncer]`` begins a
second time, so that a shared part cannot be included and then varied.
"""

from __future__ import annotations

import dataclasses
import re

from .declared import FALLBACK, Wanted

MANAGED = "; Managed by Ansible (groundwork.databases.pgbouncer_configuration): changes made here are lost.\n"


@dataclasses.dataclass(frozen=True)
class Layout:
    """Where things are on the host."""

    directory: str
    runtime_directory: str
    log_directory: str

    @property
    def userlist(self) -> str:
        return f"{self.directory}/userlist.txt"

    @property
    def hba(self) -> str:
        return f"{self.directory}/hba.conf"

    def ini(self, process: int) -> str:
        return f"{self.directory}/pgbouncer-{process}.ini"

    def sockets(self, process: int) -> str:
        return f"{self.runtime_directory}/{process}"

    def pidfile(self, process: int) -> str:
        return f"{self.sockets(process)}/pgbouncer.pid"

    def logfile(self, process: int) -> str:
        return f"{self.log_directory}/pgbouncer-{process}.log"


def own_settings(wanted: Wanted, layout: Layout, process: int) -> dict[str, str]:
    """The settings that follow from where and how many the processes are."""
    own = {
        "listen_addr": ",".join(wanted.listen_addresses),
        "listen_port": str(wanted.listen_port),
        "unix_socket_dir": layout.sockets(process),
        "pidfile": layout.pidfile(process),
        "logfile": layout.logfile(process),
        "auth_type": "hba",
        "auth_hba_file": layout.hba,
        "auth_file": layout.userlist,
        "admin_users": ",".join(user.name for user in wanted.users if user.admin),
        "stats_users": ",".join(user.name for user in wanted.users if user.stats),
    }
    # Also for a single process: it cannot be switched on without a restart when a second one comes.
    own["so_reuseport"] = "1"
    if wanted.peers:
        own["peer_id"] = str(process)
    return own


def ini(wanted: Wanted, layout: Layout, process: int) -> str:
    """The complete configuration of one process."""
    lines = [MANAGED, "[databases]\n"]
    for database in wanted.databases:
        lines.append(f"{_name(database.name)} = {_connection(database.options)}\n")
    users = [user for user in wanted.users if user.options]
    if users:
        lines.append("\n[users]\n")
        lines += [f"{_name(user.name)} = {_connection(user.options)}\n" for user in users]
    if wanted.peers:
        lines.append("\n[peers]\n")
        for peer in range(1, wanted.processes + 1):
            lines.append(f"{peer} = host={layout.sockets(peer)} port={wanted.listen_port}\n")
    lines.append("\n[pgbouncer]\n")
    settings = own_settings(wanted, layout, process) | wanted.settings
    lines += [f"{name} = {value}".rstrip() + "\n" for name, value in settings.items()]
    return "".join(lines)


def userlist(wanted: Wanted) -> str:
    return "".join(f"{_quoted(user.name)} {_quoted(user.secret)}\n" for user in wanted.users)


def hba(wanted: Wanted) -> str:
    return MANAGED.replace(";", "#", 1) + "".join(f"{rule.line()}\n" for rule in wanted.rules)


def without_passwords(text: str) -> str:
    """The configuration for a diff."""
    return re.sub(r"\bpassword=('(?:[^']|'')*'|\S+)", "password=***", text)


def userlist_for_diff(text: str, digest: str) -> str:
    """Who is in userlist.txt, with what kind of secret; the digest shows that a secret changed, not which."""
    lines = []
    for line in text.splitlines():
        found = re.match(r'"((?:[^"]|"")*)" "(SCRAM-SHA-256\$|md5)?', line)
        if found:
            kind = {"SCRAM-SHA-256$": "SCRAM secret", "md5": "md5 hash"}.get(found[2] or "", "password")
            lines.append(f"{found[1]}: {kind}\n")
    return "".join(lines) + f"(contents {digest})\n"


def _name(name: str) -> str:
    return name if name == FALLBACK or re.fullmatch(r"\w+", name, re.ASCII) else _quoted(name)


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _connection(options: dict[str, str]) -> str:
    return " ".join(f"{key}={_value(value)}" for key, value in options.items())


def _value(value: str) -> str:
    return value if re.fullmatch(r"[\w./:,@+-]+", value, re.ASCII) else "'" + value.replace("'", "''") + "'"
