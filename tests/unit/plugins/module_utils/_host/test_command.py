"""Programs of the host are run in one way, and by one file."""

from __future__ import annotations

import ast
import os
import pwd
import re
import signal
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.error_codes import ErrorCode
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError
from ansible_collections.groundwork.databases.plugins.module_utils._host import command
from ansible_collections.groundwork.databases.plugins.module_utils._host.account import Account, require_account

PLUGINS = Path(__file__).resolve().parents[5] / "plugins"
# File and function: why it may start a process itself.
STARTS_PROCESSES = {
    "module_utils/_host/command.py:run": "the one place",
    "module_utils/_pgbouncer/configuration/dry_run.py:_try_out": "a server that is asked while it runs, and ended",
    "module_utils/_pgbouncer/operations/control.py:_arm_process": "a process that outlives the run",
}


def sh(script: str, *arguments: str, **options) -> command.Result:
    return command.run(["/bin/sh", "-c", script, "sh", *arguments], **options)


def test_a_failure_is_a_result_and_an_error_when_success_is_required():
    result = sh("echo out; echo ' why' >&2; exit 3")
    assert (result.code, result.stdout, result.stderr, result.said, result.ok) == (3, "out\n", " why\n", "why", False)
    with pytest.raises(GroundworkError) as error:
        result.require(where="there", untouched="the rest", hint="Look.")
    assert error.value.what == "sh -c echo out; echo ' why' >&2; exit 3 sh failed: why"
    assert (error.value.where, error.value.untouched, error.value.hint) == ("there", "the rest", "Look.")
    assert error.value.code == ErrorCode.COMMAND_FAILED
    assert sh("true").require().ok


@pytest.mark.parametrize(
    ("script", "reason"), [("echo out; exit 1", "out"), ("exit 4", "exit code 4"), ("kill -9 $$", "signal 9")]
)
def test_what_is_known_of_a_failure_is_said(script, reason):
    with pytest.raises(GroundworkError, match=re.escape(reason) + "$"):
        sh(script).require()
    assert sh("kill -9 $$").code == -signal.SIGKILL


@pytest.mark.parametrize("mode", [None, 0o644])
def test_a_program_that_cannot_be_started_is_an_error(tmp_path, mode):
    program = tmp_path / "program"
    if mode:
        program.write_text("#!/bin/sh\n")
        program.chmod(mode)
    with pytest.raises(command.NotRun, match=f"{program} could not be run") as error:
        command.run([str(program)])
    assert error.value.code == ErrorCode.COMMAND_FAILED
    assert error.value.reason == os.strerror(13 if mode else 2)


def test_a_program_that_does_not_end_is_killed(tmp_path):
    with pytest.raises(GroundworkError, match=r"/bin/sleep did not end within 0\.2 s") as error:
        command.run(["/bin/sleep", "600"], timeout=0.2)
    assert error.value.code == ErrorCode.COMMAND_FAILED
    with pytest.raises(GroundworkError, match=r"^the order did not end within 1 s\."):
        sh('echo $$ > "$1"; exec sleep 600', str(tmp_path / "pid"), timeout=1, name="the order")
    assert not Path("/proc", (tmp_path / "pid").read_text().strip()).exists()


def test_the_language_the_folder_and_the_input_are_the_same_for_everyone(monkeypatch):
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    monkeypatch.setenv("PGHOST", "elsewhere")
    monkeypatch.delenv("PATH")
    result = sh('pwd; cat; echo "$LC_ALL $HOME ${PGHOST-unset} $GIVEN"', environment={"GIVEN": "yes"})
    assert result.stdout.splitlines() == ["/", "C.UTF-8 / unset yes"]
    assert "/usr/sbin" in command.search_path().split(":")


def test_what_is_no_utf_8_is_a_result_too():
    assert sh(r"printf 'a\377b'").stdout == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another account")
def test_a_program_runs_as_the_account_with_its_groups_and_no_others():
    nobody = pwd.getpwnam("nobody")
    account = require_account("nobody")
    assert account == Account("nobody", nobody.pw_uid, nobody.pw_gid, drop=True)
    ids = account.run(["/bin/sh", "-c", "id -u; id -g; id -G"]).stdout.split()
    assert ids[:2] == [str(nobody.pw_uid), str(nobody.pw_gid)]
    assert {*map(int, ids[2:])} == {*os.getgrouplist("nobody", nobody.pw_gid)}


def test_servers_do_not_run_as_root_or_as_an_account_that_is_not_there():
    with pytest.raises(GroundworkError, match="There is no account gw-absent") as error:
        require_account("gw-absent", "account")
    assert (error.value.code, error.value.where) == (ErrorCode.NO_ACCOUNT, "account")
    if os.geteuid() == 0:
        with pytest.raises(GroundworkError, match="refuse to run as root"):
            require_account("root")


def starters(source: str) -> list[str]:
    """Functions that start a process."""
    found = []

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = node.name
        if isinstance(node, ast.ImportFrom) and node.module == "subprocess":
            found.append(function)
        if isinstance(node, ast.Call) and re.match(
            r"(subprocess\.|os\.(system|popen|exec|spawn|posix_spawn|fork)|\w+\.run_command\()", ast.unparse(node)
        ):
            found.append(function)
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(source), "")
    return found


def test_nothing_else_starts_processes():
    found = {
        f"{path.relative_to(PLUGINS)}:{function}"
        for area in ("module_utils", "modules", "filter", "lookup", "action")
        for path in (PLUGINS / area).rglob("*.py")
        for function in starters(path.read_text())
    }
    assert found == set(STARTS_PROCESSES)


@pytest.mark.parametrize(
    "line",
    ["subprocess.run(x)", "subprocess.Popen(x)", "from subprocess import run", "os.system(x)", "m.run_command(x)"],
)
def test_a_start_would_be_found(line):
    assert starters(line)


@pytest.mark.parametrize("area", ["_core", "_host", "_mongo", "_pg", "_pgbouncer"])
def test_what_runs_on_hosts_does_not_know_the_servers_of_a_folder(area):
    users = [
        str(path)
        for path in (PLUGINS / "module_utils" / area).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and "_local" in [*(node.module or "").split("."), *(name.name for name in node.names)]
    ]
    assert users == []
