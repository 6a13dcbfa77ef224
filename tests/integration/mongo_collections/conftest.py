# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A database of the test's own, and the module run on it."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from mongo_subject import Subject


@pytest.fixture
def subject(mongod_server: t.Any, mongo_database: str, run_module: t.Callable[..., t.Any]) -> t.Iterator[Subject]:
    with mongod_server.client() as client:
        yield Subject(mongod_server, client, mongo_database, run_module)
