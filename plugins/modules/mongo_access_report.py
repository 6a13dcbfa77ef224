#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongo_access_report
short_description: Tell who was refused by a MongoDB server, from its log
version_added: 1.0.0
description:
  - Reads the log of a mongod, with what was rotated away from it, and counts failed logins and commands that were not
    allowed, by user, client and command.
  - Of a refused command its name and target are returned, never its values, which may be an application's data.
  - The auditing of MongoDB Enterprise is not needed.
notes:
  - mongod does not log commands that were refused because nobody had logged in.
  - Reads the log that MongoDB 4.4 and later write.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes.info_module
  - groundwork.databases._attributes
options:
  path:
    description: The log, C(systemLog.path) in C(mongod.conf).
    type: path
    default: /var/log/mongodb/mongod.log
  since:
    description:
      - Only tell what happened since then, a moment such as V(2026-03-01T08:00:00Z) or a span such as V(24h) or V(7d).
      - Unset takes all that is there.
    type: str
"""

EXAMPLES = r"""
- name: Who was refused since yesterday
  groundwork.databases.mongo_access_report:
    since: 24h
  register: report

- name: Fail when somebody tries passwords
  ansible.builtin.assert:
    that: report.failed_logins | sum(attribute='count') < 20
"""

RETURN = r"""
failed_logins:
  description: Failed logins, the most frequent first.
  returned: success
  type: list
  elements: dict
  sample:
    - user: shop_user@admin
      client: 10.20.0.7
      what: AuthenticationFailed
      count: 12
      first: "2026-03-01T08:00:00.101+00:00"
      last: "2026-03-01T08:04:10.999+00:00"
refused_commands:
  description: Commands that were not allowed, the most frequent first.
  returned: success
  type: list
  elements: dict
  sample:
    - user: shop_user@admin
      client: 10.20.0.7
      what: find admin.system.users
      count: 1
      first: "2026-03-01T08:00:00.101+00:00"
      last: "2026-03-01T08:00:00.101+00:00"
files:
  description: Files that were read, in this order.
  returned: success
  type: list
  elements: str
  sample: [/var/log/mongodb/mongod.log.1, /var/log/mongodb/mongod.log]
"""

import dataclasses
import datetime
import typing as t

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._mongo.access import files
from ..module_utils._mongo.access.log import Count, Reader, Refusal


def rows(found: dict[Refusal, Count], kind: str) -> list[dict[str, t.Any]]:
    chosen = [(refusal, count) for refusal, count in found.items() if refusal.kind == kind]
    chosen.sort(key=lambda item: (-item[1].count, item[1].first))
    return [
        {"user": refusal.user, "client": refusal.client, "what": refusal.what, **dataclasses.asdict(count)}
        for refusal, count in chosen
    ]


def run(module: GroundworkModule) -> dict[str, t.Any]:
    oldest = files.since(module.params["since"], datetime.datetime.now(datetime.timezone.utc))
    reader = Reader(oldest)
    chosen = files.with_rotated(module.params["path"], oldest)
    for file in chosen:
        reader.read(files.lines(file))
    return {
        "changed": False,
        "failed_logins": rows(reader.found, "login"),
        "refused_commands": rows(reader.found, "command"),
        "files": [str(file) for file in chosen],
    }


def main() -> None:
    run_module(
        run,
        {
            "path": {"type": "path", "default": "/var/log/mongodb/mongod.log"},
            "since": {"type": "str"},
        },
    )


if __name__ == "__main__":
    main()
