"""A connection to a host that runs nothing: to every module it answers what a file says, as its owner may."""

from __future__ import annotations

import ast
import json
import os
import typing as t
from pathlib import Path

from ansible.plugins.connection import ConnectionBase

DOCUMENTATION = """
name: answering
short_description: Answers for a host
description: Answers for a host, and notes what it was asked.
author: The groundwork.databases maintainers (@groundwork)
extends_documentation_fragment: [connection_pipelining]
"""

FOLDER = "GROUNDWORK_ANSWERING"


class Connection(ConnectionBase):
    transport = "answering"
    has_pipelining = True

    def _connect(self) -> Connection:
        return self

    def exec_command(self, cmd: str, in_data: bytes | None = None, sudoable: bool = True) -> tuple[int, bytes, bytes]:
        super().exec_command(cmd, in_data=in_data, sudoable=sudoable)
        if not in_data:
            return 0, b"/tmp\n", b""
        module, arguments = what_is_asked(in_data)
        self._note(module, arguments)
        answers = json.loads((Path(os.environ[FOLDER]) / "answers.json").read_text())
        answer = answers.get(self._play_context.remote_addr, {}).get(module, {"changed": False})
        return 0, json.dumps(answer).encode(), b""

    def _note(self, module: str, arguments: dict[str, t.Any]) -> None:
        line = json.dumps({"host": self._play_context.remote_addr, "module": module, "arguments": arguments})
        with (Path(os.environ[FOLDER]) / "asked.jsonl").open("a") as log:
            log.write(line + "\n")

    def put_file(self, in_path: str, out_path: str) -> None:
        super().put_file(in_path, out_path)
        self._note("put_file", {"content": Path(in_path).read_text(errors="replace"), "path": out_path})

    def fetch_file(self, in_path: str, out_path: str) -> None:
        raise NotImplementedError(f"{in_path} was to be fetched to {out_path}")

    def close(self) -> None:
        self._connected = False


def what_is_asked(payload: bytes) -> tuple[str, dict[str, t.Any]]:
    """Module and arguments, from the last call in what Ansible sends."""
    call = ast.parse(payload.decode()).body[-1].body[0].value
    sent = {keyword.arg: keyword.value for keyword in call.keywords if keyword.arg in ("module_fqn", "params")}
    arguments = json.loads(ast.literal_eval(sent["params"]))["ANSIBLE_MODULE_ARGS"]
    return ast.literal_eval(sent["module_fqn"]).rpartition(".")[2], arguments
