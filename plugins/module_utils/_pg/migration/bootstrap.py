# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Before the first migration: schemas, the history table, its first rows and its privileges.

PRIVATE to the collection. It can have breaking changes at any time.
"""

from __future__ import annotations

import dataclasses

from ..session import Session, quote_name
from . import history
from .history import Table
from .intent import Intent

_OTHERS = """
SELECT DISTINCT CASE WHEN a.grantee = 0 THEN NULL ELSE r.rolname END
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_catalog.aclexplode(c.relacl) a
LEFT JOIN pg_catalog.pg_roles r ON r.oid = a.grantee
WHERE n.nspname = %s AND c.relname = %s AND a.grantee <> c.relowner
"""


def bootstrap(session: Session, intent: Intent, installed_by: str, owner_only: bool, first_rank: int) -> None:
    """Create what is missing in one transaction.

    :param owner_only: take back what default privileges gave other roles on the history table.
    :param first_rank: of the SCHEMA row, when schemas are created.
    :raises SqlError: the server refuses something; nothing remains then.
    """
    session.run("BEGIN")
    for name in intent.create_schemas:
        session.run(f"CREATE SCHEMA {quote_name(name)}")
    if intent.create_table:
        session.run(intent.table.ddl())
        if intent.baseline:
            session.run(intent.table.insert(dataclasses.replace(intent.baseline, installed_by=installed_by)))
        session.run(intent.table.index_ddl())
        if owner_only:
            restrict(session, intent.table)
    if intent.create_schemas:
        session.run(intent.table.insert(history.schema_row(intent.create_schemas, first_rank, installed_by)))
    session.run("COMMIT")


def restrict(session: Session, table: Table) -> None:
    """Revoke the table from everybody but its owner."""
    grantees = [name for (name,) in session.rows(_OTHERS, table.schema, table.name)]
    for name in grantees:
        session.run(f"REVOKE ALL ON TABLE {table.qualified} FROM {'PUBLIC' if name is None else quote_name(name)}")
