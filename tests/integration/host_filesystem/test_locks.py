"""A lock that every local account could take would stall every run."""

from __future__ import annotations

import fcntl
import multiprocessing
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._core.errors import GroundworkError

PATIENCE_SECONDS = 30


@pytest.fixture
def child() -> t.Iterator[t.Callable[..., None]]:
    """Starts a process that does something, and goes on when it has."""
    context = multiprocessing.get_context("fork")
    running = []

    def start(work: t.Callable[[t.Callable[[], None]], None]) -> t.Any:
        done, end = context.Event(), context.Event()
        process = context.Process(target=work, args=(lambda: (done.set(), end.wait()),))  # type: ignore[arg-type]
        process.start()
        running.append((process, end))
        assert done.wait(PATIENCE_SECONDS)
        return process

    yield start
    for process, end in running:
        end.set()
        process.join()


def test_another_account_that_holds_the_folder_stalls_nothing(start_module, attacker, child, tmp_path):
    shared = tmp_path
    for folder in (shared, *shared.parents):
        if folder.stat().st_uid == os.geteuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o055)

    def hold(wait: t.Callable[[], None]) -> None:
        os.setgid(attacker.account.gid)
        os.setuid(attacker.account.uid)
        descriptor = os.open(shared, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        wait()

    child(hold)
    process = start_module("host_files", {"files": [{"path": f"{shared}/file", "content": "x"}]})
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 0 and (shared / "file").read_text() == "x"


def test_a_run_that_waits_too_long_names_the_holder(attacker, child, tmp_path):
    from ansible_collections.groundwork.databases.plugins.module_utils._host import run_lock

    def hold(wait: t.Callable[[], None]) -> None:
        with run_lock.one_run(str(tmp_path)):
            wait()

    holder = child(hold)
    with pytest.raises(GroundworkError) as error, run_lock.one_run(str(tmp_path), timeout=0.2):
        pass
    assert error.value.code == "LOCKED" and f"process {holder.pid} (" in error.value.what
    assert error.value.details == {"holder": holder.pid} and error.value.untouched == "everything"
    with attacker.acting(), pytest.raises(PermissionError):
        os.open(error.value.where or "", os.O_RDONLY)
    with run_lock.one_run("another folder", timeout=0):
        pass
