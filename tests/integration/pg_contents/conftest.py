# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server whose roles and databases belong to these tests, and an independent view of its catalogues."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from servers import Postgresql

sys.path.insert(0, str(Path(__file__).resolve().parent))

from contents_server import remove_everything

Run = t.Callable[..., dict[str, t.Any]]


@pytest.fixture(scope="session")
def contents_server() -> t.Iterator[Postgresql]:
    # Everything that could hold a secret is switched on.
    server = Postgresql({"shared_preload_libraries": "pg_stat_statements", "log_statement": "all"})
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.server.layout.servers)


@pytest.fixture
def server(contents_server: Postgresql) -> t.Iterator[Postgresql]:
    """The server, empty before and after."""
    remove_everything(contents_server)
    yield contents_server
    remove_everything(contents_server)


@pytest.fixture
def catalogues(server: Postgresql) -> t.Callable[[], str]:
    """What pg_dumpall says about the whole server: roles with secrets, privileges, settings, all schemas."""

    def dump() -> str:
        command = [str(server.bin / "pg_dumpall"), "-s", "-h", server.host, "-p", str(server.port), "-U", "postgres"]
        environment = {**os.environ, "PGPASSWORD": server.password}
        text = subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout
        # Since 16.10 each dump has a random token in these two lines.
        return "\n".join(line for line in text.splitlines() if not line.startswith(("\\restrict", "\\unrestrict")))

    return dump


@pytest.fixture
def contents(server: Postgresql, run_module: t.Callable[..., t.Any]) -> Run:
    """Run the module against the server as its superuser."""

    def run(check: bool = False, diff: bool = False, **arguments: t.Any) -> dict[str, t.Any]:
        return run_module("pg_contents", {**server.login, **arguments}, check=check, diff=diff)

    return run


@pytest.fixture
def ok(contents: Run) -> Run:
    """The same, which must succeed."""

    def run(**arguments: t.Any) -> dict[str, t.Any]:
        result = contents(**arguments)
        assert not result.get("failed"), result["msg"]
        return result

    return run
