"""The servers behind the pooler, asked from the pooler's own host: do they answer, and how many connections have they?
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from ..._core.error_codes import ErrorCode
from ..._core.errors import GroundworkError
from ..._pg.api import ServerUnreachable
from ..._pg.connection import connection_argument_spec
from ..._pg.session import Session
from .capacity import Server
from .declared import FALLBACK, UNTOUCHED, Wanted

# A server that refuses a login has answered, and has shown its certificate before.
_ANSWERED = re.compile(r"FATAL|no password supplied|authentication")
_ENOUGH = """
SELECT current_setting('max_connections')::int,
       current_setting('superuser_reserved_connections')::int
       + coalesce(current_setting('reserved_connections', true)::int, 0)
"""


def options_of(server: dict[str, t.Any]) -> dict[str, t.Any]:
    """One entry of the module's ``servers`` as connection options, with everything that is not given."""
    options = {name: spec.get("default") for name, spec in connection_argument_spec().items()}
    given = {key: value for key, value in server.items() if key in options and value is not None}
    host = server["host"]
    options |= {
        "login_host": "" if host.startswith("/") else host,
        "login_unix_socket": host if host.startswith("/") else "",
    }
    return options | {"login_port": server["port"]} | given


def capacity_of(server: dict[str, t.Any]) -> Server:
    """What the server lends the poolers: as given, else as it says itself when a login is given.

    :raises ServerUnreachable: it was to be asked and cannot be.
    """
    limit, reserve = server.get("max_connections"), server["reserve_connections"]
    if limit is None and server.get("login_user"):
        with contextlib.closing(Session.open(options_of(server), server["login_db"], "groundwork")) as session:
            limit, own_reserve = session.rows(_ENOUGH)[0]
            reserve = max(reserve, own_reserve)
    return Server(server["host"], server["port"], limit, reserve)


def check(wanted: Wanted, settings: dict[str, str], timeout: int) -> list[str]:
    """Open a connection to every server as the pooler would, and return their addresses.

    :raises GroundworkError: the first one that does not answer, or shows a certificate that the pooler would refuse.
    """
    reached: dict[str, None] = {}
    for database in wanted.databases:
        hosts, port = database.options.get("host", ""), database.server[1]
        for host in hosts.split(",") if hosts else [""]:
            address = f"{host or 'local socket'}:{port}"
            if address not in reached:
                name = database.options.get("dbname", "postgres" if database.name == FALLBACK else database.name)
                _check_one(host, port, name, settings, timeout, f"databases: {database.name}")
                reached[address] = None
    return list(reached)


def _check_one(host: str, port: int, name: str, settings: dict[str, str], timeout: int, where: str) -> None:
    local = not host or host.startswith("/")
    mode = "disable" if local else settings.get("server_tls_sslmode", "prefer")
    server = {
        "host": host,
        "port": port,
        "login_user": "pgbouncer_reachability",
        "ssl_mode": mode,
        "connect_timeout": timeout,
        "ca_cert": settings.get("server_tls_ca_file"),
    }
    try:
        Session.open(options_of(server), name, "groundwork reachability").close()
    except ServerUnreachable as error:
        if _ANSWERED.search(error.what):
            return
        text = error.what.partition(": ")[2] or error.what
        raise GroundworkError(
            f"The server {host or 'on the local socket'}:{port} does not serve the pooler: {text}",
            where=where,
            untouched=UNTOUCHED,
            code=ErrorCode.SERVER_UNREACHABLE,
            hint="Check host, port, firewall and the server's certificate, or set server_check: false.",
        ) from None
