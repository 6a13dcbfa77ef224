"""Notes the command line of every process that it sees, in the file that its first argument names."""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

SECONDS_BETWEEN_LOOKS = 0.02

seen: set[bytes] = set()
with open(sys.argv[1], "ab", buffering=0) as notes:
    while True:
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                line = (entry / "cmdline").read_bytes() if entry.name.isdigit() else b""
                if line and line not in seen:
                    seen.add(line)
                    notes.write(line.replace(b"\0", b" ") + b"\n")
        time.sleep(SECONDS_BETWEEN_LOOKS)
