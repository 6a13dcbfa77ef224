"""Through ansible-playbook: the controller's folder reaches the target, and nothing of it stays there."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from servers import CHECKOUT, Postgresql

PLAY: list[dict[str, t.Any]] = [
    {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "tasks": [
            {"name": "Migrate", "groundwork.databases.pg_schema_apply": {}, "register": "applied"},
            {"name": "Look", "groundwork.databases.pg_schema_info": {}, "register": "info"},
            {
                "name": "Report",
                "ansible.builtin.copy": {"content": "{{ [applied, info] | to_json }}", "dest": ""},
                "check_mode": False,
                "diff": False,
            },
        ],
    }
]


class Play:
    """A playbook with both modules in a folder of its own."""

    def __init__(self, folder: Path, server: Postgresql, database: str) -> None:
        self.folder = folder
        self.login = {**server.login, "login_db": database}
        (folder / "tmp").mkdir()

    def run(self, locations: list[str], *arguments: str, **options: t.Any) -> tuple[list[dict[str, t.Any]], str]:
        """Run it; return both results and everything that was printed."""
        play = json.loads(json.dumps(PLAY))
        tasks = play[0]["tasks"]
        tasks[0]["groundwork.databases.pg_schema_apply"] = {**self.login, "locations": locations, **options}
        tasks[1]["groundwork.databases.pg_schema_info"] = {**self.login, "locations": locations}
        report = self.folder / "report.json"
        report.unlink(missing_ok=True)
        tasks[2]["ansible.builtin.copy"]["dest"] = str(report)
        (self.folder / "play.yml").write_text(json.dumps(play))
        done = subprocess.run(
            [str(Path(sys.executable).parent / "ansible-playbook"), "-i", "localhost,", "-vvv", *arguments, "play.yml"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
            env={
                **os.environ,
                "ANSIBLE_COLLECTIONS_PATH": str(CHECKOUT / "collections"),
                "ANSIBLE_REMOTE_TEMP": str(self.folder / "tmp"),
                "ANSIBLE_PYTHON_INTERPRETER": sys.executable,
            },
        )
        results = json.loads(report.read_text()) if report.exists() else []
        return results, done.stdout + done.stderr

    def left_behind(self) -> list[Path]:
        return list((self.folder / "tmp").iterdir())


@pytest.fixture
def play(tmp_path: Path, postgresql_server: Postgresql, database: str) -> Play:
    return Play(tmp_path, postgresql_server, database)


def test_a_folder_beside_the_playbook(play: Play) -> None:
    (play.folder / "files" / "sql").mkdir(parents=True)
    (play.folder / "files" / "sql" / "V1__a.sql").write_text("CREATE TABLE a(id int);\n")
    (checked, _info), output = play.run(["sql"], "--check", "--diff")
    assert checked["changed"], output
    assert "+CREATE TABLE a(id int);" in output
    (applied, info), output = play.run(["sql"])
    assert applied["migrations_executed"] == 1, output
    assert applied["migrations"][0]["filepath"] == f"{play.folder}/files/sql/V1__a.sql"
    assert info["schema_version"] == "1"
    (again, _info), output = play.run(["sql"])
    assert not again["changed"]
    assert play.left_behind() == []
    assert play.login["login_password"] not in output


def test_a_large_folder_is_transferred_in_one_file(play: Play) -> None:
    folder = play.folder / "big"
    folder.mkdir()
    noise = random.Random(1)
    for number in range(1, 40):
        text = "".join(noise.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=40_000))
        (folder / f"V{number}__n.sql").write_text(f"-- {text}\nCREATE TABLE t{number}();\n")
    (applied, _info), output = play.run(["big"])
    assert applied["migrations_executed"] == 39, output
    assert "migrations.zip" in output
    assert play.left_behind() == []


def test_a_missing_folder_is_told_with_where_it_was_searched(play: Play) -> None:
    results, output = play.run(["nosuch"])
    assert results == []
    assert "The migration folder nosuch does not exist." in output
    assert f"{play.folder}/files/nosuch" in output
    assert play.left_behind() == []


def test_an_error_in_sql_is_told_with_the_path_on_the_controller(play: Play) -> None:
    (play.folder / "sql").mkdir()
    (play.folder / "sql" / "V1__a.sql").write_text("SELEC 1;\n")
    _results, output = play.run(["sql"])
    assert f"{play.folder}/sql/V1__a.sql:1:1" in output
    assert "syntax error at or near" in output
