# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the first migration: schemas, the history table, its first rows and its privileges.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import typing as t

from ..contents.quoting import identifier as quote_name
from ..session import Session
from . import history
from .history import Row, Table

_OTHERS = """
SELECT DISTINCT CASE WHEN a.grantee = 0 THEN NULL ELSE r.rolname END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE n.nspname = %s AND c.relname = %s AND a.grantee <> c.relowner
"""


def create(session: Session, table: Table, schemas: t.Sequence[str], baseline: Row | None, owner_only: bool) -> None:
    """Create the history table, and missing schemas before it, in one transaction.

    :param baseline: the first row, written before the primary key is there, as Flyway does.
    :param owner_only: take back what default privileges gave other roles on the table.
    :raises SqlError: the server refuses something; nothing remains then.
    """
    session.run("BEGIN")
    for name in schemas:
        session.run(f"CREATE SCHEMA {quote_name(name)}")
    session.run(table.ddl())
    if baseline:
        session.run(table.insert(baseline))
    session.run(table.index_ddl())
    if owner_only:
        restrict(session, table)
    session.run("COMMIT")


def bootstrap(
    session: Session, table: Table, schemas: t.Sequence[str], table_exists: bool, installed_by: str, owner_only: bool
) -> None:
    """Create missing schemas with the row that says so, and the history table when it is missing too.

    :raises SqlError: the server refuses something; nothing remains then.
    """
    session.run("BEGIN")
    for name in schemas:
        session.run(f"CREATE SCHEMA {quote_name(name)}")
    if not table_exists:
        session.run(table.ddl())
        session.run(table.index_ddl())
        if owner_only:
            restrict(session, table)
    if schemas:
        rows = table.read(session)
        rank = history.next_rank(rows, history.SCHEMA)
        session.run(table.insert(history.schema_row(schemas, rank, installed_by)))
    session.run("COMMIT")


def restrict(session: Session, table: Table) -> None:
    """Revoke the table from everybody but its owner."""
    grantees = [name for (name,) in session.rows(_OTHERS, table.schema, table.name)]
    for name in grantees:
        session.run(f"REVOKE ALL ON TABLE {table.qualified} FROM {'PUBLIC' if name is None else quote_name(name)}")
