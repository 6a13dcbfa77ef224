# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PgBouncer that is new enough, which neither Ubuntu 22.04 (1.16) nor Debian 12 (1.18) has and PGDG does.

These are Ubuntu 26.10's and 26.04's packages from release pockets, which never change, with the libraries they were
built against: the program is started by its own dynamic loader, and everything else of the package (scripts, unit,
configuration) is as it was. Two versions: roles test an upgrade from the older to the newer.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from archive import Deb, fetch
from wheels import MirrorError

PRIVATE = "usr/lib/pgbouncer-runtime"
LOADER = "ld-linux-x86-64.so.2"
POOLERS = {
    "1.25.1-0groundwork1": Deb(
        "pool/universe/p/pgbouncer/pgbouncer_1.25.1-1_amd64.deb",
        "cdcc93195baff06f6426aa0b2b42d705b73c3fbf2931e8433b13ca87ff764dbd",
    ),
    "1.25.2-0groundwork1": Deb(
        "pool/universe/p/pgbouncer/pgbouncer_1.25.2-1ubuntu1_amd64.deb",
        "e2fc3f48d50c87aba91acf8e4769c481e114c8820121baeaf351d49ea2424234",
    ),
}
NEWEST = list(POOLERS)[-1]
LIBRARIES = (
    Deb(
        "pool/main/a/audit/libaudit1_4.1.2-1ubuntu1_amd64.deb",
        "e09c6cd642fb06be5723a1295730b0c0de6d73eaa808dbbf18960007869f3a9a",
    ),
    Deb(
        "pool/main/g/glibc/libc6_2.44-1ubuntu2_amd64.deb",
        "e4871fc9d5bf5fe0f384c6b90f70e64e9c9bbcb84927aa97c7f70ec6bf05b8c0",
    ),
    Deb(
        "pool/main/libc/libcap-ng/libcap-ng0_0.9.6-1_amd64.deb",
        "1032997e74e06e2a3350a55ab7fac1450ca763217c0a7a9075e3c0d9365611bc",
    ),
    Deb(
        "pool/main/c/c-ares/libcares2_1.34.8-1_amd64.deb",
        "2a911d28f7034636307875672635deafb7c6c1df86ab519841630125c678457f",
    ),
    Deb(
        "pool/main/libe/libevent/libevent-2.1-7t64_2.1.13-stable-1build1_amd64.deb",
        "14749d7d0ca234685749b7199e2a511845422cc2d57830e60cc49bfe73e622c9",
    ),
    Deb(
        "pool/main/o/openldap/libldap2_2.6.13%2bdfsg-1ubuntu3_amd64.deb",
        "6b79036e8d20394cdb8370902487c9fce4bf4e3d642224180d4548bb81af5bff",
    ),
    Deb(
        "pool/main/p/pam/libpam0g_1.7.0-5ubuntu4_amd64.deb",
        "8691ffe68e092fb7c718d90bac8869dfadb5fd7a5d826629ac7c0d6a047c5b2e",
    ),
    Deb(
        "pool/main/c/cyrus-sasl2/libsasl2-2_2.1.28%2bdfsg1-11ubuntu2_amd64.deb",
        "79c7088331f71869a432fd2653f7110993b35b7ca909006a541b62cfd2241dfa",
    ),
    Deb(
        "pool/main/o/openssl/libssl4_4.0.3-1ubuntu1_amd64.deb",
        "51f0fc6a56aab90a680696977e5fc2b08bc9d128b767dc6d29849ee5f8fd6144",
    ),
    Deb(
        "pool/main/s/systemd/libsystemd0_261.3-0ubuntu3_amd64.deb",
        "38bcfcdba9aa12815a19d7ef88839bf5f24cf74bb5e6cb3cdc4f3fc2b08677a4",
    ),
    Deb(
        "pool/main/libz/libzstd/libzstd1_1.5.7%2bdfsg-4_amd64.deb",
        "13784afb20908da01dcf0360b523fc6157f320396073cb3c295dee334e185ed2",
    ),
    Deb(
        "pool/main/z/zlib/zlib1g_1.3.dfsg%2breally1.3.2-3ubuntu1_amd64.deb",
        "bc0c0511390a0157506a9a8831ac5993a429edf5579d27e0921a9fd23c72573f",
    ),
)
SONAMES = (
    LOADER, "libaudit.so.1", "libc.so.6", "libcap-ng.so.0", "libcares.so.2", "libcrypto.so.4", "libevent-2.1.so.7",
    "liblber.so.2", "libldap.so.2", "libm.so.6", "libpam.so.0", "libresolv.so.2", "libsasl2.so.2", "libssl.so.4",
    "libsystemd.so.0", "libz.so.1", "libzstd.so.1",
)


