"""Keeps packages from starting or restarting services while they are installed.

``invoke-rc.d`` and ``deb-systemd-invoke`` ask /usr/sbin/policy-rc.d, and no other file, whether they may. The one that
is put there for the time of a run says no only to the processes of that run, which it knows by a variable of their
environment, and asks the host's own policy otherwise: one that a killed run left behind does no harm.
"""

from __future__ import annotations

import contextlib
import os
import typing as t
from pathlib import Path

from .. import filesystem

POLICY = Path("/usr/sbin/policy-rc.d")
KEPT = Path("/usr/sbin/policy-rc.d.groundwork-kept")
VARIABLE = "GROUNDWORK_NO_AUTOSTART"
REMOVED_VARIABLE = "GROUNDWORK_REMOVED_PACKAGES"
_MARK = "# groundwork.databases: policy for the time of a package run"
_SCRIPT = f"""#!/bin/sh
{_MARK}
if [ "${{{VARIABLE}:-}}" = 1 ]; then
    # A package that goes takes its service with it.
    case " ${{{REMOVED_VARIABLE}:-}} " in
        *" ${{DPKG_MAINTSCRIPT_PACKAGE:-none}} "*) exit 0 ;;
    esac
    exit 101
fi
[ -x {KEPT} ] && exec {KEPT} "$@"
exit 0
"""


def is_left_over() -> bool:
    """Whether a killed run left its policy, or the host's under another name."""
    return _is_ours() or os.path.lexists(KEPT)


def _is_ours() -> bool:
    try:
        return _MARK in POLICY.read_text(errors="replace")
    except OSError:
        return False


def restore() -> None:
    """Put the host's own policy back, or remove ours where there was none."""
    if os.path.lexists(POLICY) and not _is_ours():
        # Killed before ours came: the host's has two names.
        filesystem.remove(KEPT)
    elif os.path.lexists(KEPT):
        filesystem.rename(KEPT, POLICY.name)
    else:
        filesystem.remove(POLICY)


@contextlib.contextmanager
def no_autostart(environment: dict[str, str], removed: list[str]) -> t.Iterator[dict[str, str]]:
    """The environment for apt-get and dpkg under which no service is started, stopped or restarted.

    At every moment there is a whole policy in place: the host's own, or ours that asks the host's own.
    """
    if is_left_over():
        restore()
    ours = filesystem.prepare(POLICY, _SCRIPT.encode(), mode=0o755, owner=(0, 0))
    if os.path.lexists(POLICY):
        os.link(POLICY, KEPT, follow_symlinks=False)
    filesystem.commit(POLICY, ours)
    try:
        yield {**environment, VARIABLE: "1", REMOVED_VARIABLE: " ".join(removed)}
    finally:
        restore()
