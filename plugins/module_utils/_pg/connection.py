"""Connection options shared by every PostgreSQL module: keep in step with doc_fragments/_postgresql.py."""

from __future__ import annotations

import typing as t


def connection_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Options named as community.postgresql 5 names them, so that ``module_defaults`` can be shared."""
    return {
        "login_host": {"type": "str", "default": ""},
        "login_port": {"type": "int", "default": 5432},
        "login_user": {"type": "str", "default": "postgres"},
        "login_password": {"type": "str", "no_log": True},
        "login_unix_socket": {"type": "str", "default": ""},
        "ssl_mode": {
            "type": "str",
            "default": "prefer",
            "choices": ["allow", "disable", "prefer", "require", "verify-ca", "verify-full"],
        },
        "ca_cert": {"type": "path"},
        "ssl_cert": {"type": "path"},
        "ssl_key": {"type": "path", "no_log": False},
        "connect_timeout": {"type": "int", "default": 10},
    }


def libpq_parameters(options: dict[str, t.Any], database: str) -> dict[str, t.Any]:
    """The module's options as libpq connection parameters for one database."""
    parameters = {
        "host": options["login_host"] or options["login_unix_socket"],
        "port": options["login_port"],
        "user": options["login_user"],
        "password": options["login_password"],
        "dbname": database,
        "sslmode": options["ssl_mode"],
        "sslrootcert": options["ca_cert"],
        "sslcert": options["ssl_cert"],
        "sslkey": options["ssl_key"],
        "connect_timeout": options["connect_timeout"],
    }
    return {name: value for name, value in parameters.items() if value not in (None, "")}


def server_address(options: dict[str, t.Any], database: str | None = None) -> str:
    """The server for messages and reports, without credentials: ``host:port/database``."""
    host = options["login_host"] or options["login_unix_socket"] or "local socket"
    address = f"{host}:{options['login_port']}"
    return f"{address}/{database}" if database else address
