# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A connection to a container of this machine's Docker engine that does without the engine for each task.

``docker exec`` costs 0.1 s of processor time a call, most of it in the engine. Here a command enters the namespaces and
control groups of the container's init by itself, with that one's environment and no more capabilities than it has.
"""

from __future__ import annotations

import http.client
import json
import os
import socket
import subprocess
import typing as t
from pathlib import Path

from ansible.errors import AnsibleConnectionFailure, AnsibleFileNotFound
from ansible.plugins.connection import ConnectionBase
from ansible.utils.display import Display

DOCUMENTATION = """
name: container
short_description: Runs tasks in a container of this machine
description: Runs tasks in a container of this machine, as root, without asking the Docker engine for each.
author: The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment: [connection_pipelining]
options:
  container:
    description: The container's name.
    default: inventory_hostname
    vars:
      - {name: inventory_hostname}
      - {name: ansible_host}
"""

ENGINE = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
CONTROL_GROUPS = Path("/sys/fs/cgroup")
#: The engine's own, for an image that says nothing.
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class _Engine(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.connect(ENGINE.removeprefix("unix://"))


def described(container: str) -> dict[str, t.Any]:
    """What the engine knows of a container.

    :raises AnsibleConnectionFailure: there is none that runs, or the engine is not on this machine.
    """
    if not ENGINE.startswith("unix://"):
        raise AnsibleConnectionFailure(f"the engine at {ENGINE} is not one of this machine")
    engine = _Engine("engine")
    try:
        engine.request("GET", f"/containers/{container}/json")
        answer = json.loads(engine.getresponse().read())
    except OSError as error:
        raise AnsibleConnectionFailure(f"the Docker engine at {ENGINE} does not answer: {error}") from error
    finally:
        engine.close()
    if not answer.get("State", {}).get("Running"):
        raise AnsibleConnectionFailure(f"container {container} does not run: {answer.get('message', 'it is stopped')}")
    return t.cast("dict[str, t.Any]", answer)


def control_groups(init: Path) -> list[Path]:
    """The files in which a process writes itself to be accounted with the container."""
    lines = [line.split(":", 2) for line in (init / "cgroup").read_text().splitlines()]
    unified = "unified" if (CONTROL_GROUPS / "unified").is_dir() else "."
    folders = [CONTROL_GROUPS / (names.removeprefix("name=") or unified) / path[1:] for _number, names, path in lines]
    return [folder / "cgroup.procs" for folder in folders if (folder / "cgroup.procs").is_file()]


def capabilities(init: Path) -> str:
    """Those that a process in the container may have at most, as setpriv wants them."""
    status = dict(line.split(":", 1) for line in (init / "status").read_text().splitlines() if ":" in line)
    mask = int(status["CapBnd"], 16)
    return ",".join(["-all", *(f"+cap_{number}" for number in range(mask.bit_length()) if mask >> number & 1)])


class Connection(ConnectionBase):
    transport = "container"
    has_pipelining = True

    def _connect(self) -> Connection:
        if not self._connected:
            self._name = self.get_option("container")
            container = described(self._name)
            init = Path("/proc", str(container["State"]["Pid"]))
            self._groups = control_groups(init)
            described_there = dict(entry.split("=", 1) for entry in container["Config"]["Env"] or [])
            self._environment = {
                "HOME": "/root",
                "PATH": PATH,
                "HOSTNAME": container["Config"]["Hostname"],
                **described_there,
            }
            self._entering = [
                *("nsenter", f"--target={init.name}", "--mount", "--uts", "--ipc", "--net", "--pid", "--root", "--wd"),
                *("setpriv", f"--bounding-set={capabilities(init)}", "--"),
            ]
            self._connected = True
        return self

    def _run(self, command: list[str], **streams: t.Any) -> subprocess.CompletedProcess[bytes]:
        self._connect()

        def join() -> None:
            for group in self._groups:
                group.write_text("0")

        return subprocess.run(
            [*self._entering, *command], env=self._environment, preexec_fn=join, check=False, **streams
        )

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        Display().vvv(f"EXEC {cmd}", host=self.get_option("container"))
        done = self._run([self._play_context.executable, "-c", cmd], input=in_data or b"", capture_output=True)
        return done.returncode, done.stdout, done.stderr

    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)
        try:
            with open(in_path, "rb") as source:
                done = self._run(
                    ["dd", f"of={out_path}", "bs=64K", "status=none"], stdin=source, stderr=subprocess.PIPE
                )
        except FileNotFoundError as error:
            raise AnsibleFileNotFound(f"there is no file {in_path}") from error
        if done.returncode:
            raise AnsibleConnectionFailure(f"{self._name}: {out_path} could not be written: {done.stderr.decode()}")

    def fetch_file(self, in_path: str, out_path: str) -> None:
        super().fetch_file(in_path, out_path)
        with open(out_path, "wb") as target:
            done = self._run(["cat", in_path], stdin=subprocess.DEVNULL, stdout=target, stderr=subprocess.PIPE)
        if done.returncode:
            raise AnsibleConnectionFailure(f"{self._name}: {in_path} could not be read: {done.stderr.decode()}")

    def close(self) -> None:
        self._connected = False
