# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module on one table, and SQL in the test's database."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest
from servers import Postgresql

sys.path.insert(0, str(Path(__file__).parent))

from audit_log import TODAY, Run


@pytest.fixture
def partitions(postgresql_server: Postgresql, database: str, run_module: Run) -> Run:
    """Run the module on one table of the test's database, as of a fixed day."""

    def run(
        check: bool = False, table: str = "audit_log", options: dict[str, t.Any] | None = None, **entry: t.Any
    ) -> dict[str, t.Any]:
        arguments = {
            **postgresql_server.login,
            "login_db": database,
            "today": TODAY,
            "tables": [{"name": table, **entry}],
            **(options or {}),
        }
        return run_module("pg_partitions", arguments, check=check, diff=True)

    return run


@pytest.fixture
def sql(postgresql_server: Postgresql, database: str) -> t.Callable[[str], list[tuple[t.Any, ...]]]:
    return lambda text: postgresql_server.query(text, database)
