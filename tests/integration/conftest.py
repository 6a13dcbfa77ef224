"""Real servers and a way to run modules against them."""

from __future__ import annotations

import shutil
import sys
import typing as t
import uuid
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTS))

from ansible_collections.groundwork.databases.plugins.filter import host_answer  # noqa: E402
from kill_points import KillPoint  # noqa: E402
from module_process import ModuleProcess, printed_result  # noqa: E402
from servers import Mongod, Postgresql  # noqa: E402


@pytest.fixture(scope="session")
def postgresql_server() -> t.Iterator[Postgresql]:
    server = Postgresql()
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.server.layout.servers)


@pytest.fixture(scope="session")
def mongod_server() -> t.Iterator[Mongod]:
    server = Mongod()
    server.start()
    yield server
    server.stop()
    shutil.rmtree(server.server.layout.servers)


@pytest.fixture
def database(postgresql_server: Postgresql) -> t.Iterator[str]:
    """An empty PostgreSQL database of the test's own."""
    name = postgresql_server.create_database(f"test_{uuid.uuid4().hex[:12]}")
    yield name
    postgresql_server.drop_database(name)


@pytest.fixture
def mongo_database(mongod_server: Mongod) -> t.Iterator[str]:
    """The name of a MongoDB database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    yield name
    with mongod_server.client() as client:
        client.drop_database(name)


class ModuleResult(dict):  # type: ignore[type-arg]
    """What the module returned; ``output`` is all that it printed, for searches after secrets."""

    output: str = ""

    def __missing__(self, key: str) -> t.Any:
        raise AssertionError(f"The module returned no {key}: {self.get('msg')}")


def start_module(
    name: str,
    arguments: dict[str, t.Any],
    *,
    check: bool = False,
    diff: bool = False,
    kill_point: KillPoint | None = None,
) -> ModuleProcess:
    """Start a module in a process of its own and hand it its arguments."""
    return ModuleProcess(name, {**arguments, "_ansible_check_mode": check, "_ansible_diff": diff}, kill_point)


def run_module(name: str, arguments: dict[str, t.Any], *, check: bool = False, diff: bool = False) -> ModuleResult:
    """Run a module to its end and return its JSON result, with ``failed`` when it failed."""
    process = start_module(name, arguments, check=check, diff=diff)
    stdout, stderr = process.communicate(timeout=300)
    result = ModuleResult(printed_result(name, stdout, stderr))
    result.output = stdout + stderr
    if not result.get("failed"):
        controller_takes(name, arguments, result)
    return result


def controller_takes(name: str, arguments: dict[str, t.Any], result: dict[str, t.Any]) -> None:
    """What a module really answers fits what the controller takes of it.

    :raises AnsibleFilterError: it does not.
    """
    if name in ("pg_clusters", *host_answer.BY_NAME):
        host_answer.host_answer(result, name, "here", clusters=arguments["clusters"])
    elif name == "local_server":
        # The controller takes nothing of a server that it stopped or removed.
        if arguments.get("state", "started") == "started":
            host_answer.host_answer(result, name, "here", engine=arguments["engine"], port=arguments.get("port", 0))
    elif name in host_answer.PARSERS:
        taken = host_answer.host_answer(result, name, "here")
        if name in ("pg_replication", "pg_replication_info"):
            lost = {field for field, value in taken.items() if value != result["member"].get(field, {})}
            assert not lost, "The controller takes something else than was answered."


@pytest.fixture(name="run_module", scope="session")
def run_module_fixture() -> t.Callable[..., ModuleResult]:
    return run_module


@pytest.fixture(name="start_module", scope="session")
def start_module_fixture() -> t.Callable[..., ModuleProcess]:
    return start_module
