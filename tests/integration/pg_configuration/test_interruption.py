"""Runs that end half-way: kill -9 between two files, before the reload, and a full disk."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest

FILES = {f"{number}-part": {"work_mem": f"{number}MB"} for number in range(20, 60)}
# So that the run is caught where it should be, it halts once so many of its files are in place.
HALT = """
import os, time
rename, renamed = os.replace, []
def halting(source, target, **options):
    rename(source, target, **options)
    renamed.extend([target] if str(target).endswith("-part.conf") else [])
    if len(renamed) == {count}:
        time.sleep(600)
os.replace = halting
"""


@pytest.fixture
def killed(cluster, account, bin_directory, start_module, tmp_path, monkeypatch):
    """Kill the module as soon as so many of its files are there."""

    def call(count: int) -> None:
        (tmp_path / "sitecustomize.py").write_text(HALT.format(count=count))
        monkeypatch.setenv("PYTHONPATH", f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}")
        arguments = {
            "clusters": [cluster.described(files=FILES)], "owner": account.name, "bin_directory": str(bin_directory),
            "state_directory": str(cluster.state),
        }  # fmt: skip
        process = start_module("pg_configuration", arguments)
        monkeypatch.undo()
        deadline = time.monotonic() + 30
        while len(list(cluster.drop_ins.glob("*-part.conf"))) < count and time.monotonic() < deadline:
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        process.stderr.close()

    return call


@pytest.mark.parametrize("count", [1, 17, 40])
def test_a_run_that_was_killed_is_finished_by_the_next_one(cluster, configure, killed, count):
    started = cluster.started()
    killed(count)
    found = len(list(cluster.drop_ins.glob("*-part.conf")))
    assert count == found
    # Every file is whole, and the server has read none of them.
    assert all(path.read_text().endswith("MB'\n") for path in cluster.drop_ins.glob("*-part.conf"))
    assert cluster.show("work_mem") == "4MB"
    result = configure(cluster, files=FILES)
    assert result["changed"] and result["clusters"][0]["reloaded"], result
    assert cluster.show("work_mem") == "59MB" and cluster.started() == started
    assert not list(cluster.drop_ins.glob(".*")), "what the killed run was writing is gone"
    assert not configure(cluster, files=FILES)["changed"]


def test_files_that_nobody_told_the_server_about_are_read(cluster, configure):
    """The run was killed after the last file and before the reload."""
    configure(cluster, settings={"work_mem": "7MB"})
    path = cluster.drop_ins / "99-settings.conf"
    os.utime(path, (time.time() + 1, time.time() + 1))
    time.sleep(1.1)
    result = configure(cluster, settings={"work_mem": "7MB"})
    assert [action["action"] for action in result["actions"]] == ["reload"]
    assert not configure(cluster, settings={"work_mem": "7MB"})["changed"]


def test_a_folder_that_cannot_be_written_changes_nothing(cluster, configure, account):
    configure(cluster, settings={"work_mem": "7MB"})
    before = cluster.files()
    if os.geteuid() == 0:
        full = cluster.config / "full"
        full.mkdir()
        mounted = os.system(f"mount -t tmpfs -o size=64k tmpfs {full} 2>/dev/null")  # noqa: S605
        if mounted != 0:
            pytest.skip("this machine lets nobody mount a small disk")
        try:
            shutil.copytree(cluster.drop_ins, full, dirs_exist_ok=True)
            os.system(f"mount --bind {full} {cluster.drop_ins}")  # noqa: S605
            big = {f"2{number}-x": {"app.filler": "x" * 20000} for number in range(5)}
            result = configure(cluster, files=big)
            assert result["failed"] and "No space left on device" in result["msg"], result
            assert "the previous files are back" in result["msg"]
            assert sorted(path.name for path in cluster.drop_ins.iterdir()) == ["99-settings.conf"]
        finally:
            os.system(f"umount {cluster.drop_ins} {full}")  # noqa: S605
            full.rmdir()
    else:
        cluster.drop_ins.chmod(0o500)
        result = configure(cluster, settings={"work_mem": "8MB"})
        cluster.drop_ins.chmod(0o755)
        assert result["failed"] and "Permission denied" in result["msg"]
    assert {name: found[0] for name, found in cluster.files().items()} == {
        name: found[0] for name, found in before.items()
    }
    assert cluster.show("work_mem") == "7MB"
