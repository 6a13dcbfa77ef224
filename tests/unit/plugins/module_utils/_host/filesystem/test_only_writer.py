"""No other code creates, writes, renames, removes or gives away files than ``_host/filesystem.py``."""

from __future__ import annotations

import ast
import re
import typing as t
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[6] / "plugins"
WRITER = "module_utils/_host/filesystem.py"

# File and, where it is not all of it, function: why it may.
ALLOWED = {
    WRITER: "the one place",
    "module_utils/_host/reaching.py:_open": "opens for reading only",
    "module_utils/_host/run_lock.py:one_run": "opens its lock in the caller's own folder, which filesystem made",
    "module_utils/_host/packages/policy.py:no_autostart": "keeps the host's policy under a second name in /usr/sbin",
    "module_utils/_host/packages/lock.py:holder": "opens the locks of dpkg to ask who holds them, and writes nothing",
    "module_utils/_host/kernel/live.py:_read": "opens a file of the kernel to see whether it could be written",
    "module_utils/_host/kernel/live.py:write": "writes to the kernel, below /proc and /sys",
    "module_utils/_host/files/validation.py:validate_all": "a temporary folder of its own",
    "module_utils/_pgbouncer/configuration/dry_run.py:_try_out": "a temporary file without a name",
    "module_utils/_local/artifact.py:install": "unpacks a download into folders of the caller's own",
    "module_utils/_local/artifact.py:_verified_wheel": "the same",
    "module_utils/_local/artifact.py:_unpack": "the same",
    "module_utils/_migration/source.py:write_archive": "an entry of an archive that the caller has opened",
    "action/pg_schema_apply.py:_send": "on the controller, a temporary file",
    "action/pg_schema_apply.py:_transfer": "the same",
}
OS = {
    "chmod", "chown", "fchmod", "fchown", "lchmod", "lchown", "link", "makedirs", "mkdir", "mkfifo", "mknod",
    "remove", "removedirs", "rename", "renames", "replace", "rmdir", "setxattr", "symlink", "truncate", "unlink",
    "utime",
}  # fmt: skip
PATH = {
    "chmod", "hardlink_to", "lchmod", "mkdir", "rename", "rmdir", "symlink_to", "touch", "unlink", "write_bytes",
    "write_text",
}  # fmt: skip
READING = {"shutil": {"which", "disk_usage", "get_terminal_size"}, "tempfile": {"gettempdir"}}


def changes(source: str) -> list[tuple[str, int, str]]:
    """Function, line and text of every call that may change a file."""
    found = []

    def visit(node: ast.AST, function: str) -> None:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            function = node.name
        if isinstance(node, ast.Call) and _changes(node):
            found.append((function, node.lineno, ast.unparse(node)[:80]))
        # A function that is handed on is called somewhere else.
        if isinstance(node, ast.ImportFrom) and node.module in ("os", "shutil", "tempfile"):
            for name in node.names:
                if name.name in OS or (node.module in READING and name.name not in READING[node.module]):
                    found.append((function, node.lineno, ast.unparse(node)))
        for child in ast.iter_child_nodes(node):
            visit(child, function)

    visit(ast.parse(source), "")
    return found


def _changes(call: ast.Call) -> bool:
    named = call.func
    arguments = [named, *call.args] if isinstance(named, ast.Attribute) else call.args
    if any(_is_change(part) for part in arguments if isinstance(part, ast.Attribute)):
        return True
    if isinstance(named, ast.Attribute) and isinstance(named.value, ast.Name) and named.value.id == "os":
        return named.attr == "open" and bool(re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC|APPEND)|flags", ast.unparse(call)))
    if isinstance(named, ast.Name) and named.id == "open":
        return _writes(call, 1)
    if isinstance(named, ast.Attribute) and named.attr == "open":
        # Path.open(mode) and zipfile's, tarfile's open(name, mode).
        return _writes(call, 0) or _writes(call, 1)
    # Path.replace(target) has one argument, str.replace two, dataclasses.replace names what it replaces.
    replaces = isinstance(named, ast.Attribute) and named.attr == "replace" and not call.keywords
    return replaces and len(call.args) == 1


def _is_change(named: ast.Attribute) -> bool:
    if isinstance(named.value, ast.Name) and named.value.id in ("os", *READING):
        module = named.value.id
        return named.attr in OS if module == "os" else named.attr not in READING[module]
    of_ours = isinstance(named.value, ast.Name) and named.value.id == "filesystem"
    return named.attr in PATH and not of_ours


def _writes(call: ast.Call, position: int) -> bool:
    modes = [*call.args[position : position + 1], *(k.value for k in call.keywords if k.arg == "mode")]
    texts = [mode.value for mode in modes if isinstance(mode, ast.Constant) and isinstance(mode.value, str)]
    return any(re.fullmatch(r"[rwxabt+]{1,3}([:|]\w*)?", text) and set(text) & set("wxa+") for text in texts)


def everything() -> t.Iterator[tuple[str, str, int, str]]:
    for area in ("module_utils", "modules", "action", "filter", "lookup"):
        for path in sorted((PLUGINS / area).rglob("*.py")):
            for function, line, text in changes(path.read_text()):
                yield str(path.relative_to(PLUGINS)), function, line, text


def test_nothing_else_changes_files() -> None:
    others = [
        f"{path}:{line} in {function or 'the module'}: {text}"
        for path, function, line, text in everything()
        if path not in ALLOWED and f"{path}:{function}" not in ALLOWED
    ]
    assert not others, "Use _host/filesystem.py, or say in ALLOWED why not:\n" + "\n".join(others)


def test_what_is_allowed_is_still_needed() -> None:
    used = {place for path, function, _line, _text in everything() for place in (path, f"{path}:{function}")}
    assert set(ALLOWED) - used == set()


@pytest.mark.parametrize(
    "line",
    [
        "Path(x).write_text('')", "path.touch()", "path.replace(other)", "open(x, 'w')", "open(x, mode='ab')",
        "path.open('r+')", "os.open(x, os.O_RDONLY | os.O_CREAT)", "os.chown(x, 1, 1)", "os.symlink(a, b)",
        "shutil.rmtree(x)", "tempfile.mkstemp()", "stack.callback(os.unlink, x)", "stack.callback(path.unlink)",
        "from shutil import move", "from os import rename",
    ],
)  # fmt: skip
def test_it_is_found(line: str) -> None:
    assert changes(line)


@pytest.mark.parametrize(
    "line",
    [
        "text.replace('a', 'b')", "dataclasses.replace(x, a=1)", "open(x)", "path.open('rb')",
        "os.open(x, os.O_RDONLY)", "shutil.which('ls')", "filesystem.rename(a, 'b')", "moment.replace(day=1)",
    ],
)  # fmt: skip
def test_it_is_left_alone(line: str) -> None:
    assert not changes(line)
