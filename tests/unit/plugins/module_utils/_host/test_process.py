"""What a process was started with, read in one place."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._host.process import arguments

UTILS = Path(__file__).resolve().parents[5] / "plugins/module_utils"


def test_the_words_are_those_of_the_start():
    with subprocess.Popen(
        [sys.executable, "-c", "print(flush=True); input()", "--folder", "a b", b"\xff"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as started:  # fmt: skip
        assert started.stdout is not None and started.stdout.readline() == b"\n"
        words = arguments(started.pid)
        started.kill()
    assert words[0] == sys.executable and words[3:6] == ["--folder", "a b", "\ufffd"]


def test_a_process_that_is_gone_is_no_word():
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    with pytest.raises(OSError):
        arguments(gone.pid)


def test_nothing_else_reads_them():
    readers = [path.name for path in UTILS.rglob("*.py") if re.search(r"[/\"']cmdline[\"']", path.read_text())]
    assert readers == ["process.py"]
