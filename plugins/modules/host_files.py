#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_files
short_description: Bring the small files, folders and links of a host to state in one call
version_added: 1.0.0
description:
  - Writes configuration files, makes folders and links, sets owners and modes, and removes what must not be there.
  - Nothing is written before every entry of the call was read and compared, every new content was accepted by its own
    validator, and every new file lies complete beside its place. Each file is then put in place by a rename.
  - What an entry leaves out (O(files[].owner), O(files[].group), O(files[].mode)) stays as it is.
  - As root it follows a link only in folders that root alone can change, and refuses a path that leads through another.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes
options:
  files:
    description: The files, folders and links. A path may be named once.
    type: list
    elements: dict
    default: []
    suboptions:
      path:
        description: Absolute path. Its parent folder must be there, or be another entry of the call.
        type: str
        required: true
      state:
        description:
          - V(present) is a regular file with exactly the given content, V(directory) a folder or a link to one, V(link)
            a symbolic link to O(files[].target).
          - V(absent) removes a file, a link or an empty folder.
        type: str
        choices: [present, absent, directory, link]
        default: present
      content:
        description: Text of a file.
        type: str
      content_b64:
        description: Content of a file in base64, for what is not text. A diff shows its size and its SHA-256.
        type: str
      target:
        description: What a link leads to, written into it as it is.
        type: str
      owner:
        description:
          - Name or number of the user it belongs to. A new file without it belongs to the user who runs the module.
        type: str
      group:
        description: Name or number of the group it belongs to.
        type: str
      mode:
        description:
          - Permission bits as four octal digits in quotes. A number is refused, as C(0640) without quotes is another
            number than it seems.
          - A new file without it gets V(0644), with O(files[].secret=true) V(0600), a new folder V(0755).
        type: raw
      secret:
        description: Never show the content in a diff, a result, a log or an error.
        type: bool
        default: false
      validate:
        description:
          - Command as a list of arguments that exits with 0 when it accepts the file; V(%s) stands for the candidate's
            path, which ends in the name of the file. It runs without a shell.
          - In check mode a command that is not installed yet is passed over, see RV(unproven).
        type: list
        elements: str
      owner_may_come:
        description:
          - In check mode the owner, the group and the parent folder may be missing still, because a package of the same
            run brings them. Without check mode it means nothing.
        type: bool
        default: false
  purge:
    description: Folders in which files that match a pattern, and that O(files) does not name, are removed.
    type: list
    elements: dict
    default: []
    suboptions:
      directory:
        description: Absolute path. A folder that is not there has nothing to remove.
        type: str
        required: true
      pattern:
        description: Shell pattern for the names. One that matches every file is refused.
        type: str
        required: true
"""

EXAMPLES = r"""
- name: Configure the pooler
  groundwork.databases.host_files:
    files:
      - path: /etc/pgbouncer/conf.d
        state: directory
        owner: postgres
        group: postgres
        mode: "0750"
      - path: /etc/pgbouncer/conf.d/10-groundwork.ini
        content: "{{ lookup('ansible.builtin.template', 'pgbouncer.ini.j2') }}"
        owner: postgres
        group: postgres
        mode: "0640"
      - path: /etc/pgbouncer/userlist.txt
        content: "{{ userlist }}"
        owner: postgres
        group: postgres
        mode: "0600"
        secret: true
    purge:
      - directory: /etc/pgbouncer/conf.d
        pattern: "*-groundwork.ini"

- name: Let sudo's own program look at the file before it counts
  groundwork.databases.host_files:
    files:
      - path: /etc/sudoers.d/backup
        content: "backup ALL=(postgres) NOPASSWD: /usr/bin/pg_dump\n"
        mode: "0440"
        validate: [visudo, -cf, "%s"]
"""

RETURN = r"""
changed_files:
  description: Paths that were, or in check mode would be, changed, in the order in which it happens.
  returned: success
  type: list
  elements: str
  sample: [/etc/pgbouncer/conf.d/10-groundwork.ini]
actions:
  description: What was, or in check mode would be, done, in order.
  returned: success
  type: list
  elements: dict
  sample:
    - {action: replace, kind: file, name: /etc/pgbouncer/conf.d/10-groundwork.ini}
unproven:
  description: Files that check mode could not validate because the command of O(files[].validate) is not installed yet.
  returned: success
  type: list
  elements: str
"""

import os
import typing as t

from ..module_utils._core.error_codes import ErrorCode
from ..module_utils._core.errors import GroundworkError
from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._host.files import apply, declared, live, validation
from ..module_utils._host.files import plan as planning

_HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def protect_secrets(module: GroundworkModule) -> None:
    """Mask the secret contents, and only these.

    The whole option is no_log, which masks every path and every name of a user too.
    """
    module.no_log_values.clear()
    for entry in module.params["files"]:
        if not entry["secret"]:
            continue
        for option in ("content", "content_b64"):
            if entry[option]:
                module.hide(entry[option])
                entry[option] = _HIDDEN


def read_live(entries: list[declared.Wanted], purged: list[str]) -> dict[str, live.Live]:
    return {path: live.read_path(path) for path in dict.fromkeys([*(entry.path for entry in entries), *purged])}


def plan(entries: list[declared.Wanted], purges: list[declared.Purge], check_mode: bool) -> list[planning.Change]:
    purged = [path for purge in purges for path in live.matching(purge)]
    runner = planning.Runner(
        uid=os.geteuid(), gid=os.getegid(), gids=frozenset({os.getegid(), *os.getgroups()}), check_mode=check_mode
    )
    return planning.plan_files(entries, read_live(entries, purged), purged, live.Accounts(), runner)


def verify(entries: list[declared.Wanted], purges: list[declared.Purge]) -> None:
    left = plan(entries, purges, False)
    if left:
        raise GroundworkError(
            f"{left[0].path} is not as it was written a moment ago.",
            where=left[0].path,
            untouched="nothing: every file was written",
            hint="Something else on the host writes it too; find out what.",
            code=ErrorCode.FILE_CHANGED_MEANWHILE,
        )


def run(module: GroundworkModule) -> dict[str, t.Any]:
    try:
        entries, purges = declared.read(module.params)
    finally:
        protect_secrets(module)
    changes = plan(entries, purges, module.check_mode)
    unproven = validation.validate_all(changes, module.check_mode)
    if changes and not module.check_mode:
        with apply.one_run_at_a_time(changes):
            apply.apply_changes(changes)
        verify(entries, purges)
    shown = planning.as_plan(changes)
    return {
        "changed": shown.changed,
        "changed_files": [change.path for change in changes],
        "actions": shown.actions(),
        "diff": shown.diff(),
        "unproven": unproven,
    }


def main() -> None:
    run_module(
        run,
        {
            "files": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "no_log": True,
                "options": {
                    "path": {"type": "str", "required": True},
                    "state": {"choices": ["present", "absent", "directory", "link"], "default": "present"},
                    "content": {"type": "str"},
                    "content_b64": {"type": "str"},
                    "target": {"type": "str"},
                    "owner": {"type": "str"},
                    "group": {"type": "str"},
                    "mode": {"type": "raw"},
                    "secret": {"type": "bool", "default": False, "no_log": False},
                    "validate": {"type": "list", "elements": "str"},
                    "owner_may_come": {"type": "bool", "default": False},
                },
            },
            "purge": {
                "type": "list",
                "elements": "dict",
                "default": [],
                "options": {
                    "directory": {"type": "str", "required": True},
                    "pattern": {"type": "str", "required": True},
                },
            },
        },
    )


if __name__ == "__main__":
    main()
