"""The process of a data folder, as the folder tells of it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._pg.postmaster import Postmaster, noted, running


def note(data: Path, pid: int, port: str = "5432\n", sockets: str = "/tmp \n"):
    (data / "postmaster.pid").write_text(f"{pid}\n{data}\n1700000000\n{port}{sockets}")


@pytest.fixture
def process(tmp_path):
    """It has the folder among its arguments, as a server has."""
    with subprocess.Popen([sys.executable, "-c", "input()", "-D", tmp_path], stdin=subprocess.PIPE) as started:
        # The kernel lets Popen return a moment before it shows the arguments.
        while not Path(f"/proc/{started.pid}/cmdline").read_bytes():
            time.sleep(0.001)
        yield started.pid
        started.kill()


def test_a_dead_servers_number_means_nothing(tmp_path):
    note(tmp_path, 1)
    assert running(tmp_path) == Postmaster()
    assert noted(tmp_path) == Postmaster(1, 5432, "/tmp")
    (tmp_path / "postmaster.pid").write_text("cut o")
    assert running(tmp_path) == noted(tmp_path) == Postmaster()


def test_a_server_is_found_by_its_arguments(tmp_path, process):
    note(tmp_path, process)
    assert running(tmp_path) == Postmaster(process, 5432, "/tmp")
    (tmp_path / "link").symlink_to(tmp_path)
    assert running(tmp_path / "link").pid == process


def test_a_server_is_found_by_its_folder(tmp_path, monkeypatch):
    note(tmp_path, os.getpid())
    assert running(tmp_path).pid is None
    monkeypatch.chdir(tmp_path)
    assert running(tmp_path).pid == os.getpid()


def test_a_server_that_begins_to_start_has_no_port_yet(tmp_path, process):
    (tmp_path / "postmaster.pid").write_text(f"{process}\n{tmp_path}\n1700000000\n")
    assert running(tmp_path) == Postmaster(process)
    note(tmp_path, process, sockets="\n")
    assert running(tmp_path) == Postmaster(process, 5432)
