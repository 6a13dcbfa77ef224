"""Ends a program whose files were replaced, so that systemd starts it anew with the new ones.

The role restarts it too. This is for a run that was killed between the two: the next one finds nothing to change.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

State = tuple[int, int, int]


def end_when_replaced(*files: str) -> None:
    """Watch the program itself and these files from now on."""
    program = str(Path(sys.argv[0]).resolve())
    threading.Thread(target=watch, args=([program, *files],), daemon=True).start()


def watch(files: list[str], seconds: float = 5) -> None:
    """Return never: end the process when one of the files is another than at the beginning."""
    known = [_state(file) for file in files]
    while known == [_state(file) for file in files]:
        time.sleep(seconds)
    os._exit(0)


def _state(file: str) -> State | None:
    try:
        facts = Path(file).stat()
    except OSError:
        return None
    return facts.st_ino, facts.st_mtime_ns, facts.st_ctime_ns
