# Copyright (c) 2026, The groundwork.databases maintainers
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""postgresql-16 and postgresql-client-16 from a relocatable tree, laid out as Debian and PGDG lay them out.

Clusters, units and configuration come from postgresql-common: the maintainer scripts only call it.
"""

from __future__ import annotations

from pathlib import Path

from deb import Package
from wheels import MirrorError, Wheel

MAJOR = "16"
LIBRARY = f"/usr/lib/postgresql/{MAJOR}"
SHARE = f"/usr/share/postgresql/{MAJOR}"
CLIENT_PROGRAMS = (
    "clusterdb", "createdb", "createuser", "dropdb", "dropuser", "pg_amcheck", "pg_basebackup", "pg_config", "pg_dump",
    "pg_dumpall", "pg_isready", "pg_receivewal", "pg_recvlogical", "pg_restore", "pg_verifybackup", "psql", "reindexdb",
    "vacuumdb",
)
# PL/Python is a package of its own at PGDG, and the wheel's needs the libpython of one distribution only.
LEFT_OUT = ("ecpg", "plpython3", "libecpg", "libpgtypes")
BUILD_RUNPATH = b"/opt/postgresql/lib\0"

_USE_COMMON = "#!/bin/sh\nset -e\n. /usr/share/postgresql-common/maintscripts-functions\n"
_SERVER_SCRIPTS = {
    "postinst": f'#!/bin/sh\nset -e\nif [ "$1" = configure ]; then\n'
    f"    . /usr/share/postgresql-common/maintscripts-functions\n    configure_version {MAJOR} \"$2\"\nfi\n",
    "prerm": _USE_COMMON + f'stop_version {MAJOR}\nif [ "$1" = remove ]; then\n    remove_version {MAJOR}\nfi\n',
    # Purging drops the clusters, as PGDG's package does when nobody answers its question.
    "postrm": f"""#!/bin/sh
set -e
[ "$1" = purge ] && [ -x /usr/bin/pg_dropcluster ] || exit 0
for folder in /etc/postgresql/{MAJOR}/*/; do
    [ -e "$folder/postgresql.conf" ] || continue
    pg_dropcluster --stop {MAJOR} "$(basename "$folder")"
done
""",
}
_CLIENT_SCRIPTS = {
    "postinst": _USE_COMMON + f'if [ "$1" = configure ]; then\n    configure_client_version {MAJOR} "$2"\nfi\n',
    "prerm": f'#!/bin/sh\nset -e\nif [ "$1" = remove ]; then\n'
    f"    . /usr/share/postgresql-common/maintscripts-functions\n    remove_client_version {MAJOR}\nfi\n",
}


def packages(wheel: Wheel, tree: Path) -> list[Package]:
    """The server and client packages of the unpacked ``tree``, which is changed in place."""
    version = f"{wheel.version.rpartition('.')[0]}-0groundwork1"
    programs = [program for program in (tree / "bin").iterdir() if program.name not in LEFT_OUT]
    libraries = [entry for entry in (tree / "lib").iterdir() if entry.is_file() and not _is_left_out(entry.name)]
    for library in libraries:
        if not library.is_symlink():
            _make_relocatable(library)
    client = Package(
        name=f"postgresql-client-{MAJOR}", version=version, summary=f"front-end programs for PostgreSQL {MAJOR}",
        fields={
            "Source": f"postgresql-{MAJOR}",
            "Depends": "postgresql-client-common (>= 248~), sensible-utils, libc6 (>= 2.34), libgssapi-krb5-2, "
            "liblz4-1, libreadline8, libssl3, libzstd1, zlib1g",
            "Provides": "postgresql-client",
            "Multi-Arch": "foreign",
        },
        contents={
            **{f"{LIBRARY}/bin/{name}": tree / "bin" / name for name in CLIENT_PROGRAMS},
            **{f"{LIBRARY}/lib/{entry.name}": entry for entry in libraries if entry.name.startswith("libpq.")},
            f"{SHARE}/psqlrc.sample": tree / "share/psqlrc.sample",
            f"/usr/share/doc/postgresql-client-{MAJOR}/copyright": tree / "COPYRIGHT",
        },
        links={f"{LIBRARY}/etc": "/etc/postgresql-common"},
        scripts=_CLIENT_SCRIPTS,
    )
    server = Package(
        name=f"postgresql-{MAJOR}", version=version, summary=f"PostgreSQL {MAJOR} server and contributed extensions",
        fields={
            "Depends": f"locales | locales-all, postgresql-client-{MAJOR}, postgresql-common (>= 248~), ssl-cert, "
            "tzdata, libc6 (>= 2.34), libgssapi-krb5-2, liblz4-1, libossp-uuid16, libssl3, libxml2 (>= 2.7.4), "
            "libxslt1.1, libzstd1, zlib1g",
            "Provides": f"postgresql-contrib-{MAJOR}",
        },
        contents={
            **{f"{LIBRARY}/bin/{entry.name}": entry for entry in programs if entry.name not in CLIENT_PROGRAMS},
            **{f"{LIBRARY}/lib/{entry.name}": entry for entry in libraries if not entry.name.startswith("libpq.")},
            **{f"{SHARE}/{entry.name}": entry for entry in (tree / "share").iterdir() if _is_server_data(entry.name)},
            f"/usr/share/doc/postgresql-{MAJOR}/copyright": tree / "COPYRIGHT",
        },
        # The programs look for their data beside their own folder.
        links={f"{LIBRARY}/share": f"../../../share/postgresql/{MAJOR}"},
        scripts=_SERVER_SCRIPTS,
    )
    return [client, server]


def _is_left_out(name: str) -> bool:
    return any(part in name for part in LEFT_OUT)


def _is_server_data(name: str) -> bool:
    return name not in ("psqlrc.sample", "doc", "man")


def _make_relocatable(library: Path) -> None:
    """Let a library find the libpq beside it: overwrite its run path in place, as chrpath does.

    Without this libpqwalreceiver, dblink and postgres_fdw load the distribution's libpq, which is older than they are.
    """
    content = library.read_bytes()
    if BUILD_RUNPATH not in content:
        return
    if content.count(BUILD_RUNPATH) != 1:
        raise MirrorError(f"{library.name} names {BUILD_RUNPATH!r} more than once: is this wheel one of wheels.py?")
    library.write_bytes(content.replace(BUILD_RUNPATH, b"$ORIGIN".ljust(len(BUILD_RUNPATH), b"\0")))
