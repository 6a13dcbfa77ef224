# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  databases:
    description: Databases and what is in them.
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: Name, exactly as PostgreSQL stores it.
        type: str
        required: true
      state:
        description: V(absent) drops the database with all its data and needs O(databases[].confirm_drop).
        type: str
        choices: [present, absent]
        default: present
      confirm_drop:
        description: Must repeat the name of the database for it to be dropped.
        type: str
      terminate_sessions:
        description: Whether dropping the database ends the sessions in it. Without it, sessions make the drop fail.
        type: bool
        default: false
      owner:
        description:
          - Owner. When O(login_user) is no superuser it has to be a member of this role; a membership that it may
            grant itself is added, and shown.
        type: str
      encoding:
        description: Encoding, such as V(UTF8). Fixed at creation, a difference in an existing database is refused.
        type: str
      locale:
        description: Sets O(databases[].lc_collate) and O(databases[].lc_ctype).
        type: str
      lc_collate:
        description: Sort order. Fixed at creation.
        type: str
      lc_ctype:
        description: Classes of characters. Fixed at creation.
        type: str
      locale_provider:
        description: Where sort orders come from. Fixed at creation.
        type: str
        choices: [libc, icu]
      icu_locale:
        description: ICU locale, implies O(databases[].locale_provider=icu). Fixed at creation.
        type: str
      template:
        description:
          - Template to copy at creation; ignored afterwards. It must exist before the run.
          - By default V(template1), or V(template0) when an encoding or locale is given, because PostgreSQL allows
            those only with it.
        type: str
      tablespace:
        description:
          - Default tablespace. Moving an existing database is refused, because it copies all files and shuts
            everybody out.
        type: str
      connection_limit:
        description: How many sessions the database may have at once. V(-1) is no limit.
        type: int
      settings:
        description: Settings of the database. V(null) takes a setting away.
        type: dict
      role_settings:
        description: Settings of one role in this database.
        type: list
        elements: dict
        suboptions:
          role:
            description: Role.
            type: str
            required: true
          settings:
            description: Settings. V(null) takes a setting away.
            type: dict
            required: true
      public_privileges:
        description:
          - Exactly these privileges on the database for C(PUBLIC), that is, for every role. A new database gives it
            V(CONNECT) and V(TEMPORARY).
        type: list
        elements: str
      extensions:
        description: Extensions.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name.
            type: str
            required: true
          schema:
            description: Schema of the extension's objects.
            type: str
          version:
            description:
              - Version, or V(latest) for the newest that the server has files for. Unset creates the newest and never
                updates.
            type: str
          state:
            description: V(absent) drops the extension. PostgreSQL refuses it while other objects need the extension.
            type: str
            choices: [present, absent]
            default: present
      schemas:
        description: Schemas. None is ever dropped.
        type: list
        elements: dict
        suboptions:
          name:
            description: Name.
            type: str
            required: true
          owner:
            description: Owner.
            type: str
          public_privileges:
            description: Exactly these privileges on the schema for C(PUBLIC).
            type: list
            elements: str
      grants:
        description:
          - Privileges. Several entries for the same role and object add up; together they are exactly what the role
            holds there.
          - Privileges on columns are neither read nor changed.
          - What a role passed on with a grant option that it loses is revoked before. When that hits a role that is not
            listed for the object, the run is refused, unless O(purge_grants=true).
        type: list
        elements: dict
        suboptions:
          role:
            description: Role, or V(PUBLIC) for every role.
            type: str
            required: true
          type:
            description:
              - Kind of object. V(tables) are tables, views, materialized and foreign tables; V(functions) are
                functions, procedures and aggregates; V(types) are types and domains.
            type: str
            choices: [database, schema, tables, sequences, functions, types]
            required: true
            aliases: ["on"]
          schema:
            description: Schema. Needed for everything but V(database).
            type: str
          objects:
            description:
              - Names, or V(all) for every object of the schema that does not belong to an extension.
              - A function is named by its name (every overload), or with argument types as in V(transfer(integer,
                text\)).
              - Objects that are created later are a matter of O(databases[].default_privileges).
            type: list
            elements: str
            default: [all]
          except:
            description:
              - With V(all), names that the role must hold nothing on; C(*) and C(?) stand for any characters and one.
              - Default privileges have no exceptions, so run the module again after the migration that creates such an
                object.
            type: list
            elements: str
          privileges:
            description: Privileges, or V(ALL). An empty list takes everything away.
            type: list
            elements: str
            required: true
          grantable:
            description: Whether the role may pass the privileges on.
            type: bool
            default: false
      default_privileges:
        description: Privileges on objects that a role will create.
        type: list
        elements: dict
        suboptions:
          creator:
            description:
              - The role whose future objects this is about. Objects that any other role creates get nothing from it.
            type: str
            required: true
          schema:
            description: Schema. Unset means every schema of the database.
            type: str
          type:
            description: Kind of object.
            type: str
            choices: [tables, sequences, functions, types, schemas]
            required: true
            aliases: ["on"]
          role:
            description: Role that gets the privileges, or V(PUBLIC).
            type: str
            required: true
          privileges:
            description:
              - Privileges, or V(ALL). An empty list takes everything away.
              - What PostgreSQL gives to C(PUBLIC) by itself (V(EXECUTE) on functions) can only be taken away without
                a schema.
            type: list
            elements: str
            required: true
"""
