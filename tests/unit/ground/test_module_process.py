"""Runs of modules by the fork server end, are killed and are abandoned as processes of their own are.

The module is ``host_files``, whose ``validate`` runs a command: that says what a run sees, and how long it takes.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kill_points import FILE_CHANGES, KillPoint
from module_process import ModuleProcess


def start(path: Path, command: str = "true", kill_point: KillPoint | None = None) -> ModuleProcess:
    """Write a file, with a shell's command before it."""
    entry = {"path": str(path), "content": "x", "validate": ["/bin/sh", "-c", f"{command} # %s"]}
    return ModuleProcess("host_files", {"files": [entry]}, kill_point)


def held(path: Path, gate: Path) -> ModuleProcess:
    """A run that waits until the gate is there."""
    process = start(path, f"echo > {path}.begun; until [ -e {gate} ]; do sleep 0.01; done")
    wait_until(Path(f"{path}.begun").exists)
    return process


def wait_until(condition: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "condition not reached in time"
        time.sleep(0.005)


def result_of(process: ModuleProcess) -> dict[str, t.Any]:
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, output + errors
    result: dict[str, t.Any] = json.loads(output)
    return result


def test_a_run_answers_and_ends(tmp_path: Path) -> None:
    process = start(tmp_path / "a")
    assert process.returncode is None
    assert result_of(process)["changed"] is True and process.poll() == 0
    with pytest.raises(ProcessLookupError):
        os.kill(process.pid, 0)
    failed = start(tmp_path / "b", "false")
    assert '"failed": true' in failed.communicate(timeout=60)[0] and failed.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_killed_run_says_by_what(tmp_path: Path) -> None:
    process = held(tmp_path / "a", tmp_path / "gate")
    assert process.poll() is None
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(timeout=0)
    process.kill()
    (tmp_path / "gate").touch()
    process.communicate(timeout=60)
    assert process.returncode == process.poll() == -signal.SIGKILL and not (tmp_path / "a").exists()
    process.terminate()  # which does nothing to a process that has ended


def test_a_kill_point_ends_the_run_before_the_call(tmp_path: Path) -> None:
    process = start(tmp_path / "a", kill_point=KillPoint(FILE_CHANGES, 1))
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL and list(tmp_path.iterdir()) == []


def test_a_run_that_was_given_up_harms_no_other(tmp_path: Path) -> None:
    """The server has something to say of it, and nowhere to say it."""
    process = held(tmp_path / "a", tmp_path / "gate")
    other = held(tmp_path / "b", tmp_path / "gate")
    for stream in (process.stdout, process.stderr, process._report):
        stream.close()
    os.kill(process.pid, signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{process.pid}").exists())
    (tmp_path / "gate").touch()
    assert result_of(other)["changed"] is True
    assert result_of(start(tmp_path / "c"))["changed"] is True


def test_two_runs_at_once_have_their_own_ends(tmp_path: Path) -> None:
    first, second = held(tmp_path / "a", tmp_path / "one"), held(tmp_path / "b", tmp_path / "two")
    assert first.pid != second.pid
    (tmp_path / "two").touch()
    assert result_of(second)["changed_files"] == [str(tmp_path / "b")]
    assert first.poll() is None
    (tmp_path / "one").touch()
    assert result_of(first)["changed_files"] == [str(tmp_path / "a")]


def test_a_run_has_the_environment_and_the_folder_of_its_caller(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GROUNDWORK_FORMER", "of the caller")
    result_of(start(tmp_path / "a"))
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    monkeypatch.setenv("GROUNDWORK_MARK", "of the caller")
    monkeypatch.delenv("GROUNDWORK_FORMER")
    seen_by = f"readlink /proc/$PPID/cwd > {tmp_path}/seen; env >> {tmp_path}/seen"
    result_of(start(tmp_path / "b", seen_by))
    seen = (tmp_path / "seen").read_text().splitlines()
    assert seen[0] == str(tmp_path / "sub") and "GROUNDWORK_MARK=of the caller" in seen
    assert not any(line.startswith("GROUNDWORK_FORMER=") for line in seen)


def test_a_run_ends_though_it_leaves_a_child(tmp_path: Path) -> None:
    """As a server does that a module starts."""
    gate = tmp_path / "gate"
    command = f"(until [ -e {gate} ]; do sleep 0.01; done; echo > {gate}.seen) </dev/null >/dev/null 2>&1 &"
    process = start(tmp_path / "a", f"{command}\n")
    assert result_of(process)["changed"] is True
    assert not Path(f"{gate}.seen").exists()
    gate.touch()
    wait_until(Path(f"{gate}.seen").exists)
