#!/usr/bin/python

# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: pg_contents
short_description: Bring a PostgreSQL server's roles, databases, privileges, extensions and settings to a description
version_added: 1.0.0
description:
  - Everything around the versioned schema, for one server, in one task. The live catalogues are read once per
    database, compared with the description, and only the differences are written.
  - "Unset means untouched, set means exactly this: a listed role holds exactly the listed privileges on the listed
    objects. What exists beside the lists is returned under RV(unmanaged) and left alone unless a C(purge_*) option
    says otherwise."
  - "Why there is this module beside C(community.postgresql), which needs a task per role, database and grant: a
    description of a hundred items costs one module call and one query per database; check mode is exact even when the
    role or database does not exist yet, because check mode and diff show the very plan that a run applies; a password
    is compared with the stored SCRAM secret, so that an unchanged password is not written again, and only its secret
    is ever sent; default privileges are set for the role that I(creates) the objects, which must always be named."
  - Everything that can be refused is refused before the first statement. Roles are written in one transaction, then
    databases are created, then each database gets its schemas, extensions, privileges and default privileges in one
    transaction of its own. A run that is killed half-way is completed by the next one. Afterwards the catalogues are
    read again, and a difference that is left is an error.
  - Runs exclude each other by an advisory lock in O(login_db).
options:
  login_db:
    description: Maintenance database to connect to. It must exist.
    type: str
    default: postgres
  update_password:
    description: V(always) writes a password whenever the stored one differs, V(on_create) only for new roles.
    type: str
    choices: [always, on_create]
    default: always
  missing_objects:
    description:
      - What to do when a grant names a table, sequence, function or type that does not exist. V(report) is for a run
        before the migrations that create it.
    type: str
    choices: [fail, report]
    default: fail
  purge_grants:
    description:
      - Whether to revoke what unlisted roles hold on the databases, schemas and objects that grants are listed for.
        C(PUBLIC) and owners are left alone.
    type: bool
    default: false
  purge_default_privileges:
    description: Whether to revoke the default privileges of unlisted roles, for the listed creators, schemas and kinds.
    type: bool
    default: false
  purge_memberships:
    description: Whether to revoke unlisted memberships of roles with O(roles[].member_of).
    type: bool
    default: false
  purge_settings:
    description: Whether to take away unlisted settings wherever settings are listed.
    type: bool
    default: false
  assume_empty:
    description:
      - In check mode, plan against an empty server without connecting, for a server that does not exist yet. Has no
        effect outside check mode.
    type: bool
    default: false
  lock_timeout:
    description: Seconds to wait for another run of this module and for locks of other sessions.
    type: int
    default: 30
author:
  - The groundwork.databases maintainers (@groundwork)
seealso:
  - module: groundwork.databases.pg_schema_apply
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._postgresql
  - groundwork.databases._pg_roles
  - groundwork.databases._pg_databases
notes:
  - Statements with a secret leave no text in the server's log, in C(pg_stat_statements) or in C(pg_stat_activity),
    also when they fail, as far as O(login_user) may change the settings that decide it, which a superuser may. Where a
    setting in force keeps the SCRAM secret (never the password) in spite of it, a warning names it. Only a statement
    that fails, or lasts longer than C(log_min_duration_statement), is not warned of.
  - Extensions may create objects whose privileges are theirs; V(all) leaves them out, name them to change them.
"""

EXAMPLES = r"""
- name: An application's database, its owner, its user and exactly what that user may do
  groundwork.databases.pg_contents:
    login_host: db1.example.com
    login_password: "{{ postgres_password }}"
    roles:
      - name: shop_owner # owns the tables, nobody logs in as it
        login: false
      - name: shop_app
        login: true
        password: "{{ shop_app_password }}"
        settings: {search_path: [public], statement_timeout: 30s}
    databases:
      - name: shop
        owner: shop_owner
        public_privileges: []
        extensions:
          - name: pgcrypto
        grants:
          - {role: shop_app, type: database, privileges: [CONNECT]}
          - {role: shop_app, type: schema, schema: public, privileges: [USAGE]}
          - role: shop_app
            type: tables
            schema: public
            objects: all
            except: [flyway_schema_history]
            privileges: [SELECT, INSERT, UPDATE, DELETE]
          - {role: shop_app, type: sequences, schema: public, objects: all, privileges: [USAGE, SELECT]}
        default_privileges:
          - creator: shop_owner
            schema: public
            type: tables
            role: shop_app
            privileges: [SELECT, INSERT, UPDATE, DELETE]
          - {creator: shop_owner, schema: public, type: sequences, role: shop_app, privileges: [USAGE, SELECT]}

