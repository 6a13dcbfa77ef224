"""The only file that imports the PostgreSQL driver."""

from __future__ import annotations

import traceback
import typing as t

from .._core.error_codes import ErrorCode
from .._core.errors import GroundworkError
from .connection import libpq_parameters, server_address

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

try:
    import psycopg2
    import psycopg2.errors
    import psycopg2.extensions

    DRIVER_IMPORT_ERROR = None
    DRIVER_ERROR: type[Exception] = psycopg2.Error
except ImportError:
    DRIVER_IMPORT_ERROR = traceback.format_exc()
    DRIVER_ERROR = Exception

MINIMUM_DRIVER = (2, 8)


class ServerUnreachable(GroundworkError):
    """No session could be opened; nothing was sent."""


class DatabaseMissing(ServerUnreachable):
    """The server answered, the database does not exist."""


def require_driver(module: AnsibleModule) -> None:
    """Fail with installation advice unless psycopg2 2.8 or later can be imported."""
    from ansible.module_utils.basic import missing_required_lib

    if DRIVER_IMPORT_ERROR:
        module.fail_json(msg=missing_required_lib("psycopg2 >= 2.8"), exception=DRIVER_IMPORT_ERROR)
    version = tuple(int(part) for part in psycopg2.__version__.split()[0].split(".")[:2])
    if version < MINIMUM_DRIVER:
        module.fail_json(msg=f"psycopg2 {psycopg2.__version__} is too old, this module needs 2.8 or later.")


def require_driver_for_a_server(module: AnsibleModule) -> None:
    """The same, unless the run plans for a server that does not exist yet."""
    if not (module.check_mode and module.params["assume_empty"]):
        require_driver(module)


def connect(options: dict[str, t.Any], database: str, application_name: str, *, autocommit: bool = False) -> t.Any:
    """Open one session.

    :raises DatabaseMissing: the server says that ``database`` does not exist (SQLSTATE 3D000).
    :raises ServerUnreachable: any other refusal, with libpq's own words.
    :raises GroundworkError: the driver is missing.
    """
    if DRIVER_IMPORT_ERROR:
        from ansible.module_utils.basic import missing_required_lib

        raise GroundworkError(
            missing_required_lib("psycopg2 >= 2.8"), untouched="everything; no session was opened",
            code=ErrorCode.NO_DRIVER
        )
    parameters = libpq_parameters(options, database)
    try:
        connection = psycopg2.connect(application_name=application_name, **parameters)
    except psycopg2.OperationalError as error:
        raise _connection_error(error, options, database) from None
    connection.autocommit = autocommit
    return connection


def _connection_error(error: Exception, options: dict[str, t.Any], database: str) -> ServerUnreachable:
    # libpq reports refusals during start-up without an SQLSTATE, so the server's text has to decide.
    text = " ".join(str(error).split())
    where = server_address(options, database)
    untouched = "everything; no session was opened"
    if f'database "{database}" does not exist' in text:
        return DatabaseMissing(
            f'The database "{database}" does not exist.', where=where, untouched=untouched,
            hint="Create it first, for example with groundwork.databases.pg_contents.",
        )
    return ServerUnreachable(
        f"Cannot connect to PostgreSQL as {options['login_user']}: {text}", where=where, untouched=untouched,
        hint="Check login_host, login_port, login_user, login_password and pg_hba.conf.",
    )
