# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""mongosh from npm, with a copy of the Node.js that runs it: the distributions' own is too old for it."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from wheels import MirrorError

HERE = Path(__file__).parent / "mongosh"
OLDEST_NODE = 20
# Types and source maps, half of what npm brings; nothing reads them when the shell runs.
NEEDLESS = ("*.map", "*.d.ts", "*.d.mts", "*.d.cts", "*.md")
_LAUNCHER = """#!/bin/sh
folder=$(dirname "$(dirname "$(readlink -f "$0")")")
exec "$folder/bin/node" "$folder/node_modules/mongosh/bin/mongosh.js" "$@"
"""


def available() -> bool:
    """Whether npm and a Node.js that mongosh accepts are installed here."""
    node = shutil.which("node")
    if not node or not shutil.which("npm"):
        return False
    outcome = subprocess.run([node, "--version"], capture_output=True, text=True, check=False)
    match = re.match(r"v(\d+)\.", outcome.stdout)
    return match is not None and int(match.group(1)) >= OLDEST_NODE


def install(target: Path) -> Path:
    """Install the locked packages and Node.js below ``target``; its bin/mongosh works wherever the folder is moved."""
    target.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, target)
    outcome = subprocess.run(
        # No package may run code of its own here; what is optional would need a compiler.
        ["npm", "ci", "--ignore-scripts", "--omit=optional", "--no-audit", "--no-fund", "--loglevel=error"],
        cwd=target, capture_output=True, text=True, check=False,
    )
    if outcome.returncode != 0:
        reason = (outcome.stderr.strip().splitlines() or ["npm gave no reason"])[0]
        raise MirrorError(f"npm could not install mongosh: {reason}")
    for pattern in NEEDLESS:
        for file in (target / "node_modules").rglob(pattern):
            file.unlink()
    programs = target / "bin"
    programs.mkdir()
    shutil.copy(Path(shutil.which("node") or "node").resolve(), programs / "node")
    (programs / "mongosh").write_text(_LAUNCHER)
    (programs / "mongosh").chmod(0o755)
    return target
