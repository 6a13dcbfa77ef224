# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The mongodb-org packages around real binaries, under the version that the binary itself reports.

Only what has a binary becomes a package: mongos when one lies beside MONGOD_BINARY, the tools when MONGODB_TOOLS names
their folder, mongosh when it could be installed.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from deb import Package
from wheels import MirrorError

HERE = Path(__file__).parent / "mongodb"
# The same binary under a version that sorts before its own: an upgrade replaces files and restarts, as a real one does,
# and nothing else about it is real.
OLDER_REVISION = "~groundwork0"
TOOLS = ("bsondump", "mongodump", "mongoexport", "mongofiles", "mongoimport", "mongorestore", "mongostat", "mongotop")


def packages(mongod: Path, tools: Path | None, shell: Path | None) -> list[Package]:
    """The packages of ``mongod`` and what goes with it.

    :param tools: folder of the database tools.
    :param shell: folder that becomes /usr/lib/mongodb-mongosh; see ``mongosh.install``.
    """
    version = version_of(mongod, r"db version v([0-9][0-9.]*)")
    found = [_server(mongod, version), _server(mongod, version + OLDER_REVISION)]
    database = [found[0]]
    mongos = mongod.parent / "mongos"
    if mongos.is_file():
        database.append(_programs("mongodb-org-mongos", version, "MongoDB sharded cluster query router", [mongos]))
        found.append(database[-1])
    found.append(_meta("mongodb-org-database", version, "MongoDB database server", database))
    complete = [found[-1]]
    if tools:
        programs = [tools / name for name in TOOLS if (tools / name).is_file()]
        tools_version = version_of(tools / "mongodump", r"mongodump version: ([0-9][0-9.]*)")
        found.append(_programs("mongodb-database-tools", tools_version, "MongoDB database tools", programs))
        found.append(_meta("mongodb-org-tools", version, "MongoDB database tools", [found[-1]]))
        complete.append(found[-1])
    if shell:
        found.append(_shell(shell))
        complete.append(found[-1])
    found.append(_meta("mongodb-org", version, "MongoDB open source document-oriented database system", complete))
    return found


def version_of(program: Path, pattern: str) -> str:
    outcome = subprocess.run([str(program), "--version"], capture_output=True, text=True, check=False)
    match = re.search(pattern, outcome.stdout)
    if not match:
        reason = (outcome.stderr.strip().splitlines() or ["it printed no version"])[-1]
        raise MirrorError(f"{program} does not run here: {reason}")
    return match.group(1)


def _server(mongod: Path, version: str) -> Package:
    return Package(
        name="mongodb-org-server", version=version, summary="MongoDB database server",
        fields={"Depends": "adduser, libc6 (>= 2.34), libcurl4, libgcc-s1, liblzma5, libssl3, tzdata"},
        contents={
            "/usr/bin/mongod": mongod,
            "/lib/systemd/system/mongod.service": HERE / "mongod.service",
            "/etc/mongod.conf": HERE / "mongod.conf",
        },
        folders=("/var/lib/mongodb", "/var/log/mongodb"),
        scripts={name: (HERE / name).read_text() for name in ("postinst", "prerm", "postrm")},
        conffiles=("/etc/mongod.conf",),
    )


def _programs(name: str, version: str, summary: str, programs: list[Path]) -> Package:
    return Package(
        name=name, version=version, summary=summary,
        fields={"Depends": "libc6, libgssapi-krb5-2, libssl3, libcurl4"},
        contents={f"/usr/bin/{program.name}": program for program in programs},
    )


def _shell(folder: Path) -> Package:
    return Package(
        name="mongodb-mongosh", version=version_of(folder / "bin/mongosh", r"([0-9][0-9.]*)"),
        summary="MongoDB Shell, with the Node.js that runs it",
        fields={"Depends": "libc6 (>= 2.28), libstdc++6"},
        contents={"/usr/lib/mongodb-mongosh": folder},
        links={"/usr/bin/mongosh": "../lib/mongodb-mongosh/bin/mongosh"},
    )


def _meta(name: str, version: str, summary: str, parts: list[Package]) -> Package:
    depends = [f"{part.name} (= {version})" if part.version == version else part.name for part in parts]
    return Package(
        name=name, version=version, summary=f"{summary} (metapackage)", fields={"Depends": ", ".join(depends)},
    )
