"""The module and the real Flyway on one folder and one database."""

from __future__ import annotations

import dataclasses
import typing as t
import uuid

import pytest
from servers import Postgresql

from ..pg_schema_apply.conftest import Files, Migrations, migrations  # noqa: F401  pylint: disable=unused-import
from .real_flyway import RELEASES, Flyway, reason_to_skip


@pytest.fixture(scope="session", params=RELEASES)
def flyway(request: pytest.FixtureRequest) -> t.Iterator[Flyway]:
    reason = reason_to_skip()
    if reason:
        pytest.skip(reason)
    process = Flyway(request.param)
    yield process
    process.stop()


@dataclasses.dataclass
class Shared:
    """``ours`` is the module, ``theirs`` the same folder and database through Flyway."""

    ours: Migrations
    flyway: Flyway

    def theirs(self, command: str = "migrate", files: Files | None = None, **options: t.Any) -> dict[str, t.Any]:
        """Write ``files`` and run Flyway; options have Flyway's names with ``_`` for the dots."""
        self.ours.write(files or {})
        server = self.ours.server
        properties = {
            "url": f"jdbc:postgresql://{server.host}:{server.port}/{self.ours.database}",
            "user": server.superuser,
            "password": server.password,
            "locations": f"filesystem:{self.ours.folder}",
            **{name.replace("_", "."): str(value) for name, value in options.items()},
        }
        return self.flyway.run(command, {f"flyway.{name}": value for name, value in properties.items()})

    def they_succeed(self, command: str = "migrate", files: Files | None = None, **options: t.Any) -> dict[str, t.Any]:
        result = self.theirs(command, files, **options)
        assert not result.get("failed"), result
        return result

    def they_fail(self, command: str = "migrate", files: Files | None = None, **options: t.Any) -> dict[str, t.Any]:
        result = self.theirs(command, files, **options)
        assert result.get("failed"), result
        return result

    def rows(self, table: str = "flyway_schema_history") -> list[tuple[t.Any, ...]]:
        """The whole history table."""
        return self.ours.query(f"SELECT * FROM {table} ORDER BY installed_rank")

    def both_agree(self) -> None:
        """Both find nothing to do and nothing wrong, and say the same of every migration."""
        checked = self.theirs("validate")
        assert checked == {"valid": True, "invalid": []}
        assert not self.ours.succeed(check=True)["changed"]
        assert self.ours.succeed(state="validated")["changed"] is False
        self.both_tell_the_same()

    def both_tell_the_same(self, **options: t.Any) -> list[tuple[str, str, str]]:
        """Compare what both say about every migration, in order; return version, description and state of each."""
        theirs = self.they_succeed("info", **{_java_name(name): value for name, value in options.items()})["migrations"]
        mine = self.ours.info(**options)
        assert not mine.get("failed"), mine["msg"]
        names = ("version", "description", "type", "state", "checksum")
        ours = [{name: entry[name] for name in names} for entry in mine["migrations"]]
        assert ours == theirs
        return [(entry["version"], entry["description"], entry["state"]) for entry in theirs]


def _java_name(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(word.capitalize() for word in others)


@pytest.fixture
def shared(migrations: Migrations, flyway: Flyway) -> Shared:  # noqa: F811
    return Shared(migrations, flyway)


@pytest.fixture
def twin(shared: Shared, postgresql_server: Postgresql) -> t.Iterator[Shared]:
    """A second database with the same folder, so that both do the same from the same start."""
    name = postgresql_server.create_database(f"test_{uuid.uuid4().hex[:12]}")
    yield Shared(dataclasses.replace(shared.ours, database=name), shared.flyway)
    postgresql_server.drop_database(name)
