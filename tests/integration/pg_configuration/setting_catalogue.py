"""Reads the catalogue of settings from a real server; ``python setting_catalogue.py`` writes it into the collection."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

TESTS = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TESTS))

TARGET = TESTS.parent / "plugins/module_utils/_pg/settings/postgresql_16.py"
# Contrib libraries that define settings; each is loaded so that the server describes them.
LIBRARIES = "auth_delay,auto_explain,basic_archive,pg_prewarm,pg_stat_statements,pg_trgm"
TYPES = {"bool": "b", "integer": "i", "real": "r", "enum": "e", "string": "s"}
# Boot values that depend on how this server was built or started.
LOCAL_BOOT_VALUES = (
    "data_directory",
    "config_file",
    "hba_file",
    "ident_file",
    "krb_server_keyfile",
    "log_timezone",
    "TimeZone",
    "dynamic_library_path",
    "unix_socket_directories",
    "application_name",
)
HEADER = '''# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every setting of PostgreSQL 16 and its contrib libraries: name|type|context|unit|min|max|boot value|enum values.

Source: ``pg_settings`` of a running PostgreSQL {version} with the libraries loaded, written by
tests/integration/pg_configuration/setting_catalogue.py and held against the real server by its neighbour
test_catalogue.py. Types are b(ool), i(nteger), r(eal), e(num), s(tring); contexts are those of ``pg_settings``; a boot
value that depends on how the server was built or started is left empty. pgaudit is not in that server: its rows are
those of the README of pgaudit 16.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

PGAUDIT = """
pgaudit.log|s|superuser||||none|
pgaudit.log_catalog|b|superuser||||on|
pgaudit.log_client|b|superuser||||off|
pgaudit.log_level|e|superuser||||log|debug5,debug4,debug3,debug2,debug1,info,notice,warning,log
pgaudit.log_parameter|b|superuser||||off|
pgaudit.log_parameter_max_size|i|superuser|B|0|1073741823|0|
pgaudit.log_relation|b|superuser||||off|
pgaudit.log_rows|b|superuser||||off|
pgaudit.log_statement|b|superuser||||on|
pgaudit.log_statement_once|b|superuser||||off|
pgaudit.role|s|superuser|||||
"""

ROWS = """
'''


def rows(query: t.Callable[[str], list[tuple[t.Any, ...]]]) -> list[str]:
    """One line per setting, in the order of the names."""
    found = query(
        "SELECT name, vartype, context, coalesce(unit, ''), coalesce(min_val, ''), coalesce(max_val, ''),"
        " coalesce(boot_val, ''), coalesce(array_to_string(enumvals, ','), '') FROM pg_settings"
        " ORDER BY lower(name)"
    )
    lines = []
    for name, kind, context, unit, low, high, boot, enums in found:
        boot = "" if name in LOCAL_BOOT_VALUES or "|" in boot or "\n" in boot else boot
        boot = "" if context == "internal" else boot
        low, high = (_short(low), _short(high)) if kind in ("integer", "real") else ("", "")
        lines.append("|".join((name, TYPES[kind], context, unit, low, high, boot, enums)))
    return lines


def _short(number: str) -> str:
    return f"{float(number):.6g}" if "e" in number.lower() else number


def main() -> None:
    from servers import Postgresql

    server = Postgresql({"shared_preload_libraries": LIBRARIES})
    server.start()
    try:
        version = server.query("SHOW server_version")[0][0]
        lines = rows(server.query)
    finally:
        server.stop()
    TARGET.write_text(HEADER.format(version=version.split()[0]) + "\n".join(lines) + '\n"""\n')
    print(f"{len(lines)} settings in {TARGET}, {TARGET.stat().st_size} bytes")


if __name__ == "__main__":
    import conftest  # noqa: F401  pylint: disable=unused-import

    main()
