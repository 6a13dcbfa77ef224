#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongo_users
short_description: Bring MongoDB users and custom roles to their description
version_added: 1.0.0
description:
  - One call describes all users and custom roles that an application needs. What is set is set exactly, what is unset
    is left as it is.
  - A password is compared with the keys that the server stores, by deriving them again from the password. Nothing is
    written when they match, so a second run changes nothing. Where the server does not show stored keys (Amazon
    DocumentDB, or a login user without the privilege C(viewUser)), one login attempt per user tells instead. It fails
    in the server's log when the password differs.
  - Passwords never appear in results, differences or messages. They do travel to the server, so use TLS outside of
    one host.
  - Lists of roles, privileges, mechanisms and restrictions are sets, their order means nothing.
  - All problems of the description, roles that do not exist among them, are told before the first write.
  - Does not create the first user of a server, as that needs the localhost exception.
notes:
  - A new password counts for new logins at once. Sessions that are open stay open. A user of MongoDB has one
    password, so clients that still know the old one cannot open new sessions. For a rotation without a gap see the
    collection's guide C(rotate-a-mongodb-password), which uses two users.
  - A changed password keeps the user's mechanisms, unlike the server's C(updateUser) on its own, which adds
    SCRAM-SHA-1.
  - Amazon DocumentDB keeps all users in V(admin) and stores neither mechanisms, custom data nor restrictions. The
    module says so in a warning and leaves them out.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
  - groundwork.databases._mongodb
options:
  users:
    description: Users that this description is about.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the user. In V($external) it is the subject of the client's certificate.
        type: str
        required: true
      database:
        description: Database that holds the user, named C(authSource) in connection strings.
        type: str
        default: admin
      state:
        description: Whether the user is to exist. The user of the module's own session cannot be dropped.
        type: str
        choices: [present, absent]
        default: present
      password:
        description:
          - Password of the user. Unset keeps the one that the user has; a new user needs one, except in V($external).
          - Must be acceptable to SASLprep (RFC 4013) for SCRAM-SHA-256. Control characters and emoji are not.
        type: str
      update_password:
        description:
          - With V(always), an existing user whose password differs is given the declared one.
          - With V(on_create), the password of an existing user is not even compared.
        type: str
        choices: [always, on_create]
        default: always
      roles:
        description: Roles of the user, exactly these.
        type: list
        elements: dict
        suboptions:
          role:
            description: Name of a role, built-in or custom.
            type: str
            required: true
          db:
            description:
              - Database of the role. Unset stands for the database of the user, for V(admin) when that is V($external).
            type: str
      mechanisms:
        description:
          - Mechanisms by which the user can log in, exactly these. A new user gets V(SCRAM-SHA-256) when this is unset.
          - A mechanism can only be added together with O(users[].password).
        type: list
        elements: str
        choices: [SCRAM-SHA-1, SCRAM-SHA-256]
      authentication_restrictions:
        description:
          - From and through where the user can log in. A login has to meet one of the list's entries. An empty list
            lifts all.
        type: list
        elements: dict
        suboptions: &restrictions
          client_source:
            description: Addresses or CIDR ranges that the client may come from.
            type: list
            elements: str
            aliases: [clientSource]
          server_address:
            description: Addresses or CIDR ranges of the server that the client may connect to.
            type: list
            elements: str
            aliases: [serverAddress]
      custom_data:
        description: Any mapping to keep with the user, exactly this. An empty one removes what is there.
        type: dict
  roles:
    description: Custom roles that this description is about. A role is created after the ones that it inherits.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name of the role.
        type: str
        required: true
      database:
        description:
          - Database that holds the role. A role outside of V(admin) can only grant what is in its own database.
        type: str
        default: admin
      state:
        description: Whether the role is to exist.
        type: str
        choices: [present, absent]
        default: present
      privileges:
        description: Actions on resources, exactly these.
        type: list
        elements: dict
        suboptions:
          resource:
            description:
              - A mapping with either C(db) and C(collection), where an empty text stands for all of them, or only
                C(cluster) or C(anyResource), which are V(true).
            type: dict
            required: true
          actions:
            description: Names of actions, such as V(find).
            type: list
            elements: str
            required: true
      roles:
        description: Roles whose privileges this role inherits, exactly these.
        type: list
        elements: dict
        suboptions:
          role:
            description: Name of a role, built-in or custom.
            type: str
            required: true
          db:
            description: Database of the inherited role. Unset stands for the database of this role.
            type: str
      authentication_restrictions:
        description:
          - From and through where a user that has this role can log in, see O(users[].authentication_restrictions).
        type: list
        elements: dict
        suboptions: *restrictions
  unmanaged:
    description:
      - What becomes of users and custom roles that are in the server and not in this description.
      - With V(report) they are returned, with V(ignore) nobody looks for them.
      - With V(drop) they are dropped, whatever application they belong to. The login user, users that belong to the
        engine and everything in O(protected) stay.
    type: str
    choices: [report, ignore, drop]
    default: report
  protected:
    description:
      - Names, C(name@database) or patterns such as V(dba_*) of users and roles that are neither reported nor dropped by
        O(unmanaged).
    type: list
    elements: str
    default: []
  assume_empty:
    description:
      - Only has an effect in check mode. Plan as for a server without users and do not connect, for a server that the
        same run would set up.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: One application user
  groundwork.databases.mongo_users:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    users:
      - name: credforge_user
        password: "{{ credforge_mongodb_password }}"
        roles:
          - {role: readWrite, db: cred_forge_db}

