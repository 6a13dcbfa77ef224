"""The drop-in of a cluster's systemd unit. pg_ctlcluster runs as root and becomes the clusters' account, which is what
the capabilities are for.
"""

from __future__ import annotations

import re
import typing as t

from ..._core.described import Described, truth

_HOMES = re.compile(r"/(home|root|run/user)/")
_HARDENING = """\
PrivateDevices=true
ProtectClock=true
ProtectControlGroups=true
ProtectHostname=true
ProtectKernelLogs=true
ProtectKernelModules=true
ProtectKernelTunables=true
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=true
RestrictRealtime=true
RestrictSUIDSGID=true
LockPersonality=true
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM"""


def drop_in(data_directory: str, wal_directory: str, options: Described) -> str:
    """:param options: those of the role that begin with ``service_``, without that."""
    folders = [folder for folder in (data_directory, wal_directory) if folder]
    lines = [
        "# Managed by Ansible: role groundwork.databases.postgresql_16.",
        "[Unit]",
        f"RequiresMountsFor={' '.join(folders)}",
        "",
        "[Service]",
        f"LimitNOFILE={options['limit_nofile']}",
        "# The postmaster is the last process to be killed for memory, its backends are as likely as any.",
        "OOMScoreAdjust=-900",
        "Environment=PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj",
    ]
    if truth(options["hardening"]):
        lines += _hardening(folders, options["writable_paths"])
    lines += [f"{name}={value}" for name, value in sorted(options["overrides"].items(), key=_caseless)]
    return "\n".join(lines) + "\n"


def _hardening(folders: list[str], writable: t.Sequence[str]) -> list[str]:
    lines = [
        "NoNewPrivileges=true",
        "CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER CAP_KILL CAP_SETGID CAP_SETUID CAP_SYS_RESOURCE",
    ]
    if writable:
        lines += [
            "ProtectSystem=strict",
            f"ReadWritePaths={' '.join([*folders, '/var/log/postgresql', '/run/postgresql'])}",
            "# A folder that is not there must not keep the server from starting.",
            f"ReadWritePaths={' '.join(f'-{path}' for path in writable)}",
        ]
    else:
        lines.append("ProtectSystem=full")
    at_home = any(_HOMES.match(folder) for folder in folders)
    return [*lines, f"ProtectHome={'false' if at_home else 'true'}", *_HARDENING.splitlines()]


def _caseless(item: tuple[str, t.Any]) -> str:
    return str(item[0]).lower()
