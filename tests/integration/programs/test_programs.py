# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Programs as a host runs them: brought by host_files, answering over HTTP, ending when they are replaced."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import stat
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import pytest
import yaml
from ansible_collections.groundwork.databases.plugins.module_utils._local import port
from ansible_collections.groundwork.databases.plugins.module_utils._programs import archive

CHECKOUT = Path(__file__).resolve().parents[3]
PATIENCE_SECONDS = 60
AT_A_TIME = 8


def run_play(folder: Path, *options: str) -> str:
    """The output of a play that brings the program ``pgbouncer_exporter`` as the role does."""
    entry = {
        "path": str(folder / "exporter.pyz"), "mode": "0755",
        "content_b64": "{{ lookup('groundwork.databases.program', 'pgbouncer_exporter') }}",
    }  # fmt: skip
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "tasks": [{"groundwork.databases.host_files": {"files": [entry]}}],
    }
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    done = subprocess.run(
        [Path(sys.executable).with_name("ansible-playbook"), "-i", "localhost,", "-c", "local", "--diff", *options,
         "-e", f"ansible_python_interpreter={sys.executable}", folder / "play.yml"],
        env={**os.environ, "ANSIBLE_CONFIG": str(CHECKOUT / "ansible.cfg"), "ANSIBLE_NOCOLOR": "1"}, cwd=CHECKOUT,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_program_reaches_the_host_byte_for_byte_and_once(tmp_path):
    program = tmp_path / "exporter.pyz"
    program.write_bytes(b"PK\0former")
    program.chmod(0o755)
    predicted = run_play(tmp_path, "--check")
    assert program.read_bytes() == b"PK\0former" and "changed=1" in predicted
    output = run_play(tmp_path)
    assert program.read_bytes() == archive.program("pgbouncer_exporter")
    assert stat.S_IMODE(program.stat().st_mode) == 0o755 and zipfile.is_zipfile(program)
    # The old and the new program by their digests, and nothing of what is in them.
    for text in (predicted, output):
        assert len(re.findall(r"(?m)^[-+]\(\d+ bytes that are not text, SHA-256 [0-9a-f]{64}\)$", text)) == 2, text
        assert "psycopg2" not in text and "\0" not in text
    assert "changed=0" in run_play(tmp_path, "--check") and "changed=0" in run_play(tmp_path)


@contextlib.contextmanager
def exporter(folder: Path, address: str = "127.0.0.1") -> t.Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The exporter of a host without any pooler, and the port on which it answers."""
    program, listen = folder / "exporter.pyz", port.free_port(0)
    program.write_bytes(archive.program("pgbouncer_exporter"))
    command = [sys.executable, "-I", program, "--address", address, "--port", str(listen)]
    (folder / "run" / "1").mkdir(parents=True)
    with subprocess.Popen([*command, "--runtime-directory", folder / "run"], cwd="/") as process:
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not answers(address, listen):
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.05)
            yield process, listen
        finally:
            process.kill()


def answers(address: str, listen: int) -> bool:
    try:
        socket.create_connection((address, listen), 5).close()
    except OSError:
        return False
    return True


def read(listen: int, path: str = "/metrics", address: str = "127.0.0.1") -> str:
    with urllib.request.urlopen(f"http://{address}:{listen}{path}", timeout=PATIENCE_SECONDS) as answer:
        assert answer.headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        return str(answer.read().decode())


@pytest.mark.parametrize(("address", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_a_process_that_does_not_answer_is_down(tmp_path, address, shown):
    with exporter(tmp_path, address) as (_process, listen):
        for path in ("/metrics", "/metrics?x=1"):
            assert read(listen, path, shown) == '# TYPE pgbouncer_up gauge\npgbouncer_up{process="1"} 0\n'
        with pytest.raises(urllib.error.HTTPError, match="404"):
            read(listen, "/", shown)


def test_those_who_say_nothing_take_no_more_than_their_places(tmp_path):
    with exporter(tmp_path) as (process, listen), contextlib.ExitStack() as silent:
        for _connection in range(AT_A_TIME * 4):
            silent.enter_context(socket.create_connection(("127.0.0.1", listen), 5))
        # Answered in order: once this one is refused, all before it were taken or refused.
        with pytest.raises((OSError, urllib.error.URLError)):
            read(listen)
        assert len(list(Path(f"/proc/{process.pid}/task").iterdir())) <= AT_A_TIME + 2
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            with contextlib.suppress(OSError):
                assert "pgbouncer_up" in read(listen)
                break
            assert time.monotonic() < deadline, "those who say nothing keep their places"
            time.sleep(0.2)


def test_it_ends_when_its_program_is_replaced(tmp_path):
    with exporter(tmp_path) as (process, listen):
        assert "pgbouncer_up" in read(listen)
        (tmp_path / "new").write_bytes(archive.program("pgbouncer_exporter"))
        (tmp_path / "new").replace(tmp_path / "exporter.pyz")
        assert process.wait(PATIENCE_SECONDS) == 0


def test_it_ends_when_another_file_changes(tmp_path):
    configuration = tmp_path / "mongodb.json"
    # Nothing listens at the server's port: the exporter says so, and goes on.
    listen = port.free_port(0)
    configuration.write_text(
        '{"host": "127.0.0.1", "port": 1, "user": "x", "tls": {}, "listen_address": "127.0.0.1", '
        f'"listen_port": {listen}, "restart_after": ["{tmp_path}/password"]}}'
    )
    program = tmp_path / "exporter.pyz"
    program.write_bytes(archive.program("mongodb_exporter"))
    (tmp_path / "password").write_text("old")
    environment = {**os.environ, "MONGODB_EXPORTER_PASSWORD": "eA=="}
    with subprocess.Popen([sys.executable, "-I", program, configuration], env=environment) as process:
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not answers("127.0.0.1", listen):
                assert time.monotonic() < deadline and process.poll() is None
                time.sleep(0.05)
            (tmp_path / "new").write_text("new")
            (tmp_path / "new").replace(tmp_path / "password")
            assert process.wait(PATIENCE_SECONDS) == 0
        finally:
            process.kill()
