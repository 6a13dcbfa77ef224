"""Whether a mongod that nobody can ask wants a login, from its command line and its file."""

from __future__ import annotations

import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.groundwork.databases.plugins.module_utils._mongo.configuration import (
    authentication,
    process,
    settings,
)

MONGOD = "/usr/bin/mongod"
# What the packages bring.
PACKAGED = """\
storage:
  dbPath: /var/lib/mongodb
net:
  port: 27017
  bindIp: 127.0.0.1
#security:
#  authorization: enabled
"""
OWN = settings.render({"security.authorization": "enabled", "security.keyFile": "/etc/mongodb/keyfile"})


@pytest.mark.parametrize(
    ("words", "path"),
    [
        ([MONGOD, "--config", "/etc/mongod.conf", ""], "/etc/mongod.conf"),
        ([MONGOD, "--config=/etc/mongod.conf"], "/etc/mongod.conf"),
        ([MONGOD, "--quiet", "-f", "/etc/mongod.conf"], "/etc/mongod.conf"),
        ([MONGOD, "--dbpath", "/data"], None),
    ],
)
def test_the_file_is_found_on_the_command_line(words: list[str], path: str | None) -> None:
    assert authentication.configuration_file(words) == path


@pytest.mark.parametrize(
    "text",
    [
        OWN,
        PACKAGED.replace("#", ""),
        "security: {authorization: enabled}\n",
        '{"security": {"authorization": "enabled"}}\n',
        "security.authorization: 'enabled' # since spring\n",
        "security:\n  keyFile: /etc/mongodb/keyfile\n",
        "dbpath = /data\nauth = true\n",
        "keyFile=/etc/mongodb/keyfile\n",
    ],
)
def test_files_that_ask_for_a_login(text: str) -> None:
    assert authentication.of_options([MONGOD], text) is True


@pytest.mark.parametrize(
    "text",
    [
        "",
        PACKAGED,
        "security: {authorization: disabled}\n",
        "security:\n  # keyFile: /etc/mongodb/keyfile\n  javascriptEnabled: false\n",
        'security:\n  keyFile: ""\n',
        "noauth = true\n#auth = true\n",
        settings.render({
            "security.authorization": "enabled", "security.keyFile": "/k", "security.transitionToAuth": True,
        }),
        "setParameter: {authenticationMechanisms: SCRAM-SHA-256}\n",
    ],
)
def test_files_that_let_everybody_in(text: str) -> None:
    assert authentication.of_options([MONGOD], text) is False


def test_the_command_line_counts_too() -> None:
    assert authentication.of_options([MONGOD, "--auth"]) is True
    assert authentication.of_options([MONGOD, "--keyFile=/k"]) is True
    assert authentication.of_options([MONGOD, "--keyFile", "/k", "--transitionToAuth"]) is False
    assert authentication.of_options([MONGOD, "--noauth"], OWN) is False
    assert authentication.of_options([""]) is None


@pytest.fixture
def started(tmp_path: Path) -> t.Iterator[tuple[process.Process, Path]]:
    """A process that was started with a configuration file, as mongod is."""
    file = tmp_path / "mongod.conf"
    file.write_text(PACKAGED)
    long_ago = time.time() - 3600
    os.utime(file, (long_ago, long_ago))
    program = "import sys; print('here', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", program, "--config", str(file)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    child.stdout.readline()  # until then the kernel may not show its arguments yet
    yield process.Process(child.pid, time.time(), False), file
    child.communicate()


def test_a_running_process_tells(started: tuple[process.Process, Path]) -> None:
    assert authentication.of_process(started[0]) is False


def test_a_file_that_was_edited_after_the_start_tells_nothing(started: tuple[process.Process, Path]) -> None:
    running, file = started
    file.write_text("security: {authorization: enabled}\n")
    os.utime(file, (time.time() + 60, time.time() + 60))
    assert authentication.of_process(running) is None
    file.write_text(OWN)
    os.utime(file, (time.time() + 60, time.time() + 60))
    assert authentication.of_process(running) is True


def test_a_file_that_is_gone_tells_nothing(started: tuple[process.Process, Path]) -> None:
    running, file = started
    file.unlink()
    assert authentication.of_process(running) is None
