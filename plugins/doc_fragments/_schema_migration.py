# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  login_db:
    description: Database that holds the schema and its history table.
    type: str
  locations:
    description:
      - Folders with migration files, searched recursively; hidden folders are left out. Flyway's C(filesystem:) may
        stand in front.
      - Folders of the controller, sent to the target in one transfer. Relative ones are searched like the C(src) of
        M(ansible.builtin.copy), that is in the role's and the play's C(files) and beside them, then in the working
        folder.
    type: list
    elements: str
  remote_src:
    description: Take O(locations) as folders of the target host.
    type: bool
    default: false
  fail_on_missing_locations:
    description: Fail when a location does not exist. Flyway's own default is to go on without it.
    type: bool
    default: true
  default_schema:
    description:
      - Schema of the history table, and the first one in the search path of every script.
      - Unset means the first one of O(schemas), else the first existing schema of the role's search path.
    type: str
  schemas:
    description: Schemas that the migrations manage. Missing ones are created and recorded.
    type: list
    elements: str
  table:
    description: Name of the history table.
    type: str
    default: flyway_schema_history
  target:
    description:
      - How far to go. A version, V(latest), V(next) for one pending migration, or V(current).
      - Write a version with a question mark behind it to accept that no migration has it.
    type: str
    default: latest
  out_of_order:
    description:
      - Run pending migrations whose version is lower than the newest applied one. Otherwise these are an error.
    type: bool
    default: false
  ignore_migration_patterns:
    description:
      - What validation overlooks, as C(type:status), with the types C(versioned), C(repeatable) and C(*) and the
        statuses
        C(missing), C(pending), C(ignored), C(future) and C(*).
    type: list
    elements: str
    default: ['*:future']
  encoding:
    description:
      - Encoding of the files. Bytes that are not valid in it are an error, and so is a file that sets another
        C(client_encoding) for text which that one reads differently.
    type: str
    default: UTF-8
  sql_migration_prefix:
    description: Prefix of versioned migrations. May be empty.
    type: str
    default: V
  repeatable_sql_migration_prefix:
    description: Prefix of repeatable migrations.
    type: str
    default: R
  undo_sql_migration_prefix:
    description: Prefix of undo scripts.
    type: str
    default: U
  baseline_migration_prefix:
    description: Prefix of baseline scripts, which stand for all versions up to theirs in a database without history.
    type: str
    default: B
  sql_migration_separator:
    description: What stands between version and description.
    type: str
    default: __
  sql_migration_suffixes:
    description: Endings of SQL files, upper or lower case.
    type: list
    elements: str
    default: [.sql]
  validate_migration_naming:
    description:
      - Fail when a file has a migration's prefix and ending but no valid name. Otherwise it is left out with a warning.
    type: bool
    default: false
  placeholders:
    description:
      - Values of C(${name}) in scripts, replaced everywhere in them. Names do not depend on case.
      - Scripts can be shown in diffs and error messages, therefore secrets belong into O(secret_placeholders).
    type: dict
    default: {}
  secret_placeholders:
    description:
      - The same for values that must not be shown. Values that are short or common words make output hard to read.
      - Scripts that have one leave no text of their statements in the server's log, in C(pg_stat_statements) or in
        C(pg_stat_activity), also when they fail, as far as O(login_user) may change the settings that decide it, which
        a superuser may. Where a setting in force keeps them in spite of it, a warning names it. With pgaudit loaded,
        the log still says that they ran, and has the server's error messages, which can quote a value.
    type: dict
    default: {}
  placeholder_prefix:
    description: Start of a placeholder.
    type: str
    default: ${
  placeholder_suffix:
    description: End of a placeholder.
    type: str
    default: '}'
  placeholder_separator:
    description: What stands between C(flyway) and the name in Flyway's own placeholders.
    type: str
    default: ':'
  placeholder_replacement:
    description: Replace placeholders. A script's C(.conf) file can say otherwise.
    type: bool
    default: true
  session_role:
    description: Role to take on with C(SET ROLE) after the login, normally the owner of the tables.
    type: str
  _archive_path:
    description: Internal. The files of O(locations) as the action plugin sends them, when they are many.
    type: path
  _archive_data:
    description: Internal. The files of O(locations) as the action plugin sends them, when they are few.
    type: str
"""