- name: On Amazon RDS, with the secret that PgBouncer holds too
  groundwork.databases.pg_contents:
    login_host: "{{ rds_endpoint }}"
    login_user: master
    login_password: "{{ rds_master_password }}"
    ssl_mode: verify-full
    ca_cert: /etc/ssl/rds-global-bundle.pem
    roles:
      - name: shop_app
        login: true
        password: "{{ shop_app_password }}"
        scram_secret: "{{ shop_app_scram_secret }}"

- name: Take a role away; what it owns goes to another one
  groundwork.databases.pg_contents:
    roles:
      - name: former_owner
        state: absent
        reassign_owned_to: shop_owner
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in order.
  returned: success
  type: list
  elements: dict
  contains:
    action:
      description: Such as C(create), C(alter), C(grant), C(revoke), C(set), C(drop).
      type: str
    kind:
      description: Such as C(role), C(membership), C(database), C(schema), C(privilege), C(default privilege).
      type: str
    name:
      description: Object it is about.
      type: str
    statement:
      description: Statement that is sent. A secret is shown as C('***').
      type: str
  sample:
    - {action: create, kind: role, name: shop_app, statement: "CREATE ROLE \"shop_app\" LOGIN PASSWORD '***'"}
unmanaged:
  description:
    - What exists beside the description and was left alone, as seen before the run. Only kinds with something to tell
      are there.
  returned: success
  type: dict
  contains:
    roles:
      description: Roles that are not listed, when roles are.
      type: list
      elements: str
    databases:
      description: Databases that are not listed, when databases are.
      type: list
      elements: str
    memberships:
      description: Memberships that are not listed, of roles with O(roles[].member_of).
      type: list
      elements: dict
    role_settings:
      description: Names of settings that are not listed, by role.
      type: dict
    in_databases:
      description: >-
        By database, C(schemas), C(extensions), C(grants) (what unlisted roles hold), C(default_privileges),
        C(settings), and C(missing_objects) (named in grants, do not exist).
      type: dict
server_version:
  description: Version of the server, V(null) with O(assume_empty) in check mode.
  returned: success
  type: str
  sample: "16.15"
