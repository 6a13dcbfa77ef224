"""A folder of migrations, and the module run on it against a real server."""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest
from servers import Postgresql

Files = dict[str, "str | bytes"]
HISTORY = (
    "SELECT installed_rank, version, description, type, script, checksum, success"
    " FROM flyway_schema_history ORDER BY installed_rank"
)


@dataclasses.dataclass
class Migrations:
    """One migration folder and one database."""

    folder: Path
    server: Postgresql
    database: str
    run_module: t.Callable[..., dict[str, t.Any]]
    start_module: t.Callable[..., t.Any]

    def write(self, files: Files) -> None:
        """Add files; ``None`` as content removes one."""
        for name, content in files.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            else:
                path.write_bytes(content if isinstance(content, bytes) else content.encode())

    def arguments(self, **options: t.Any) -> dict[str, t.Any]:
        return {
            **self.server.login,
            "login_db": self.database,
            "locations": [str(self.folder)],
            "remote_src": True,
            "retry_delay": 0.1,
            **options,
        }

    def apply(self, files: Files | None = None, *, check: bool = False, diff: bool = False, **options: t.Any) -> t.Any:
        """Write ``files`` and run the module."""
        self.write(files or {})
        return self.run_module("pg_schema_apply", self.arguments(**options), check=check, diff=diff)

    def succeed(self, files: Files | None = None, **options: t.Any) -> t.Any:
        result = self.apply(files, **options)
        assert not result.get("failed"), result["msg"]
        return result

    def fail(self, files: Files | None = None, **options: t.Any) -> t.Any:
        result = self.apply(files, **options)
        assert result.get("failed"), result
        return result

    def start(self, **options: t.Any) -> t.Any:
        """Start the module and do not wait for it."""
        return self.start_module("pg_schema_apply", self.arguments(**options))

    def info(self, **options: t.Any) -> t.Any:
        arguments = self.arguments(**options)
        del arguments["retry_delay"]
        return self.run_module("pg_schema_info", arguments)

    def query(self, sql: str) -> list[tuple[t.Any, ...]]:
        return self.server.query(sql, self.database)

    def history(self) -> list[tuple[t.Any, ...]]:
        """Version or description, type and success of each row."""
        return self.query(
            "SELECT coalesce(version, description), type, success FROM flyway_schema_history ORDER BY installed_rank"
        )

    def versions(self) -> list[str]:
        return [row[0] for row in self.history()]

    def tables(self) -> set[str]:
        """Tables of the public schema that are nobody's bookkeeping."""
        rows = self.query("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {name for (name,) in rows if not name.startswith(("flyway_", "pg_schema_apply_"))}


@pytest.fixture
def migrations(
    tmp_path: Path,
    postgresql_server: Postgresql,
    database: str,
    run_module: t.Callable[..., t.Any],
    start_module: t.Callable[..., t.Any],
) -> Migrations:
    folder = tmp_path / "sql"
    folder.mkdir()
    return Migrations(folder, postgresql_server, database, run_module, start_module)
