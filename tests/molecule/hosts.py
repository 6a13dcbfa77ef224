# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The containers of a scenario, all at once: ``hosts.py create|note|untouched|destroy``, described by JSON on stdin.

    create     the network, the package mirror and the hosts, booted; what is left of an earlier run goes first
    note       keep the list of what differs from the image, per host
    untouched  compare with that list: nothing may have been written since
    destroy    remove all of it

The description: ``prefix``, ``notes`` (a folder) and ``hosts``, each with ``name``, ``container``, ``image_of``,
``tmpfs``, ``volumes`` and ``memory``. GROUNDWORK_TEST_GROUND, as tests/molecule/ground prints it, saves asking for that
once more.
"""

from __future__ import annotations

import concurrent.futures
import json
import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]
MIRROR = CHECKOUT / ".cache/tests/mirror"
BOOT_SECONDS = 90
# What systemd needs, short of privileged mode, which some engines refuse.
SYSTEMD = ["--cap-add=SYS_ADMIN", "--security-opt=seccomp=unconfined", "--cgroupns=host", "--shm-size=256m"]
SYSTEMD += ["--volume=/sys/fs/cgroup:/sys/fs/cgroup:rw", "--tmpfs=/run", "--tmpfs=/run/lock", "--tmpfs=/tmp:exec"]
# Ansible's own traces and the system's: compiled Python, the folder for temporary files, the journal, apt's memory of
# what it could download.
IGNORED = re.compile(r"(/__pycache__(/|$)|^. /root(/[.]ansible.*)?$|^. /var/(log/journal|cache/apt|lib/apt)(/|$))")

Host = dict[str, t.Any]


class Failure(Exception):
    """Something that the sentence says."""


def docker(*arguments: str, seconds: float | None = None) -> str:
    """:raises Failure: the engine refused."""
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, timeout=seconds, check=False)
    if done.returncode:
        raise Failure(f"docker {arguments[0]}: {done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def at_once(function: t.Callable[..., t.Any], *rows: t.Iterable[t.Any]) -> list[t.Any]:
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        return list(pool.map(function, *rows))


def images(wanted: set[str]) -> dict[str, str]:
    """What the hosts start from: ``virgin``, and the prepared ones that are wanted."""
    ground = os.environ.get("GROUNDWORK_TEST_GROUND")
    if not ground:
        command = [CHECKOUT / "tests/molecule/ground", *sorted(wanted)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
        if done.returncode:
            raise Failure("tests/molecule/ground says above what is missing")
        ground = done.stdout
    found = dict(line.split() for line in ground.splitlines() if len(line.split()) == 2)
    if wanted - found.keys():
        raise Failure(f"GROUNDWORK_TEST_GROUND has no image {', '.join(sorted(wanted - found.keys()))}")
    return found


def create(prefix: str, hosts: list[Host], notes: Path) -> None:
    found = images({"virgin", *(host["image_of"] for host in hosts)})
    destroy(prefix, notes)
    docker("network", "create", prefix)
    # The folder above the tree: a mirror that is built anew takes the tree's place, not its contents.
    mirror = [f"--name={prefix}-mirror", "--network-alias=mirror", f"--volume={MIRROR}:/srv/mirror:ro"]
    serve = ["python3", "-m", "http.server", "--directory", "/srv/mirror/tree", "80"]
    run = ["run", "--detach", f"--network={prefix}"]
    containers = [[*mirror, found["virgin"], *serve]]
    containers += [[*options(host), found[host["image_of"]], "/sbin/init"] for host in hosts]
    at_once(lambda arguments: docker(*run, *arguments), containers)
    at_once(wait_for_boot, hosts)
    note(hosts, notes)


def options(host: Host) -> list[str]:
    return [
        *("--name", host["container"], f"--hostname={host['name']}", f"--network-alias={host['name']}"),
        *(*SYSTEMD, f"--memory={host['memory']}"),
        *(f"--tmpfs={entry}" for entry in host["tmpfs"]),
        *(f"--volume={entry}" for entry in host["volumes"]),
    ]


def wait_for_boot(host: Host) -> None:
    """systemctl itself waits; it is asked again only as long as systemd does not listen yet."""
    booted = "systemctl is-system-running --wait 2>/dev/null | grep -qx -e running -e degraded"
    command = f"until {booted}; do sleep 0.2; done; systemctl is-system-running || {{ systemctl --failed; exit 1; }}"
    try:
        docker("exec", host["container"], "sh", "-c", command, seconds=BOOT_SECONDS)
    except subprocess.TimeoutExpired:
        raise Failure(f"{host['container']} has not booted after {BOOT_SECONDS} s") from None


def differences(host: Host) -> list[str]:
    return docker("diff", host["container"]).splitlines()


def note(hosts: list[Host], notes: Path) -> None:
    notes.mkdir(parents=True, exist_ok=True)
    for host, lines in zip(hosts, at_once(differences, hosts), strict=True):
        (notes / f"{host['name']}.differences").write_text("\n".join(lines) + "\n")


def untouched(hosts: list[Host], notes: Path) -> None:
    """:raises Failure: something was written, with the places."""
    written = []
    for host, lines in zip(hosts, at_once(differences, hosts), strict=True):
        before = set((notes / f"{host['name']}.differences").read_text().splitlines())
        new = [line for line in lines if line not in before]
        # Docker lists a folder as changed when something below it is; what was written there says enough.
        folders = {f"C {Path(line[2:]).parent}" for line in new}
        written += [f"{host['name']}: {line}" for line in new if not IGNORED.search(line) and line not in folders]
    if written:
        raise Failure("written since: " + ", ".join(written))


def destroy(prefix: str, notes: Path) -> None:
    containers = docker("ps", "--all", "--quiet", "--filter", f"network={prefix}").split()
    if containers:
        docker("rm", "--force", "--volumes", *containers)
    if docker("network", "ls", "--quiet", "--filter", f"name=^{prefix}$"):
        docker("network", "rm", prefix)
    shutil.rmtree(notes, ignore_errors=True)


def main() -> None:
    asked = json.load(sys.stdin)
    prefix, hosts, notes = asked["prefix"], asked["hosts"], Path(asked["notes"])
    match sys.argv[1:]:
        case ["create"]:
            create(prefix, hosts, notes)
        case ["note"]:
            note(hosts, notes)
        case ["untouched"]:
            untouched(hosts, notes)
        case ["destroy"]:
            destroy(prefix, notes)
        case _:
            sys.exit("usage: hosts.py create|note|untouched|destroy")


if __name__ == "__main__":
    try:
        main()
    except Failure as failure:
        sys.exit(f"hosts: {failure}")
