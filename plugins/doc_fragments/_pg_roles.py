# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  roles:
    description: Login and group roles.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name, exactly as PostgreSQL stores it (upper case, spaces and quotes are kept).
        type: str
        required: true
      state:
        description:
          - V(absent) drops the role. It is refused while the role owns objects or holds grants, unless
            O(roles[].reassign_owned_to) is set.
        type: str
        choices: [present, absent]
        default: present
      password:
        description:
          - Password. The SCRAM-SHA-256 secret is computed by this module and only the secret is sent.
          - Compared with the secret that the server stores. Where O(login_user) may not read it (Amazon RDS), a login
            with the password is tried instead; when such a login can tell nothing, the password is left alone and a
            warning says so. Where C(pg_hba.conf) lets the role in without a password, every password looks right then.
        type: str
      scram_secret:
        description:
          - A ready-made secret in PostgreSQL's form, to be stored as it is, so that PgBouncer can be given the
            identical string.
          - Where the stored secret cannot be read (Amazon RDS), give O(roles[].password) as well, which is what the
            comparison then uses.
        type: str
      valid_until:
        description:
          - When the password expires, in ISO 8601 with a time zone, such as V(2027-01-31T00:00:00Z), or V(infinity).
            Compared as an instant.
        type: str
      connection_limit:
        description: How many sessions the role may have at once. V(-1) is no limit.
        type: int
      login:
        description: Whether the role may log in. A role that is created without it cannot.
        type: bool
      superuser:
        description: Whether the role is a superuser.
        type: bool
      createdb:
        description: Whether the role may create databases.
        type: bool
      createrole:
        description: Whether the role may create roles.
        type: bool
      replication:
        description: Whether the role may replicate.
        type: bool
      bypassrls:
        description: Whether the role bypasses row level security.
        type: bool
      inherit:
        description: Whether the role has the privileges of the roles that it is a member of without C(SET ROLE).
        type: bool
      member_of:
        description:
          - Roles that this role is a member of. Other memberships are reported, or revoked with
            O(purge_memberships=true). The options of a membership (C(ADMIN), C(INHERIT), C(SET)) are not compared.
        type: list
        elements: str
      settings:
        description:
          - Settings of the role in every database. V(null) takes a setting away. A list is one for settings such as
            C(search_path).
        type: dict
      reassign_owned_to:
        description:
          - With O(roles[].state=absent), the role that takes over what the dropped role owns. The grants of the
            dropped role are revoked. No data is dropped.
        type: str
"""
