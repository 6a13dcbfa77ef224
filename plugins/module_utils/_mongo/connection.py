"""Connection options shared by every MongoDB module: keep in step with doc_fragments/_mongodb.py."""

from __future__ import annotations

import typing as t

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError


def connection_argument_spec() -> dict[str, dict[str, t.Any]]:
    """Options named as community.mongodb 1.7 names them, so that ``module_defaults`` can be shared."""
    return {
        "login_uri": {"type": "str", "no_log": True},
        "login_host": {"type": "str", "default": "localhost"},
        "login_port": {"type": "int", "default": 27017},
        "login_user": {"type": "str"},
        "login_password": {"type": "str", "no_log": True},
        "login_database": {"type": "str", "default": "admin"},
        "replica_set": {"type": "str"},
        "ssl": {"type": "bool", "default": False, "aliases": ["tls"]},
        "ssl_ca_certs": {"type": "path", "aliases": ["tls_ca_certs"]},
        "ssl_certfile": {"type": "path", "aliases": ["tls_certfile"]},
        "ssl_cert_reqs": {
            "type": "str",
            "default": "CERT_REQUIRED",
            "choices": ["CERT_REQUIRED", "CERT_NONE"],
            "aliases": ["tls_cert_reqs"],
        },
        "auth_mechanism": {"type": "str", "choices": ["SCRAM-SHA-256", "SCRAM-SHA-1", "MONGODB-X509"]},
        "connection_options": {"type": "dict", "default": {}},
        "connect_timeout": {"type": "int", "default": 10},
    }


def client_parameters(options: dict[str, t.Any]) -> tuple[str | list[str], dict[str, t.Any]]:
    """Host argument and keyword arguments of a MongoClient, valid for pymongo 3.11 and 4.x.

    What ``connection_options`` names wins over what this function derives, whatever its spelling: the options of a
    connection string are not case-sensitive.

    :raises GroundworkError: ``connection_options`` holds a password.
    """
    _require_own_option(options["connection_options"])
    milliseconds = options["connect_timeout"] * 1000
    derived: dict[str, t.Any] = {
        "serverSelectionTimeoutMS": milliseconds,
        "connectTimeoutMS": milliseconds,
        "w": "majority",
        "readConcernLevel": "majority",
        **_tls_parameters(options),
        **_credentials(options),
    }
    hosts = _hosts(options)
    if options["replica_set"]:
        derived["replicaSet"] = options["replica_set"]
    elif isinstance(hosts, list) and len(hosts) == 1:
        derived["directConnection"] = True
    named = {str(name).lower() for name in options["connection_options"]}
    kept = {name: value for name, value in derived.items() if name.lower() not in named}
    return hosts, {**kept, **options["connection_options"]}


def _require_own_option(connection_options: dict[str, t.Any]) -> None:
    for name in connection_options:
        if str(name).lower() == "password":
            raise GroundworkError(
                f"connection_options holds {name}, where a password does not belong.", where="connection_options",
                untouched="everything", hint="Give it as login_password (mongodb_7_login_password in the role).",
                code=ErrorCode.INVALID_OPTIONS,
            )  # fmt: skip


def server_address(options: dict[str, t.Any]) -> str:
    """The address for messages: never a user name or password, also when it came from a connection string."""
    hosts = _hosts(options)
    if isinstance(hosts, list):
        return ",".join(hosts)
    without_scheme = hosts.partition("://")[2] or hosts
    # An unescaped "/" or "?" in a password must not end the part that is cut off: the last "@" ends the credentials.
    return without_scheme.rpartition("@")[2].partition("/")[0].partition("?")[0]


def _hosts(options: dict[str, t.Any]) -> str | list[str]:
    if options["login_uri"]:
        return str(options["login_uri"])
    names = [name.strip() for name in options["login_host"].split(",") if name.strip()]
    return [name if _has_port(name) else f"{name}:{options['login_port']}" for name in names or ["localhost"]]


def _has_port(name: str) -> bool:
    if name.startswith("["):
        return "]:" in name
    return name.count(":") == 1 or name.endswith(".sock")


def _tls_parameters(options: dict[str, t.Any]) -> dict[str, t.Any]:
    if not options["ssl"]:
        return {}
    parameters: dict[str, t.Any] = {"tls": True}
    if options["ssl_ca_certs"]:
        parameters["tlsCAFile"] = options["ssl_ca_certs"]
    if options["ssl_certfile"]:
        parameters["tlsCertificateKeyFile"] = options["ssl_certfile"]
    if options["ssl_cert_reqs"] == "CERT_NONE":
        parameters["tlsAllowInvalidCertificates"] = True
    return parameters


def _credentials(options: dict[str, t.Any]) -> dict[str, t.Any]:
    mechanism = options["auth_mechanism"]
    if mechanism == "MONGODB-X509":
        # The user is the certificate's subject, and lives in $external: a database or password is an error here.
        user = {"username": options["login_user"]} if options["login_user"] else {}
        return {"authMechanism": mechanism, **user}
    if not options["login_user"]:
        return {"authMechanism": mechanism} if mechanism else {}
    credentials = {
        "username": options["login_user"],
        "password": options["login_password"] or "",
        "authSource": options["login_database"],
    }
    if mechanism:
        credentials["authMechanism"] = mechanism
    return credentials
