#!/usr/bin/python
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mongod_upgrade_check
short_description: Tell whether a MongoDB release may be installed over what a host has
version_added: 1.0.0
description:
  - Reads the installed packages, the executable, and the running server with its feature compatibility version.
  - Fails, with the path to take, when a release would be skipped, when the feature compatibility version is too low for
    the next release, when the host has a newer one, when the installed packages are of different releases, or when
    another distribution of MongoDB is installed.
  - Changes nothing.
author:
  - The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment:
  - groundwork.databases._attributes.info_module
  - groundwork.databases._attributes
  - groundwork.databases._mongodb
options:
  release:
    description: The release that is to be installed, two numbers in quotes.
    type: str
    required: true
  version:
    description: The exact version that is to be installed. Unset takes the newest of O(release).
    type: str
  major_upgrade:
    description: Whether O(release) may follow the release that is installed.
    type: bool
    default: false
  service:
    description: The systemd unit of the server.
    type: str
    default: mongod
  binary:
    description: The server's executable.
    type: path
    default: /usr/bin/mongod
"""

EXAMPLES = r"""
- name: Refuse to skip a release
  groundwork.databases.mongod_upgrade_check:
    login_user: admin
    login_password: "{{ mongodb_admin_password }}"
    release: "7.0"
"""

RETURN = r"""
packages:
  description: Versions of the installed packages of any MongoDB, by name.
  returned: success
  type: dict
  sample: {mongodb-org-server: 7.0.14}
installed_version:
  description: Version of the executable; empty without one.
  returned: success
  type: str
  sample: 7.0.14
running_version:
  description: Version of the running server; empty when none answers.
  returned: success
  type: str
  sample: 7.0.14
feature_compatibility_version:
  description: Its feature compatibility version; empty when O(login_user) cannot log in.
  returned: success
  type: str
  sample: "7.0"
authentication:
  description:
    - V(true) when the running server asks for a login, V(false) when it does not.
    - When it cannot be asked, its command line and its configuration file tell. V(none) when they do not either, and
      when no server runs.
  returned: success
  type: bool
server_process:
  description: Whether O(service) has a running process, be it one that answers or not.
  returned: success
  type: bool
driver:
  description: Whether the host has the driver that the other modules need.
  returned: success
  type: bool
"""

import re
import typing as t

from ..module_utils._core.module import GroundworkModule, run_module
from ..module_utils._host import command
from ..module_utils._mongo import api
from ..module_utils._mongo.configuration import authentication, process, upgrade
from ..module_utils._mongo.configuration.options import read_release
from ..module_utils._mongo.connection import connection_argument_spec

DPKG = ("dpkg-query", "--show", "--showformat=${Package} ${Version} ${db:Status-Abbrev}\\n")
PATTERNS = ("mongodb*", "percona-server-mongodb*")


def installed_packages() -> dict[str, str]:
    """Versions by name, as dpkg has them; nothing on a host without dpkg."""
    try:
        result = command.run([*DPKG, *PATTERNS])
    except command.NotRun:
        return {}
    lines = [line.split() for line in result.stdout.splitlines()]
    return {words[0]: words[1] for words in lines if len(words) == 3 and re.match(r".i", words[2])}


def ask_server(options: dict[str, t.Any]) -> dict[str, t.Any]:
    """Version, FCV and whether a login is asked for; ``None`` for what nobody could find out."""
    found = process.running(options["service"], options["binary"])
    answer: dict[str, t.Any] = {
        "process": found is not None, "running": None, "compatibility": None, "authentication": None,
    }
    if found is None:
        return answer
    if api.DRIVER_IMPORT_ERROR is None:
        answer.update(ask_at_its_address(options))
    if answer["authentication"] is None:
        answer["authentication"] = authentication.of_process(found)
    return answer


def ask_at_its_address(options: dict[str, t.Any]) -> dict[str, t.Any]:
    answer: dict[str, t.Any] = {}
    attempts = [options] if options["login_user"] or options["auth_mechanism"] else []
    # Without a login only when that one is refused: the server notes what an unknown client asks for.
    attempts.append({**options, "login_user": None, "login_password": None, "auth_mechanism": None})
    for login in attempts:
        try:
            server = api.connect_member(login, "groundwork mongod_upgrade_check")
        except api.ServerUnreachable:
            continue
        try:
            answer["running"] = server.facts.version_text
            parameter = server.run("admin", {"getParameter": 1, "featureCompatibilityVersion": 1})
            answer["compatibility"] = parameter["featureCompatibilityVersion"]["version"]
            answer["authentication"] = login is options and asks_for_login(server)
            break
        except api.ServerRefused:
            answer["authentication"] = True
        finally:
            server.close()
    return answer


def asks_for_login(server: api.Server) -> bool:
    """Whether the server was started with authorization; a key file or certificates of members imply it."""
    security = server.run("admin", {"getCmdLineOpts": 1})["parsed"].get("security", {})
    if security.get("transitionToAuth"):
        return False
    return security.get("authorization") == "enabled" or bool({"keyFile", "clusterAuthMode"} & security.keys())


def run(module: GroundworkModule) -> dict[str, t.Any]:
    options = module.params
    packages = installed_packages()
    answer = ask_server(options)
    found = upgrade.Found(
        packages, process.version_of(options["binary"]), answer["running"], answer["compatibility"]
    )
    upgrade.check(found, read_release(options["release"]), options["version"], major_upgrade=options["major_upgrade"])
    return {
        "changed": False,
        "packages": packages,
        "installed_version": found.installed or "",
        "running_version": found.running or "",
        "feature_compatibility_version": found.compatibility or "",
        "authentication": answer["authentication"],
        "server_process": answer["process"],
        "driver": api.DRIVER_IMPORT_ERROR is None,
    }


def main() -> None:
    run_module(
        run,
        {
            **connection_argument_spec(),
            "release": {"type": "str", "required": True},
            "version": {"type": "str"},
            "major_upgrade": {"type": "bool", "default": False},
            "service": {"type": "str", "default": "mongod"},
            "binary": {"type": "path", "default": "/usr/bin/mongod"},
        },
    )


if __name__ == "__main__":
    main()
