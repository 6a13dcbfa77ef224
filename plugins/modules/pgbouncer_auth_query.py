#!/usr/bin/python

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pgbouncer_auth_query
short_description: Let PgBouncer ask a PostgreSQL server for its users' secrets, safely
version_added: 1.0.0
description:
  - Keeps a C(SECURITY DEFINER) function in each given database that answers one role, O(auth_user), with the SCRAM
    secret of another one. PgBouncer calls it for every user who is not in its C(userlist.txt).
  - "It never answers for superusers, replication roles, roles that may not log in, expired passwords
    (C(VALID UNTIL)), md5 hashes and O(excluded_roles). Its C(search_path) is fixed, C(EXECUTE) is taken from C(PUBLIC)
    and from everybody but O(auth_user)."
  - The function carries a version in its comment. One that an earlier version of this collection made, or somebody
    changed, is replaced, and so is one of the same name that was there before.
  - Not for servers where C(pg_authid) cannot be read, such as Amazon RDS. There, give both sides the same secret with
    the filter P(groundwork.databases.scram_sha_256#filter).
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._postgresql
  - groundwork.databases._attributes
options:
  databases:
    description:
      - Databases that get the function. PgBouncer asks in the database its client wants, or always in C(auth_dbname);
        with the latter one database is enough.
    type: list
    elements: str
    required: true
  auth_user:
    description: Role that asks. It must exist, and be no superuser.
    type: str
    default: pgbouncer_auth
  schema:
    description: Schema of the function.
    type: str
    default: pgbouncer
  function:
    description: Name of the function.
    type: str
    default: user_lookup
  excluded_roles:
    description: Roles that are never answered, beside superusers, replication roles and O(auth_user).
    type: list
    elements: str
    default: []
seealso:
  - module: groundwork.databases.pgbouncer_configuration
  - module: groundwork.databases.pg_contents
"""

EXAMPLES = r"""
- name: Let the pooler look up who may log in
  groundwork.databases.pgbouncer_auth_query:
    login_host: db1.example.com
    login_password: "{{ superuser_password }}"
    databases: [shop]
    auth_user: pgbouncer_auth
  register: lookup

- name: Use it
  groundwork.databases.pgbouncer_configuration:
    databases:
      - {name: shop, host: db1.example.com, max_db_connections: 30}
    settings: {auth_user: pgbouncer_auth, auth_query: "{{ lookup.auth_query }}", auth_dbname: shop}
    users:
      - {name: pgbouncer_auth, password: "{{ auth_password }}"}
"""

RETURN = r"""
actions:
  description: What was, or in check mode would be, created, upgraded or restricted.
  returned: success
  type: list
  elements: dict
auth_query:
  description: The value for PgBouncer's setting C(auth_query).
  returned: success
  type: str
  sample: SELECT uname, phash FROM "pgbouncer"."user_lookup"($1)
function_version:
  description: Version of the function.
  returned: success
  type: int
"""

import contextlib
import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg import api
from ..module_utils._pg.connection import connection_argument_spec, server_address
from ..module_utils._pg.session import Session, SqlError
from ..module_utils._pgbouncer.operations import auth_query
from ..module_utils._pgbouncer.operations.auth_query import DatabaseStep, Function

APPLICATION_NAME = "groundwork pgbouncer_auth_query"


def argument_spec() -> dict[str, t.Any]:
    return {
        **connection_argument_spec(),
        "databases": {"type": "list", "elements": "str", "required": True},
        "auth_user": {"type": "str", "default": "pgbouncer_auth"},
        "schema": {"type": "str", "default": "pgbouncer"},
        "function": {"type": "str", "default": "user_lookup"},
        "excluded_roles": {"type": "list", "elements": "str", "default": []},
    }


def check_server(session: Session, function: Function, where: str) -> None:
    """Refuse what cannot work.

    :raises GroundworkError: the auth_user is missing or a superuser, or this login cannot make the function.
    """
    can_login, asks_as_superuser, superuser, reads = session.rows_named(
        auth_query.SERVER, {"auth_user": function.auth_user}
    )[0]
    nothing = "everything"
    if can_login is None:
        raise GroundworkError(
            f"There is no role {function.auth_user}.", where=where, untouched=nothing, code=ErrorCode.NO_AUTH_USER,
            hint="Create it with a password, for example with groundwork.databases.pg_contents.",
        )  # fmt: skip
    if not can_login or asks_as_superuser:
        fault = "is a superuser" if asks_as_superuser else "may not log in"
        raise GroundworkError(
            f"The role {function.auth_user} {fault}.", where=where, untouched=nothing,
            hint="Use an ordinary role of its own: its password lies on every pooler's host.",
        )  # fmt: skip
    if not superuser or not reads:
        raise GroundworkError(
            "This login cannot read pg_authid, so the function could not either.", where=where, untouched=nothing,
            code=ErrorCode.NO_SECRETS_TO_READ,
            hint="Log in as a superuser. On a managed server, give server and pooler the same secret instead: see the "
            "filter groundwork.databases.scram_sha_256.",
        )  # fmt: skip


def read(session: Session, function: Function, database: str) -> list[DatabaseStep]:
    values = {"auth_user": function.auth_user, "schema": function.schema, "function": function.name}
    row = session.rows_named(auth_query.LIVE, values)[0]
    return auth_query.plan_database(function, database, auth_query.live_row(row))


def apply(session: Session, steps: list[DatabaseStep], where: str) -> None:
    """All steps of one database in one transaction."""
    try:
        session.run("BEGIN")
        for step in steps:
            for statement in step.statements:
                session.run(statement)
        session.run("COMMIT")
    except SqlError as error:
        session.rollback()
        raise GroundworkError(
            f"The function could not be made: {error.text}", where=where, untouched="this database; rolled back"
        ) from None


def run(module: GroundworkModule) -> dict[str, t.Any]:
    options = module.params
    function = Function(options["schema"], options["function"], options["auth_user"], tuple(options["excluded_roles"]))
    planned: list[DatabaseStep] = []
    with contextlib.ExitStack() as stack:
        sessions: dict[str, Session] = {}
        for database in dict.fromkeys(options["databases"]):
            session = Session.open(options, database, APPLICATION_NAME)
            stack.callback(session.close)
            if not sessions:
                check_server(session, function, server_address(options, database))
            sessions[database] = session
            planned += read(session, function, database)
        if planned and not module.check_mode:
            for database, session in sessions.items():
                steps = [step for step in planned if step.database == database]
                if steps:
                    apply(session, steps, server_address(options, database))
                    left = read(session, function, database)
                    if left:
                        raise GroundworkError(
                            "The database still differs after the run.", where=left[0].step.name,
                            code=ErrorCode.NOT_CONVERGED
                        )
    plan = auth_query.plan(planned)
    result: dict[str, t.Any] = {
        "changed": plan.changed,
        "actions": plan.actions(),
        "auth_query": function.query,
        "function_version": auth_query.VERSION,
    }
    if module._diff:
        result["diff"] = plan.diff()
    return result


def main() -> None:
    run_module(run, argument_spec(), require=api.require_driver)


if __name__ == "__main__":
    main()