def packages(scratch: Path, cache: Path) -> list[Path]:
    """The packages of every version, built in ``scratch``; none when the archive does not answer."""
    libraries = _libraries(scratch, cache)
    if libraries is None:
        return []
    debs = []
    for version, source in POOLERS.items():
        tree = _tree(version, source, scratch, cache, libraries)
        if tree is None:
            return []
        deb = scratch / f"pgbouncer_{version}_amd64.deb"
        _run("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(tree), str(deb))
        debs.append(deb)
    return debs


def unpack(target: Path, cache: Path, version: str = NEWEST) -> Path:
    """The program, unpacked below the folder ``target`` for a machine that shall not install the package.

    :raises MirrorError: the archive does not answer.
    """
    program = target / "pgbouncer"
    if program.is_file():
        return program
    scratch = target.with_name(target.name + ".new")
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    libraries = _libraries(scratch, cache)
    source = fetch(POOLERS[version], cache)
    if libraries is None or source is None:
        raise MirrorError("Ubuntu's archive does not answer: there is no current PgBouncer to test with")
    tree = scratch / "package"
    _run("dpkg-deb", "--extract", str(source), str(tree))
    shutil.copy2(tree / "usr/sbin/pgbouncer", libraries / "pgbouncer")
    (scratch / "pgbouncer").write_text(_start(target / "libraries"))
    (scratch / "pgbouncer").chmod(0o755)
    shutil.rmtree(tree)
    shutil.rmtree(target, ignore_errors=True)
    scratch.rename(target)
    return program


def _tree(version: str, source: Deb, scratch: Path, cache: Path, libraries: Path) -> Path | None:
    """The package's tree with the libraries in it."""
    original = fetch(source, cache)
    if original is None:
        return None
    tree = scratch / f"pgbouncer-{version}"
    _run("dpkg-deb", "--raw-extract", str(original), str(tree))
    private = tree / PRIVATE
    shutil.copytree(libraries, private)
    program = tree / "usr/sbin/pgbouncer"
    shutil.move(program, private / "pgbouncer")
    program.write_text(_start(Path("/") / PRIVATE))
    program.chmod(0o755)
    control = tree / "DEBIAN/control"
    fields = []
    for line in control.read_text().splitlines():
        if line.startswith("Version:"):
            fields.append(f"Version: {version}")
        elif line.startswith("Depends:"):
            fields.append("Depends: postgresql-common (>= 26), libssl3")
        else:
            fields.append(line)
    control.write_text("\n".join(fields) + "\n")
    (tree / "DEBIAN/md5sums").unlink()
    return tree


def _start(folder: Path) -> str:
    loader = f"{folder}/{LOADER} --library-path {folder} --argv0 pgbouncer {folder}/pgbouncer"
    return f'#!/bin/sh\nexec {loader} "$@"\n'


def _libraries(scratch: Path, cache: Path) -> Path | None:
    folder = scratch / "libraries"
    folder.mkdir()
    unpacked = scratch / "unpacked"
    for deb in LIBRARIES:
        package = fetch(deb, cache)
        if package is None:
            return None
        _run("dpkg-deb", "--extract", str(package), str(unpacked))
    for name in SONAMES:
        found = next((path for path in unpacked.rglob(name) if path.exists()), None)
        if found is None:
            raise MirrorError(f"{name} is in none of the pinned packages")
        shutil.copy2(found, folder / name)
    shutil.rmtree(unpacked)
    return folder


def _run(*command: str) -> None:
    outcome = subprocess.run(command, capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise MirrorError(f"{' '.join(command)} failed: {outcome.stderr.strip()}")
