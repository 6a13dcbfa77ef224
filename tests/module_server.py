"""Forks a process per run of a module: ``python module_server.py CONTROL``, a socket that ``module_process`` holds.

Starting Python and importing Ansible and the drivers takes most of a short run's CPU time. This process does it once;
each run is a copy of it with standard streams, environment and working directory of its own, that can be killed as any
process can.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import importlib
import json
import os
import pkgutil
import selectors
import signal
import socket
import sys
import threading
import typing as t

import kill_points
import module_runner

MODULES = "ansible_collections.groundwork.databases.plugins.modules"
LARGEST_REQUEST = 1 << 20
STREAMS = 3


class Server:
    """One request is one message with four descriptors: the three standard streams, and a pipe for what there is to
    say of the run: its process id on the first line, its exit code (negative: the signal) on the second.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._selector = selectors.DefaultSelector()
        self._selector.register(control, selectors.EVENT_READ)
        self._reports: dict[int, tuple[int, int]] = {}

    def serve(self) -> dict[str, t.Any] | None:
        """Answer requests until the control socket is closed.

        :return: in the process of a run, its request; None in the server, at the end.
        """
        while True:
            for key, _events in self._selector.select():
                if key.fileobj is not self._control:
                    self._report_end(key.fd)
                    continue
                message, descriptors, _flags, _address = socket.recv_fds(self._control, LARGEST_REQUEST, STREAMS + 1)
                if not message:
                    return None
                request = json.loads(message)
                if self._start(request, descriptors):
                    return request

    def _start(self, request: dict[str, t.Any], descriptors: list[int]) -> bool:
        """Fork; true in the process of the run."""
        process = os.fork()
        if process == 0:
            self._become(request, descriptors)
            return True
        *streams, report = descriptors
        for stream in streams:
            os.close(stream)
        _tell(report, process)
        ended = os.pidfd_open(process)
        self._selector.register(ended, selectors.EVENT_READ)
        self._reports[ended] = (process, report)
        return False

    def _become(self, request: dict[str, t.Any], descriptors: list[int]) -> None:
        """Leave what belongs to the server, and take what belongs to the run."""
        self._selector.close()
        self._control.close()
        for ended, (_process, report) in self._reports.items():
            os.close(ended)
            os.close(report)
        for number, stream in enumerate(descriptors[:STREAMS]):
            os.dup2(stream, number)
        for descriptor in descriptors:
            os.close(descriptor)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(request["environment"])
        os.chdir(request["directory"])

    def _report_end(self, ended: int) -> None:
        process, report = self._reports.pop(ended)
        self._selector.unregister(ended)
        os.close(ended)
        code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
        _tell(report, code)
        os.close(report)


def _tell(report: int, number: int) -> None:
    # Who started the run may have given it up and closed the pipe. The other runs still need this server.
    with contextlib.suppress(BrokenPipeError):
        os.write(report, b"%d\n" % number)


def import_modules() -> None:
    """Import what every run needs; the module itself is run anew by each."""
    for module in pkgutil.iter_modules(importlib.import_module(MODULES).__path__):
        importlib.import_module(f"{MODULES}.{module.name}")
    for driver in ("psycopg2.extras", "pymongo", "cryptography.x509"):
        importlib.import_module(driver)
    gc.collect()
    gc.freeze()


def main() -> None:
    # An interrupt from the keyboard reaches every process of the terminal; the tests decide when this one ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    import_modules()
    request = Server(socket.socket(fileno=int(sys.argv[1]))).serve()
    if request:
        sys.argv = [module_runner.__file__, request["name"]]
        if request["kill_point"]:
            calls, number = request["kill_point"]
            kill_points.arm(kill_points.KillPoint(frozenset(calls), number))
        try:
            module_runner.main(request["name"])
        except SystemExit as end:
            leave(end.code)


def leave(code: t.Any) -> t.NoReturn:
    """End as an interpreter does, but for taking all that was imported apart, which takes longer than most runs."""
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code or 0)


if __name__ == "__main__":
    main()