"""

import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._pg import api
from ..module_utils._pg.connection import connection_argument_spec
from ..module_utils._pg.contents import declared, live, model, plan, privileges
from ..module_utils._pg.contents.server import Server


def _list_of(**options: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"type": "list", "elements": "dict", "options": options}


def _roles_spec() -> dict[str, t.Any]:
    flags = {flag: {"type": "bool"} for flag in declared.FLAGS}
    return {
        **_list_of(
            name={"type": "str", "required": True},
            state={"type": "str", "choices": ["present", "absent"], "default": "present"},
            password={"type": "str", "no_log": True},
            scram_secret={"type": "str", "no_log": True},
            valid_until={"type": "str"},
            connection_limit={"type": "int"},
            member_of={"type": "list", "elements": "str"},
            settings={"type": "dict"},
            reassign_owned_to={"type": "str"},
            **flags,
        ),
        "default": [],
    }


def _databases_spec() -> dict[str, t.Any]:
    names = {"type": "list", "elements": "str"}
    name = {"type": "str", "required": True}
    needed_names = {**names, "required": True}
    # A bare "on" is a boolean in YAML 1.1, so it can only be an alias, to be quoted.
    kind = {"type": "str", "required": True, "aliases": ["on"]}
    state = {"type": "str", "choices": ["present", "absent"], "default": "present"}
    return {
        **_list_of(
            name=name,
            state=state,
            confirm_drop={"type": "str"},
            terminate_sessions={"type": "bool", "default": False},
            owner={"type": "str"},
            encoding={"type": "str"},
            locale={"type": "str"},
            lc_collate={"type": "str"},
            lc_ctype={"type": "str"},
            locale_provider={"type": "str", "choices": ["libc", "icu"]},
            icu_locale={"type": "str"},
            template={"type": "str"},
            tablespace={"type": "str"},
            connection_limit={"type": "int"},
            settings={"type": "dict"},
            role_settings=_list_of(role=name, settings={"type": "dict", "required": True}),
            public_privileges=names,
            extensions=_list_of(name=name, schema={"type": "str"}, version={"type": "str"}, state=state),
            schemas=_list_of(name=name, owner={"type": "str"}, public_privileges=names),
            grants=_list_of(
                role=name,
                type={**kind, "choices": list(privileges.GRANT_KINDS)},
                schema={"type": "str"},
                objects={**names, "default": ["all"]},
                privileges=needed_names,
                grantable={"type": "bool", "default": False},
                **{"except": names},
            ),
            default_privileges=_list_of(
                creator=name,
                schema={"type": "str"},
                type={**kind, "choices": list(privileges.DEFAULT_PRIVILEGE_KINDS)},
                role=name,
                privileges=needed_names,
            ),
        ),
        "default": [],
    }


def argument_spec() -> dict[str, t.Any]:
    switch = {"type": "bool", "default": False}
    return {
        **connection_argument_spec(),
        "login_db": {"type": "str", "default": "postgres"},
        "roles": _roles_spec(),
        "databases": _databases_spec(),
        "update_password": {"type": "str", "choices": ["always", "on_create"], "default": "always", "no_log": False},
        "missing_objects": {"type": "str", "choices": ["fail", "report"], "default": "fail"},
        "purge_grants": switch,
        "purge_default_privileges": switch,
        "purge_memberships": switch,
        "purge_settings": switch,
        "assume_empty": switch,
        "lock_timeout": {"type": "int", "default": 30},
    }


def _plan_for_empty_server(
    contents: model.Contents, options: dict[str, t.Any]
) -> tuple[plan.Outcome, live.Cluster]:
    cluster = live.virgin_cluster(options["login_user"])
    insides = {database.name: live.virgin_inside() for database in contents.databases}
    return plan.plan(contents, cluster, insides, options["login_db"]), cluster


def _plan(server: Server, contents: model.Contents) -> tuple[plan.Outcome, live.Cluster]:
    cluster, insides = server.read(contents)
    return plan.plan(contents, cluster, insides, server.login_db), cluster


def _verify(server: Server, contents: model.Contents) -> None:
    left, _cluster = _plan(server, contents)
    if left.plan:
        raise GroundworkError(
            "The catalogues still differ from the description after the run.",
            where=", ".join(f"{step.action} {step.kind} {step.name}" for step in left.plan),
            hint="Look for a trigger, an extension or another session that changes the same things, then run again.",
            code=ErrorCode.NOT_CONVERGED,
            details={"remaining": left.plan.actions()},
        )


def run(module: GroundworkModule) -> dict[str, t.Any]:
    contents = declared.parse(module.params)
    if module.check_mode and module.params["assume_empty"]:
        outcome, cluster = _plan_for_empty_server(contents, module.params)
    else:
        with Server(module.params) as server:
            if not module.check_mode:
                server.lock()
            outcome, cluster = _plan(server, contents)
            for warning in server.secrets_written(outcome.steps):
                module.warn(warning)
            if outcome.plan and not module.check_mode:
                server.apply(outcome.steps)
                _verify(server, contents)
    for warning in plan.undecided_passwords(contents, cluster, outcome):
        module.warn(warning)
    result: dict[str, t.Any] = {
        "changed": outcome.plan.changed,
        "actions": outcome.plan.actions(),
        "unmanaged": outcome.unmanaged,
        "server_version": cluster.version_text,
    }
    if module._diff:
        result["diff"] = outcome.plan.diff()
    return result


def main() -> None:
    run_module(run, argument_spec(), require=api.require_driver_for_a_server)


if __name__ == "__main__":
    main()
