"""Runs that end half-way: kill -9 between two files, before the reload, and a full disk."""

from __future__ import annotations

import os
import shutil
import signal
import time

import pytest
from kill_points import KillPoint

# What is kept of the configuration that worked is synchronised before, and so often.
KEPT = 14
FILES = {f"{number}-part": {"work_mem": f"{number}MB"} for number in range(20, 60)}


def point_with_files(count: int) -> KillPoint:
    """Where so many files are in place, and the next one, if there is one, is written but has another name still.

    Each is synchronised before it is renamed, and its folder after that.
    """
    return KillPoint(frozenset({"fsync"}), KEPT + 2 * count + (count < len(FILES)))


@pytest.mark.parametrize("count", [1, 17, 40])
def test_a_run_that_was_killed_is_finished_by_the_next_one(cluster, configure, start_module, arguments_for, count):
    started = cluster.started()
    process = start_module(
        "pg_configuration", arguments_for(cluster, files=FILES), kill_point=point_with_files(count)
    )
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert len(list(cluster.drop_ins.glob("*-part.conf"))) == count
    assert len(list(cluster.drop_ins.glob(".*"))) == (count < len(FILES))
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
    now = time.time()
    os.utime(cluster.drop_ins / "99-settings.conf", (now, now))
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
