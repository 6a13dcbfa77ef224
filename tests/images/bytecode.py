# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keeps what Python compiles out of zip files, for root, until the machine is shut down.

Ansible sends a module with all that it imports as a zip file. Python keeps no bytecode of that, so each task compiles
everything again: half of the processor time that it takes on a host. A ``.pth`` file next to this one imports it at
every start of the interpreter; nothing changes but where the bytecode comes from.
"""

from __future__ import annotations

import _imp
import marshal
import os
import sys
import types
import zipimport

FOLDER = "/run/groundwork-test-bytecode"

compile_source = zipimport._compile_source


def kept(path: str, source: bytes) -> types.CodeType:
    """The bytecode of a source, compiled where it is not kept yet."""
    name = f"{FOLDER}/{sys.implementation.cache_tag}-{_imp.source_hash(0, source).hex()}-{len(source)}"
    try:
        with open(name, "rb") as file:
            return marshal.load(file)  # noqa: S302 (root's own folder)
    except (OSError, EOFError, ValueError):
        return keep(name, compile_source(path, source))


def keep(name: str, code: types.CodeType) -> types.CodeType:
    unfinished = f"{name}.{os.getpid()}"
    try:
        os.makedirs(FOLDER, mode=0o700, exist_ok=True)  # noqa: PTH103 (pathlib would cost each start 10 ms)
        with open(unfinished, "wb") as file:
            marshal.dump(code, file)
        os.replace(unfinished, name)  # noqa: PTH105
    except OSError:
        pass  # A test may have filled the disk.
    return code


if os.geteuid() == 0:
    zipimport._compile_source = kept
