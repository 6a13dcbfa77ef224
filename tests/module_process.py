"""The runs of modules as the tests hold them: started by a fork server, and used as ``subprocess.Popen`` is."""

from __future__ import annotations

import atexit
import functools
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

from kill_points import KillPoint

SERVER = Path(__file__).resolve().parent / "module_server.py"


def printed_result(name: str, stdout: str, stderr: str) -> dict[str, t.Any]:
    """The JSON result that a run of a module ended with."""
    lines = [line for line in stdout.splitlines() if line.startswith("{")]
    assert lines, f"{name} returned no result:\n{stdout}\n{stderr}"
    return t.cast("dict[str, t.Any]", json.loads(lines[-1]))


class ModuleProcess:
    """One run of a module, with the interface of ``subprocess.Popen`` as far as the tests need it.

    :param kill_point: where the run is to end as if it were killed.
    :ivar pid: the process of the run itself.
    :ivar returncode: None until ``poll`` or ``wait`` has seen it end; negative when a signal ended it.
    """

    def __init__(self, name: str, arguments: dict[str, t.Any], kill_point: KillPoint | None = None) -> None:
        out, out_end = os.pipe()
        error, error_end = os.pipe()
        report, report_end = os.pipe()
        given = os.memfd_create("arguments")
        os.write(given, json.dumps(arguments).encode())
        os.lseek(given, 0, os.SEEK_SET)
        request = {
            "name": name,
            "directory": str(Path.cwd()),
            "environment": dict(os.environ),
            "kill_point": (sorted(kill_point.calls), kill_point.number) if kill_point else None,
        }
        ends = [given, out_end, error_end, report_end]
        socket.send_fds(_server(), [json.dumps(request).encode()], ends)
        for end in ends:
            os.close(end)
        self.stdout = os.fdopen(out, encoding="utf-8")
        self.stderr = os.fdopen(error, encoding="utf-8")
        self._report = os.fdopen(report, "rb", buffering=0)
        self.returncode: int | None = None
        self.args = [str(SERVER), name]
        self.pid = int(self._report_line())

    def _report_line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            more = self._report.read(1)
            if not more:
                raise RuntimeError(f"{SERVER.name} has ended; its output says why")
            line += more
        return line

    def poll(self) -> int | None:
        return self._ended(0)

    def wait(self, timeout: float | None = None) -> int:
        """:raises subprocess.TimeoutExpired: it still runs after that many seconds."""
        code = self._ended(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def _ended(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._report, selectors.EVENT_READ)
                if selector.select(timeout):
                    self.returncode = int(self._report_line())
                    self._report.close()
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for the end and return all that was printed.

        :raises subprocess.TimeoutExpired: it still runs after that many seconds.
        """
        printed: dict[str, str] = {}
        readers = [
            threading.Thread(target=lambda name=name, stream=stream: printed.update({name: stream.read()}), daemon=True)
            for name, stream in (("stdout", self.stdout), ("stderr", self.stderr))
        ]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        self.stdout.close()
        self.stderr.close()
        return printed["stdout"], printed["stderr"]

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


@functools.cache
def _server() -> socket.socket:
    """The control socket of this process's server, which ends with it."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        server = subprocess.Popen(
            [sys.executable, str(SERVER), str(theirs.fileno())], stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
        )

    def end() -> None:
        ours.close()
        server.wait()

    atexit.register(end)
    return ours