- name: A custom role, a user that may only log in from the application's network, and one that goes
  groundwork.databases.mongo_users:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    roles:
      - name: log_writer
        privileges:
          - resource: {db: cred_forge_db, collection: application_logs}
            actions: [insert]
    users:
      - name: shipper
        password: "{{ shipper_password }}"
        roles:
          - {role: log_writer}
        authentication_restrictions:
          - client_source: [10.20.0.0/16]
      - name: former_shipper
        state: absent

- name: A user that logs in with a client certificate
  groundwork.databases.mongo_users:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    users:
      - name: CN=reporting,OU=clients,O=Example
        database: $external
        roles:
          - {role: read, db: cred_forge_db}
"""

RETURN = r"""
actions:
  description: The steps that were, or in check mode would be, done, in order. O(users[].password) is not in them.
  returned: success
  type: list
  elements: dict
  sample:
    - action: alter
      kind: user
      name: credforge_user@admin
      statement: '{"updateUser": "credforge_user", "pwd": "********", "mechanisms": ["SCRAM-SHA-256"]}'
unmanaged:
  description: Users and custom roles that are in the server, not in the description and not protected.
  returned: success
  type: dict
  sample:
    users: [old_service@admin]
    roles: []
password_checks:
  description:
    - How the declared password of each existing user was compared. V(stored_key) by the keys that the server stores,
      V(login) by an attempt to log in.
  returned: success
  type: dict
  sample:
    credforge_user@admin: stored_key
server_version:
  description: Version of the server; empty when none was asked because of O(assume_empty).
  returned: success
  type: str
  sample: 7.0.14
"""

import typing as t

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._core.plan import Plan
from ..module_utils._mongo import api
from ..module_utils._mongo.connection import connection_argument_spec
from ..module_utils._mongo.users import declared, documentdb, model, plan
from ..module_utils._mongo.users import run as reconcile


def result(steps: Plan, **facts: t.Any) -> dict[str, t.Any]:
    return {"changed": steps.changed, "actions": steps.actions(), "diff": steps.diff(), **facts}


def planned_for_nothing(wanted: declared.Declaration) -> dict[str, t.Any]:
    """The result for a server that does not exist yet."""
    nobody: dict[str, list[model.Identity]] = {"users": [], "roles": []}
    steps = plan.build_plan(wanted, model.Live(), {}, nobody)
    return result(steps, unmanaged=nobody, password_checks={}, server_version="")


def run(module: GroundworkModule) -> dict[str, t.Any]:
    if module.check_mode and module.params["assume_empty"]:
        return planned_for_nothing(declared.read(module.params))
    for number, user in enumerate(module.params["users"]):
        # The notation in which the server's are read, to be compared with them.
        user["custom_data"] = api.one_notation(user["custom_data"], f"users[{number}].custom_data")
    wanted = declared.read(module.params)
    server = api.connect(module.params, "groundwork mongo_users")
    try:
        if server.facts.engine == "documentdb":
            wanted, warnings = documentdb.adapt(wanted)
            for warning in warnings:
                module.warn(warning)
        outcome = reconcile.Reconciler(server, wanted, module.params).run(module.check_mode)
        return result(
            outcome.done, unmanaged=outcome.unmanaged, password_checks=outcome.checks,
            server_version=server.facts.version_text,
        )
    finally:
        server.close()


def main() -> None:
    run_module(run, {**connection_argument_spec(), **declared.argument_spec()}, require=api.require_driver)


if __name__ == "__main__":
    main()
